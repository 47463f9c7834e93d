//! Passphrases, and what it costs to try one.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

/// What a person types to open the vault; taken as the exact UTF-8 bytes.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Wraps what was typed.
    pub fn new(typed: Zeroizing<String>) -> Self {
        Self(typed)
    }

    /// The text itself; every call is a place where a secret can leak.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it may protect a new vault: at least [`LEAST_CHARACTERS`] characters.
    pub fn is_long_enough(&self) -> bool {
        self.0.chars().count() >= LEAST_CHARACTERS
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Argon2id's parameters (RFC 9106).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    /// What vaults of this release cost to try.
    pub(crate) const TODAY: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    /// Whether a header may ask for this: a forged one must not eat the machine.
    pub(crate) fn is_bearable(self) -> bool {
        self.memory_kib <= 2 * 1024 * 1024 && self.passes <= 64 && self.lanes <= 64
    }

    /// Whether any parameter is below that of `other`.
    pub(crate) fn is_below(self, other: Self) -> bool {
        self.memory_kib < other.memory_kib || self.passes < other.passes
    }
}

/// The key that wraps the vault key; `None` if the parameters are none of Argon2id's or there is
/// too little memory.
pub(crate) fn stretch(
    passphrase: &Passphrase,
    salt: &[u8; 16],
    cost: Cost,
) -> Option<Zeroizing<[u8; 32]>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).ok()?;
    memory.resize(params.block_count(), Block::new());
    let mut key = Zeroizing::new([0_u8; 32]);
    let stretched = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.reveal().as_bytes(),
            salt,
            key.as_mut_slice(),
            memory.as_mut_slice(),
        );
    // The crate frees its own memory unwiped; what is left there would speed up a guess.
    memory.iter_mut().for_each(Zeroize::zeroize);
    stretched.ok().map(|()| key)
}

/// Fewest characters of a new passphrase.
pub const LEAST_CHARACTERS: usize = 8;
