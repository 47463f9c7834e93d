//! Strings, bytes and lists that cannot be longer than their schema says.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Something longer than its field allows.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[error("{len} is more than the {most} that fit")]
pub struct TooLong {
    /// Its length: bytes of a text, items of a list.
    pub len: usize,
    /// The most that fits.
    pub most: usize,
}

/// UTF-8 text of at most `MOST` bytes. Wiped when it goes, since most texts here are somebody's.
#[derive(Clone, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Zeroize, ZeroizeOnDrop)]
pub struct Text<const MOST: usize>(String);

/// A secret text of at most `MOST` bytes: cannot be printed, wiped when it goes.
#[derive(Clone, Eq, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const MOST: usize>(String);

/// At most `MOST` bytes.
#[derive(Debug, Clone, Default, Eq, PartialEq, Hash)]
pub struct Bytes<const MOST: usize>(Vec<u8>);

/// At most `MOST` items.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct List<T, const MOST: usize>(Vec<T>);

impl<const MOST: usize> Text<MOST> {
    /// Takes a text.
    ///
    /// # Errors
    /// When it is longer than `MOST` bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, TooLong> {
        let text = text.into();
        let len = text.len();
        if len > MOST { Err(TooLong { len, most: MOST }) } else { Ok(Self(text)) }
    }

    /// Takes as much of a text as fits, cut between characters: for what only informs.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let mut end = text.len().min(MOST);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        Self(text.get(..end).unwrap_or_default().to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> fmt::Debug for Text<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl<const MOST: usize> fmt::Display for Text<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MOST: usize> Secret<MOST> {
    /// Takes a secret.
    ///
    /// # Errors
    /// When it is longer than `MOST` bytes.
    pub fn new(mut text: String) -> Result<Self, TooLong> {
        let len = text.len();
        if len > MOST {
            text.zeroize();
            return Err(TooLong { len, most: MOST });
        }
        Ok(Self(text))
    }

    /// The secret itself; every call is a place where it can leak.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> fmt::Debug for Secret<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<const MOST: usize> Bytes<MOST> {
    /// Takes bytes.
    ///
    /// # Errors
    /// When there are more than `MOST`.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooLong> {
        let len = bytes.len();
        if len > MOST { Err(TooLong { len, most: MOST }) } else { Ok(Self(bytes)) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, for good.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<T, const MOST: usize> List<T, MOST> {
    /// Takes items.
    ///
    /// # Errors
    /// When there are more than `MOST`.
    pub fn new(items: Vec<T>) -> Result<Self, TooLong> {
        // An item without bytes could make a short frame into a long list.
        const { assert!(size_of::<T>() > 0) };
        let len = items.len();
        if len > MOST { Err(TooLong { len, most: MOST }) } else { Ok(Self(items)) }
    }

    /// Takes the first items, as many as fit.
    #[must_use]
    pub fn cut(mut items: Vec<T>) -> Self {
        const { assert!(size_of::<T>() > 0) };
        items.truncate(MOST);
        Self(items)
    }

    /// The items.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The items, for good.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl<const MOST: usize> Serialize for $name<MOST> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de, const MOST: usize> Deserialize<'de> for $name<MOST> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

text_serde!(Text);
text_serde!(Secret);

impl<const MOST: usize> Serialize for Bytes<MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Bytes<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<const MOST: usize>;

        impl<const MOST: usize> Visitor<'_> for Bounded<MOST> {
            type Value = Bytes<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST} bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Bytes::new(bytes.to_vec()).map_err(E::custom)
            }

            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
                Bytes::new(bytes).map_err(E::custom)
            }
        }

        deserializer.deserialize_byte_buf(Bounded)
    }
}

impl<T: Serialize, const MOST: usize> Serialize for List<T, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Bounded<T, MOST> {
            type Value = List<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let claimed = seq.size_hint().unwrap_or(0);
                if claimed > MOST {
                    return Err(A::Error::custom(TooLong { len: claimed, most: MOST }));
                }
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() >= MOST {
                        return Err(A::Error::custom(TooLong { len: MOST, most: MOST }));
                    }
                    items.push(item);
                }
                Ok(List(items))
            }
        }

        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}
