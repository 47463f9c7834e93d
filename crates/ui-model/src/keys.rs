//! The one table of commands and their keys: the window's shortcuts, its tooltips and the quick
//! switcher all read it.

/// Something that a key, a button or the quick switcher can do.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Command {
    /// Opens the quick switcher.
    Switcher,
    /// The channel above.
    ChannelUp,
    /// The channel below.
    ChannelDown,
    /// The unread channel above.
    UnreadUp,
    /// The unread channel below.
    UnreadDown,
    /// The team with this number, from 1.
    Team(u8),
    /// What was shown before.
    Back,
    /// What was shown after that.
    Forward,
    /// The newest message.
    Latest,
    /// The first unread message.
    FirstUnread,
    /// The next region of the window.
    NextRegion,
    /// The region before.
    PreviousRegion,
    /// Into the composer.
    Compose,
    /// Sends what stands in the composer.
    Send,
    /// Begins a new line in the composer.
    NewLine,
    /// Opens the thread of the message that has the focus.
    Thread,
    /// Copies the text of the message that has the focus.
    CopyMessage,
    /// The message above.
    MessageUp,
    /// The message below.
    MessageDown,
    /// Opens or closes the thread pane.
    ToggleThread,
    /// Shows or hides the people of the team.
    Members,
    /// Closes what is open on top.
    Dismiss,
    /// Joins a team.
    JoinTeam,
    /// Switches between light and dark.
    Theme,
    /// Locks the vault.
    Lock,
    /// Larger text.
    ZoomIn,
    /// Smaller text.
    ZoomOut,
    /// Normal text.
    ZoomReset,
    /// Closes the window.
    Quit,
}

/// Where a shortcut works.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Scope {
    /// Anywhere.
    Anywhere,
    /// While a message has the focus.
    Message,
    /// While the composer has the focus.
    Composer,
}

/// A key, without its modifiers.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Key {
    /// A letter, upper case.
    Letter(char),
    /// A digit.
    Digit(u8),
    /// `,`
    Comma,
    /// `.`
    Period,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// Up
    Up,
    /// Down
    Down,
    /// Left
    Left,
    /// Right
    Right,
    /// Page up
    PageUp,
    /// End
    End,
    /// Tab
    Tab,
    /// Enter
    Enter,
    /// Escape
    Escape,
    /// A function key.
    F(u8),
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub struct Chord {
    /// Ctrl, or Command on a Mac.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt, or Option on a Mac.
    pub alt: bool,
    /// The key.
    pub key: Key,
}

impl Chord {
    const fn plain(key: Key) -> Self {
        Self { ctrl: false, shift: false, alt: false, key }
    }

    const fn ctrl(key: Key) -> Self {
        Self { ctrl: true, ..Self::plain(key) }
    }

    const fn alt(key: Key) -> Self {
        Self { alt: true, ..Self::plain(key) }
    }

    const fn shift(self) -> Self {
        Self { shift: true, ..self }
    }

