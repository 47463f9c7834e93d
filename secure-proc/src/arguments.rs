//! The command line of the process: only the launcher writes it.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the launcher says.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Arguments {
    /// The folder of the vault.
    pub(crate) vault: PathBuf,
    /// Start even when nothing confines this process.
    pub(crate) allow_unconfined: bool,
}

/// A command line that the launcher would not write.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "usage: secure-proc --vault DIR [--allow-unconfined]; it is started by `sotto`, not by hand"
)]
pub(crate) struct Usage;

pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, Usage> {
    let mut words = words.into_iter().skip(1);
    let (mut vault, mut allow_unconfined) = (None, false);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--vault") if vault.is_none() => vault = words.next().map(PathBuf::from),
            Some("--allow-unconfined") if !allow_unconfined => allow_unconfined = true,
            _ => return Err(Usage),
        }
    }
    Ok(Arguments { vault: vault.ok_or(Usage)?, allow_unconfined })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, Usage> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn only_what_the_launcher_writes_is_understood() {
        let vault = PathBuf::from("/v");
        let plain = Arguments { vault: vault.clone(), allow_unconfined: false };
        assert_eq!(read("secure-proc --vault /v"), Ok(plain));
        let bare = Arguments { vault, allow_unconfined: true };
        assert_eq!(read("secure-proc --vault /v --allow-unconfined"), Ok(bare));
        for line in ["secure-proc", "secure-proc --vault", "secure-proc --vault /v --help", "s /v"]
        {
            assert_eq!(read(line), Err(Usage), "{line}");
        }
    }
}
