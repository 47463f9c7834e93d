//! Golden bytes: a text file per direction, one line per variant, and what must not decode.

use std::fmt::{Debug, Write as _};
use std::path::PathBuf;

use ipc_schema::{CodecError, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The lines of a vector file, as the code says that they should be.
pub(crate) struct Golden {
    path: PathBuf,
    lines: String,
}

impl Golden {
    /// For `tests/vectors/<name>.txt` of the package whose folder is given.
    pub(crate) fn new(package: &str, name: &str) -> Self {
        let path = [package, "tests", "vectors", &format!("{name}.txt")].iter().collect();
        Self { path, lines: String::new() }
    }

    /// One sample of every variant of an enum, in order: their bytes become lines, and each is put
    /// through everything that a hostile peer may do to it.
    pub(crate) fn variants<T>(&mut self, name: &str, samples: &[T])
    where
        T: Serialize + DeserializeOwned + Debug + PartialEq,
    {
        for (number, sample) in samples.iter().enumerate() {
            let bytes = encode(sample).unwrap();
            assert_eq!(usize::from(bytes[0]), number, "{name} has a variant without a sample");
            self.line::<T>(name, sample, &bytes);
        }
        let beyond = [&[u8::try_from(samples.len()).unwrap()][..], &[0; 512]].concat();
        assert_eq!(decode::<T>(&beyond), Err(CodecError::Malformed), "{name} has more variants");
        // The same variant, its number written longer than needed.
        let bytes = encode(&samples[0]).unwrap();
        let longer = [&[251, 0][..], &bytes].concat();
        assert_eq!(decode::<T>(&longer), Err(CodecError::NotCanonical));
    }

    /// A sample of a struct.
    pub(crate) fn one<T>(&mut self, name: &str, sample: &T)
    where
        T: Serialize + DeserializeOwned + Debug + PartialEq,
    {
        let bytes = encode(sample).unwrap();
        self.line::<T>(name, sample, &bytes);
    }

    /// The file must say the same. With `WRITE_VECTORS=1` in the environment it is written anew:
    /// look at the difference before you commit it.
    pub(crate) fn compare(self) {
        if std::env::var_os("WRITE_VECTORS").is_some() {
            std::fs::write(&self.path, &self.lines).unwrap();
        }
        let stored = std::fs::read_to_string(&self.path).unwrap_or_default();
        assert_eq!(stored, self.lines, "{}", self.path.display());
    }

    fn line<T>(&mut self, name: &str, sample: &T, bytes: &[u8])
    where
        T: Serialize + DeserializeOwned + Debug + PartialEq,
    {
        assert_eq!(decode::<T>(bytes).as_ref(), Ok(sample));
        for cut in 0..bytes.len() {
            assert_eq!(
                decode::<T>(&bytes[..cut]),
                Err(CodecError::Malformed),
                "{name} cut at {cut}"
            );
        }
        let trailing = [bytes, &[0]].concat();
        assert_eq!(decode::<T>(&trailing), Err(CodecError::Trailing { extra: 1 }), "{name}");
        one_meaning::<T>(bytes);
        let text = format!("{sample:?}");
        let variant: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.lines, "{name} {variant} {hex}").unwrap();
    }
}

/// However a byte is changed: either it is refused, or it is another message in its only form.
fn one_meaning<T>(bytes: &[u8])
where
    T: Serialize + DeserializeOwned + Debug + PartialEq,
{
    for at in 0..bytes.len() {
        for change in [1_u8, 0x80, 0xff] {
            let mut other = bytes.to_vec();
            other[at] ^= change;
            if let Ok(message) = decode::<T>(&other) {
                assert_eq!(encode(&message).unwrap(), other);
            }
        }
    }
}
