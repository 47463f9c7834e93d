//! Writes the small vault of `tests/vectors/vault` to the path given, for a new format.

use std::error::Error;
use std::path::PathBuf;

use vault_io::{BoxedKey, Change, Passphrase, Table, Vault, create};
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("which path?")?);
    let passphrase = Passphrase::new(Zeroizing::new("correct horse battery".to_owned()));
    let mut next = 0_u8;
    let mut fixed = |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
    };
    let mut vault: Vault<BoxedKey> = create(&path, &passphrase, &mut fixed)?;
    let put = |table, key: &[u8], value: Vec<u8>| Change {
        table: Table(table),
        key: key.to_vec(),
        value: Some(Zeroizing::new(value)),
    };
    vault.commit(&[
        put(3, b"first", b"one".to_vec()),
        put(3, b"second", vec![7; 5_000]),
        put(4, b"", Vec::new()),
    ])?;
    vault.lock()?;
    Ok(())
}
