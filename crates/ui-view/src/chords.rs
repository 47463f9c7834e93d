//! Reads the model's table of keys from egui's input.

use egui::{Event, InputState, Ui};
use ui_model::{Chord, Command, KEYMAP, Key, Scope};

/// The commands of a scope whose keys were pressed; their presses are taken out of the input.
pub(crate) fn take(ui: &Ui, scope: Scope) -> Vec<Command> {
    ui.input_mut(|input| {
        if input.events.is_empty() {
            return Vec::new();
        }
        let here = KEYMAP.iter().filter(|binding| binding.scope == scope);
        here.filter(|binding| binding.chords.iter().any(|chord| take_chord(input, *chord)))
            .map(|binding| binding.command)
            .collect()
    })
}

fn take_chord(input: &mut InputState, chord: Chord) -> bool {
    let found = input.events.iter().position(|event| matches(event, chord));
    if let Some(at) = found {
        input.events.remove(at);
    }
    found.is_some()
}

fn matches(event: &Event, chord: Chord) -> bool {
    // The window system turns this chord into an event of its own.
    if let Event::Copy = event {
        return chord.ctrl && !chord.shift && !chord.alt && chord.key == Key::Letter('C');
    }
    let Event::Key { key, pressed: true, modifiers, .. } = event else {
        return false;
    };
    // Plus needs Shift on many keyboards and none on others.
    let shift = modifiers.shift == chord.shift || chord.key == Key::Plus;
    modifiers.command == chord.ctrl && modifiers.alt == chord.alt && shift && is(*key, chord.key)
}

fn is(pressed: egui::Key, wanted: Key) -> bool {
    match wanted {
        Key::Plus => matches!(pressed, egui::Key::Plus | egui::Key::Equals),
        Key::Letter(letter) => pressed.name() == letter.encode_utf8(&mut [0; 4]),
        Key::Digit(digit) => pressed.name() == digit.to_string(),
        Key::F(number) => pressed.name() == format!("F{number}"),
        Key::Comma => pressed == egui::Key::Comma,
        Key::Period => pressed == egui::Key::Period,
        Key::Minus => pressed == egui::Key::Minus,
        Key::Up => pressed == egui::Key::ArrowUp,
        Key::Down => pressed == egui::Key::ArrowDown,
        Key::Left => pressed == egui::Key::ArrowLeft,
        Key::Right => pressed == egui::Key::ArrowRight,
        Key::PageUp => pressed == egui::Key::PageUp,
        Key::End => pressed == egui::Key::End,
        Key::Tab => pressed == egui::Key::Tab,
        Key::Enter => pressed == egui::Key::Enter,
        Key::Escape => pressed == egui::Key::Escape,
    }
}
