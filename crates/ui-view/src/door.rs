//! The screens before the vault is open.

use egui::text_edit::TextEditState;
use egui::{Id, Key, Label, Margin, RichText, TextEdit, Ui};
use ui_model::{Intent, PASSPHRASE_MIN, Passphrase, State};

use crate::icons::Icon;
use crate::local::{Local, focus};
use crate::press::{Press, Weight};
use crate::{card, theme};

/// What is half typed on these screens.
#[derive(Default)]
pub(crate) struct Form {
    name: String,
    device: Option<String>,
    first: Hidden,
    second: Hidden,
    shown: bool,
}

/// A passphrase while it is typed; the memory is cleared where the program frees it.
#[derive(Default)]
struct Hidden(String);

impl Hidden {
    fn take(&mut self) -> Passphrase {
        Passphrase::new(std::mem::take(&mut self.0))
    }

    fn len(&self) -> usize {
        self.0.chars().count()
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        drop(self.take());
    }
}

pub(crate) fn first_start(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    card::show(ui, 440.0, |ui| {
        card::mark(ui);
        let sentence =
            "Set up this device. Your keys and messages stay on it, sealed with a passphrase.";
        card::title(ui, "Welcome to Sotto", sentence);
        let first_field = std::mem::take(&mut local.first_field);
        let form = &mut local.form;
        let device = form.device.get_or_insert_with(|| state.device_hint.clone());
        let mut enter =
            field(ui, "Your name", "As others will see it", &mut form.name, first_field);
        enter |= field(ui, "This device", "laptop", device, false);
        let ready_names = !form.name.trim().is_empty() && !device.trim().is_empty();
        enter |= secret(ui, "Passphrase", &mut form.first, form.shown, false);
        enter |= secret(ui, "Passphrase again", &mut form.second, form.shown, false);
        show_switch(ui, &mut form.shown);
        let t = theme::of(ui);
        let differ = form.second.len() > 0 && form.first.0 != form.second.0;
        let (advice, colour) = if differ {
            ("The two passphrases differ.".to_owned(), t.danger)
        } else {
            let rule = "characters or more. Nobody can recover it for you.";
            (format!("{PASSPHRASE_MIN} {rule}"), t.text_3)
        };
        ui.add(Label::new(RichText::new(advice).size(13.0).color(colour)).wrap());
        if let Some(trouble) = &state.door().trouble {
            card::trouble(ui, &trouble.0);
        }
        let long_enough = form.first.len() >= PASSPHRASE_MIN;
        let ready = ready_names && long_enough && form.first.0 == form.second.0;
        ui.add_space(4.0);
        if submit(ui, "Create", "Creating…", ready, state) || (enter && ready && may_knock(state))
        {
            let name = form.name.clone();
            let device = device.clone();
            drop(form.second.take());
            out.push(Intent::Create { name, device, passphrase: form.first.take() });
        }
    });
}

pub(crate) fn unlock(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    card::show(ui, 440.0, |ui| {
        card::mark(ui);
        let sentence = if state.door().restarted {
            "The secure process stopped and was started again. Nothing is lost: unlock it to go on."
        } else {
            "Enter your passphrase to open your messages."
        };
        card::title(ui, "Sotto is locked", sentence);
        // After a wrong one the field is empty and wants to be typed into again.
        let first_field = std::mem::take(&mut local.first_field);
        let form = &mut local.form;
        let enter = secret(ui, "Passphrase", &mut form.first, form.shown, first_field);
        show_switch(ui, &mut form.shown);
        if let Some(trouble) = &state.door().trouble {
            card::trouble(ui, &trouble.0);
        }
        let wait = state.wait_seconds();
        if wait > 0 {
            let unit = if wait == 1 { "second" } else { "seconds" };
            card::paragraph(ui, &format!("The next try is possible in {wait} {unit}."));
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(250));
        }
        let ready = form.first.len() > 0;
        ui.add_space(4.0);
        let pressed = submit(ui, "Unlock", "Unlocking…", ready, state);
        if pressed || (enter && ready && may_knock(state)) {
            out.push(Intent::Unlock(form.first.take()));
            local.first_field = true;
        }
    });
}

/// The secure process is gone; the launcher starts it again by itself.
pub(crate) fn gone(ui: &mut Ui, out: &mut Vec<Intent>) {
    card::show(ui, 440.0, |ui| {
        card::mark(ui);
        let sentence = "It keeps your keys and messages, so nothing can be shown without it. \
                        It is being started again; then your passphrase opens it. Nothing is lost.";
        card::title(ui, "The secure process stopped", sentence);
        if Press::new("Quit").centred().width(ui.available_width()).height(40.0).show(ui).clicked()
        {
            out.push(Intent::Quit);
        }
    });
}

fn may_knock(state: &State) -> bool {
    !state.door().busy && state.wait_seconds() == 0
}

fn submit(ui: &mut Ui, text: &str, busy_text: &str, ready: bool, state: &State) -> bool {
    let text = if state.door().busy { busy_text } else { text };
    Press::new(text)
        .weight(Weight::Primary)
        .enabled(ready && may_knock(state))
        .width(ui.available_width())
        .height(40.0)
        .show(ui)
        .clicked()
}

fn show_switch(ui: &mut Ui, shown: &mut bool) {
    let (text, icon) =
        if *shown { ("Hide passphrase", Icon::Lock) } else { ("Show passphrase", Icon::Eye) };
    if Press::new(text).with(icon).weight(Weight::Ghost).show(ui).clicked() {
        *shown = !*shown;
    }
}

/// A field with its name above it; says whether Enter was pressed in it.
pub(crate) fn field(
    ui: &mut Ui,
    name: &str,
    hint: &str,
    text: &mut String,
    wants_focus: bool,
) -> bool {
    let edit = TextEdit::singleline(text);
    show_field(ui, name, hint, edit, wants_focus)
}

fn secret(ui: &mut Ui, name: &str, typed: &mut Hidden, shown: bool, wants_focus: bool) -> bool {
    let id = Id::unique(("door", name));
    let edit = TextEdit::singleline(&mut typed.0).password(!shown);
    let enter = show_field(ui, name, "", edit, wants_focus);
    // Otherwise the field would keep every earlier form of the passphrase, to undo to.
    if let Some(mut state) = TextEditState::load(ui.ctx(), id) {
        state.clear_undoer();
        state.store(ui.ctx(), id);
    }
    enter
}

fn show_field(ui: &mut Ui, name: &str, hint: &str, edit: TextEdit<'_>, wants_focus: bool) -> bool {
    let t = theme::of(ui);
    let id = Id::unique(("door", name));
    let label = ui.label(RichText::new(name).size(13.0).color(t.text_2));
    let edit = edit
        .id(id)
        .hint_text(RichText::new(hint).color(t.text_3))
        .desired_width(f32::INFINITY)
        .text_color(t.text)
        .margin(Margin::symmetric(10, 8));
    if wants_focus {
        focus(ui, id);
    }
    let response = ui.add(edit).labelled_by(label.id);
    ui.add_space(2.0);
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
