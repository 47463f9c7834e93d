//! A network namespace: a machine of its own, as far as the network can tell.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fd::AsFd as _;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{During, Trouble};

/// A network namespace with a name, as `ip netns` keeps them.
#[derive(Debug, Clone)]
pub struct Space {
    name: String,
}

impl Space {
    /// The one with this name.
    pub(crate) fn named(name: String) -> Self {
        Self { name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(&self.name)
    }

    /// Moves the calling thread there: what it opens and starts afterwards is there too. Its
    /// other threads stay where they are.
    ///
    /// # Errors
    /// When it is gone, or without root.
    pub fn enter(&self) -> Result<(), Trouble> {
        let file = File::open(self.path()).during(format_args!("the namespace {}", self.name))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .during(format_args!("entering the namespace {}", self.name))
    }

    /// Does something there, in a thread of its own.
    ///
    /// # Errors
    /// When it cannot be entered, or what is done fails.
    pub fn inside<T: Send>(
        &self,
        act: impl FnOnce() -> Result<T, Trouble> + Send,
    ) -> Result<T, Trouble> {
        let thread = || {
            self.enter()?;
            act()
        };
        std::thread::scope(|scope| scope.spawn(thread).join())
            .unwrap_or_else(|_| Err(Trouble::new("a thread in a namespace panicked")))
    }
}

/// Where `ip netns` keeps them.
pub(crate) const FOLDER: &str = "/run/netns";
