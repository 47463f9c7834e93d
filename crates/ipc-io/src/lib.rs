#![doc = include_str!("../README.md")]

mod blocking;
mod channel;
mod control;
mod frames;
mod inbox;
mod knock;
mod listener;
mod lost;
mod outbox;
mod path;
mod poll;

pub use blocking::{Client, ControlReceiver, ControlSender, Receiver, Sender};
pub use channel::{Caps, Channel};
pub use control::Control;
pub use frames::{Frame, FrameFault, Frames, STALL_MS};
pub use knock::{KnockError, ask, knock};
pub use listener::{Listener, Visitor};
pub use lost::{Lost, SendError};
pub use path::{PathError, default_data_dir, socket_path};
pub use poll::{Interest, now, pair, poll};
