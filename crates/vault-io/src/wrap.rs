//! The wrapped vault key: `SPEC.md`, "Wrap".

use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use crate::file::Cause;
use crate::passphrase::{Cost, Passphrase, stretch};
use crate::seal::{decrypt, encrypt};

/// One way to the vault key: the row of table `wrap`.
pub(crate) struct Wrap {
    pub(crate) cost: Cost,
    salt: [u8; 16],
    wrapped: Vec<u8>,
}

impl Wrap {
    /// Wraps `vault_key` under `passphrase`; `None` if there is no memory for `cost`.
    pub(crate) fn new(
        vault_key: &[u8; 32],
        passphrase: &Passphrase,
        cost: Cost,
        salt: [u8; 16],
        nonce: &[u8; 24],
    ) -> Option<Self> {
        let key = stretch(passphrase, &salt, cost)?;
        let plain = Zeroizing::new(vault_key.to_vec());
        let wrapped = encrypt(&key, nonce, &label(cost, &salt), plain)?;
        Some(Self { cost, salt, wrapped })
    }

    /// The vault key, if this is the passphrase.
    pub(crate) fn unwrap_with(&self, passphrase: &Passphrase) -> Opening {
        let Some(key) = stretch(passphrase, &self.salt, self.cost) else {
            return Opening::NoMemory;
        };
        let plain = decrypt(&key, &label(self.cost, &self.salt), &self.wrapped);
        match plain.as_deref().and_then(|plain| <&[u8; 32]>::try_from(plain.as_slice()).ok()) {
            Some(vault_key) => Opening::Right(Zeroizing::new(*vault_key)),
            None => Opening::Wrong,
        }
    }

    /// What stands in the file.
    #[cfg(test)]
    pub(crate) fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }

    /// Reads the row; rows that cannot be ours are damage.
    pub(crate) fn read(db: &Connection) -> Result<Self, Cause> {
        let (memory_kib, passes, lanes, salt, wrapped) = db
            .query_row(
                "SELECT memory_kib, passes, lanes, salt, wrapped FROM wrap WHERE kind = ?1",
                params![PASSPHRASE_KIND],
                |row| {
                    Ok((
                        row.get::<_, u32>(0)?,
                        row.get::<_, u32>(1)?,
                        row.get::<_, u32>(2)?,
                        row.get::<_, [u8; 16]>(3)?,
                        row.get::<_, Vec<u8>>(4)?,
                    ))
                },
            )
            .map_err(|error| Cause::of(&error))?;
        let cost = Cost { memory_kib, passes, lanes };
        if !cost.is_bearable() || wrapped.len() != WRAPPED {
            return Err(Cause::Damaged);
        }
        Ok(Self { cost, salt, wrapped })
    }

    /// Writes the row in place of what is there.
    pub(crate) fn write(&self, db: &Connection) -> Result<(), Cause> {
        db.execute(
            "INSERT OR REPLACE INTO wrap (kind, memory_kib, passes, lanes, salt, wrapped)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                PASSPHRASE_KIND,
                self.cost.memory_kib,
                self.cost.passes,
                self.cost.lanes,
                self.salt,
                self.wrapped
            ],
        )
        .map(|_| ())
        .map_err(|error| Cause::of(&error))
    }
}

/// What came of trying a passphrase.
pub(crate) enum Opening {
    Right(Zeroizing<[u8; 32]>),
    Wrong,
    NoMemory,
}

fn label(cost: Cost, salt: &[u8; 16]) -> Vec<u8> {
    let mut label = WRAP_LABEL.to_vec();
    label.extend_from_slice(&cost.memory_kib.to_be_bytes());
    label.extend_from_slice(&cost.passes.to_be_bytes());
    label.extend_from_slice(&cost.lanes.to_be_bytes());
    label.extend_from_slice(salt);
    label
}

const WRAP_LABEL: &[u8] = b"sotto vault 1 wrap";
const WRAPPED: usize = 24 + 32 + 16;
const PASSPHRASE_KIND: u32 = 1;
