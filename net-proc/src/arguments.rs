//! The command line that the launcher writes: `--cache DIR [--relay HOST:PORT]`.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the launcher wants.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Arguments {
    /// The folder of the cache.
    pub(crate) cache: PathBuf,
    /// Goes before the address that `secure-proc` names.
    pub(crate) relay: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(mut given: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut cache, mut relay) = (None, None);
        while let Some(option) = given.next() {
            let value = given.next().ok_or("an option has no value")?;
            match option.to_str() {
                Some("--cache") => cache = Some(PathBuf::from(value)),
                Some("--relay") => {
                    relay = Some(value.into_string().map_err(|_| "--relay is no text")?);
                }
                _ => return Err(format!("unknown option {}", option.display())),
            }
        }
        let cache = cache.ok_or("--cache is missing; the launcher `sotto` starts this program")?;
        Ok(Self { cache, relay })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments, String> {
        Arguments::parse(text.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_line_is_read_and_anything_else_refused() {
        let cache = PathBuf::from("/d");
        let relay = Some("[::1]:4433".to_owned());
        assert_eq!(parse("--cache /d"), Ok(Arguments { cache: cache.clone(), relay: None }));
        assert_eq!(parse("--relay [::1]:4433 --cache /d"), Ok(Arguments { cache, relay }));
        for wrong in ["", "--relay h:1", "--cache", "--cache /d --fast 1", "/d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
