#![doc = include_str!("../README.md")]

mod bins;
mod dice;
mod display;
mod endpoint;
mod folder;
mod member;
mod network;
mod relay;
mod running;
mod space;
mod tree;
mod trouble;
mod wait;
mod wire;
mod world;

pub mod graph;
pub mod source;

pub use bins::Bins;
pub use dice::Dice;
pub use display::Display;
pub use endpoint::{Commands, Endpoint, Role, Shape};
pub use folder::Folder;
pub use member::Member;
pub use network::{Host, Network, Site};
pub use relay::{Relay, free_port};
pub use running::{Running, Said};
pub use space::Space;
pub use tree::{alive, children, command_line, processes_naming};
pub use trouble::{During, Trouble};
pub use wait::{until, within};
pub use wire::{Weather, Wire};
pub use world::{Join, World};
