#![doc = include_str!("../README.md")]

pub mod child;
mod confine;
mod environment;
pub mod fds;
mod files;
mod filter;
mod harden;
mod isolation;
mod level;
pub mod pages;
mod paths;
mod syscalls;

pub use confine::confine;
pub use harden::{EXIT_UNEXPECTED_DESCRIPTOR, HardenError, exit_unexpected_descriptor, harden};
pub use level::{Lack, Level};
pub use paths::Paths;

/// Which of the three confined processes this is. The launcher and the tools are not confined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// `secure-proc`: keys, MLS, history.
    Secure,
    /// `net-proc`: links, cache, the clock of the outside.
    Net,
    /// `ui-proc`: the window.
    Ui,
}
