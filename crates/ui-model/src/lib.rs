#![doc = include_str!("../README.md")]

mod clock;
mod event;
mod health;
mod hear;
mod intent;
mod join;
mod jump;
mod keys;
mod pages;
mod plain;
mod row;
mod state;
mod talk;
mod wish;

pub use clock::{Day, Millis, TimeOfDay, Zone};
pub use event::{Answer, Event, Refusal};
pub use health::{Advice, Health, Member, Membership, Removed, Role, Weight, span};
pub use intent::{Ask, Edge, Intent, Out, Ticket};
pub use join::{Fingerprint, Join, Offer};
pub use jump::{Jump, Target};
pub use keys::{Binding, Chord, Command, KEYMAP, Key, Scope, bindings_of};
pub use pages::{PAGE, Pages, Put, WINDOW};
pub use plain::{Passphrase, Words};
pub use row::{Row, Standing};
pub use state::{
    ChannelEntry, Confinement, Door, Link, Me, PASSPHRASE_MIN, Phase, Screen, State, TeamEntry,
    Trouble,
};
pub use talk::Talk;
