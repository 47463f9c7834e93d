#![doc = include_str!("../README.md")]

mod bins;
mod display;
mod endpoint;
mod folder;
mod member;
mod relay;
mod running;
mod tree;
mod trouble;
mod wait;
mod world;

pub mod graph;
pub mod source;

pub use bins::Bins;
pub use display::Display;
pub use endpoint::{Commands, Endpoint, Role, Shape};
pub use folder::Folder;
pub use member::Member;
pub use relay::{Relay, free_port};
pub use running::{Running, Said};
pub use tree::{alive, children, command_line, processes_naming};
pub use trouble::{During, Trouble};
pub use wait::{until, within};
pub use world::{Join, World};
