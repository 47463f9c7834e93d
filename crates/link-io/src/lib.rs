#![doc = include_str!("../README.md")]

mod backoff;
mod close;
mod frame;
mod key;
mod limits;
mod link;
mod listener;
mod reset;
mod stream;
mod tls;

pub use backoff::Backoff;
pub use close::{CloseReason, Closed};
pub use frame::{Class, Frame, FrameError};
pub use key::{KeyError, LinkKey, RelayKey, RelayKeyError};
pub use limits::Limits;
pub use link::{AcceptError, ConnectError, Link, OpenError, connect, connect_with};
pub use listener::{BindError, Listener};
pub use stream::{Receiver, RecvError, SendError, Sender, Stream};

#[cfg(test)]
mod tests;