    /// As it is written in menus.
    #[must_use]
    pub fn label(self) -> String {
        let mut label = String::new();
        for (held, name) in [(self.ctrl, "Ctrl+"), (self.alt, "Alt+"), (self.shift, "Shift+")] {
            if held {
                label.push_str(name);
            }
        }
        label.push_str(&match self.key {
            Key::Letter(letter) => letter.to_string(),
            Key::Digit(digit) => digit.to_string(),
            Key::F(number) => format!("F{number}"),
            Key::Comma => ",".to_owned(),
            Key::Period => ".".to_owned(),
            Key::Plus => "+".to_owned(),
            Key::Minus => "-".to_owned(),
            Key::Up => "Up".to_owned(),
            Key::Down => "Down".to_owned(),
            Key::Left => "Left".to_owned(),
            Key::Right => "Right".to_owned(),
            Key::PageUp => "Page Up".to_owned(),
            Key::End => "End".to_owned(),
            Key::Tab => "Tab".to_owned(),
            Key::Enter => "Enter".to_owned(),
            Key::Escape => "Esc".to_owned(),
        });
        label
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Binding {
    /// What it does.
    pub command: Command,
    /// How it is called.
    pub label: &'static str,
    /// Where the keys work.
    pub scope: Scope,
    /// Which keys; the first one is shown. Empty: by button or quick switcher alone.
    pub chords: &'static [Chord],
    /// Whether the quick switcher offers it.
    pub offered: bool,
}

/// The line of a command.
#[must_use]
pub fn bindings_of(command: Command) -> Option<&'static Binding> {
    KEYMAP.iter().find(|binding| binding.command == command)
}

const fn anywhere(command: Command, label: &'static str, chords: &'static [Chord]) -> Binding {
    Binding { command, label, scope: Scope::Anywhere, chords, offered: false }
}

const fn offered(command: Command, label: &'static str, chords: &'static [Chord]) -> Binding {
    Binding { command, label, scope: Scope::Anywhere, chords, offered: true }
}

const fn within(
    scope: Scope,
    command: Command,
    label: &'static str,
    chords: &'static [Chord],
) -> Binding {
    Binding { command, label, scope, chords, offered: false }
}

/// Every command of the window.
pub const KEYMAP: &[Binding] = &[
    anywhere(Command::Switcher, "Jump to a channel", &[Chord::ctrl(Key::Letter('K'))]),
    anywhere(
        Command::ChannelUp,
        "Previous channel",
        &[Chord::alt(Key::Up), Chord::ctrl(Key::Tab).shift()],
    ),
    anywhere(Command::ChannelDown, "Next channel", &[Chord::alt(Key::Down), Chord::ctrl(Key::Tab)]),
    anywhere(Command::UnreadUp, "Previous unread channel", &[Chord::alt(Key::Up).shift()]),
    anywhere(Command::UnreadDown, "Next unread channel", &[Chord::alt(Key::Down).shift()]),
    anywhere(Command::Team(1), "Team 1", &[Chord::ctrl(Key::Digit(1))]),
    anywhere(Command::Team(2), "Team 2", &[Chord::ctrl(Key::Digit(2))]),
    anywhere(Command::Team(3), "Team 3", &[Chord::ctrl(Key::Digit(3))]),
    anywhere(Command::Team(4), "Team 4", &[Chord::ctrl(Key::Digit(4))]),
    anywhere(Command::Team(5), "Team 5", &[Chord::ctrl(Key::Digit(5))]),
    anywhere(Command::Team(6), "Team 6", &[Chord::ctrl(Key::Digit(6))]),
    anywhere(Command::Team(7), "Team 7", &[Chord::ctrl(Key::Digit(7))]),
    anywhere(Command::Team(8), "Team 8", &[Chord::ctrl(Key::Digit(8))]),
    anywhere(Command::Team(9), "Team 9", &[Chord::ctrl(Key::Digit(9))]),
    offered(Command::Back, "Back", &[Chord::alt(Key::Left)]),
    offered(Command::Forward, "Forward", &[Chord::alt(Key::Right)]),
    offered(
        Command::Latest,
        "Jump to latest",
        &[Chord::ctrl(Key::End), Chord::ctrl(Key::Letter('J'))],
    ),
    offered(Command::FirstUnread, "Jump to first unread", &[Chord::plain(Key::PageUp).shift()]),
    anywhere(Command::NextRegion, "Next part of the window", &[Chord::plain(Key::F(6))]),
    anywhere(
        Command::PreviousRegion,
        "Previous part of the window",
        &[Chord::plain(Key::F(6)).shift()],
    ),
    anywhere(Command::Compose, "Write a message", &[Chord::ctrl(Key::Letter('T')).shift()]),
    within(Scope::Composer, Command::Send, "Send", &[Chord::plain(Key::Enter)]),
    within(Scope::Composer, Command::NewLine, "New line", &[Chord::plain(Key::Enter).shift()]),
    within(
        Scope::Message,
        Command::Thread,
        "Reply in thread",
        &[Chord::plain(Key::Letter('T')), Chord::plain(Key::Letter('R')), Chord::plain(Key::Enter)],
    ),
    within(Scope::Message, Command::CopyMessage, "Copy message", &[Chord::ctrl(Key::Letter('C'))]),
    within(Scope::Message, Command::MessageUp, "Message above", &[Chord::plain(Key::Up)]),
    within(Scope::Message, Command::MessageDown, "Message below", &[Chord::plain(Key::Down)]),
    offered(Command::ToggleThread, "Show or hide the thread", &[Chord::ctrl(Key::Period)]),
    offered(Command::Members, "Show or hide the members", &[Chord::ctrl(Key::Period).shift()]),
    anywhere(Command::Dismiss, "Close what is on top", &[Chord::plain(Key::Escape)]),
    offered(Command::JoinTeam, "Join a team", &[]),
    offered(Command::Theme, "Switch between light and dark", &[]),
    offered(Command::Lock, "Lock", &[Chord::ctrl(Key::Letter('L')).shift()]),
    offered(Command::ZoomIn, "Larger text", &[Chord::ctrl(Key::Plus)]),
    offered(Command::ZoomOut, "Smaller text", &[Chord::ctrl(Key::Minus)]),
    offered(Command::ZoomReset, "Normal text size", &[Chord::ctrl(Key::Digit(0))]),
    offered(Command::Quit, "Quit", &[Chord::ctrl(Key::Letter('Q'))]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(one: Scope, other: Scope) -> bool {
        one == other || one == Scope::Anywhere || other == Scope::Anywhere
    }

    /// `UI-MODEL-07`
    #[test]
    fn no_key_means_two_things_in_one_place_and_no_command_stands_twice() {
        for (at, one) in KEYMAP.iter().enumerate() {
            for other in &KEYMAP[at + 1..] {
                assert_ne!(one.command, other.command);
                assert_ne!(one.label, other.label);
                if overlap(one.scope, other.scope) {
                    let shared = one.chords.iter().find(|chord| other.chords.contains(chord));
                    assert_eq!(shared, None, "{:?} and {:?}", one.command, other.command);
                }
            }
        }
    }

    /// `UI-MODEL-07`
    #[test]
    fn what_has_no_key_is_offered_by_the_quick_switcher() {
        for binding in KEYMAP {
            assert!(binding.offered || !binding.chords.is_empty(), "{:?}", binding.command);
        }
    }

    #[test]
    fn a_chord_is_written_as_menus_write_it() {
        assert_eq!(Chord::ctrl(Key::Tab).shift().label(), "Ctrl+Shift+Tab");
        assert_eq!(Chord::plain(Key::F(6)).label(), "F6");
    }
}
