//! The text form of prefixes: `*` at the end, `?path=N` for the other paths.

use std::fmt;
use std::str::FromStr;

use crate::name::APP;
use crate::text::{SCHEME, number, numbers};
use crate::{Name, ParseError, Prefix};

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.whole_name() {
            return name.fmt(f);
        }
        let Some((fields, path)) = self.fields() else {
            return write!(f, "{:032x}/{}", self.bits(), self.len());
        };
        f.write_str(SCHEME)?;
        for field in &fields {
            write!(f, "{field}/")?;
        }
        f.write_str("*")?;
        if path == 0 || (path == 1 && fields.len() > TEAM_FIELDS) {
            return Ok(());
        }
        write!(f, "?path={path}")
    }
}

impl FromStr for Prefix {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let prefix = if let Some((bits, len)) = raw(text) {
            Self::from_bits(bits, len).map_err(|_| ParseError::OtherSpelling(text.to_owned()))?
        } else {
            starred(text)?
        };
        // One text per prefix: whatever is not what we would write ourselves is refused.
        if prefix.to_string() == text {
            Ok(prefix)
        } else {
            Err(ParseError::OtherSpelling(text.to_owned()))
        }
    }
}

impl Prefix {
    fn whole_name(&self) -> Option<Name> {
        (self.len() == 128).then(|| Name::from_bits(self.bits()).ok()).flatten()
    }

    /// The fields before the star and the path (0 for all of them), when the prefix ends between
    /// two fields of one of our paths.
    fn fields(&self) -> Option<(Vec<u64>, u8)> {
        if self.is_empty() {
            return Some((Vec::new(), 0));
        }
        let (app, path) = (self.field(24, 8), self.field(32, 8));
        let path = u8::try_from(path).ok()?;
        if app != u64::from(APP) {
            return None;
        }
        let mut fields = vec![self.field(0, 24)];
        let mut end = HEAD_END;
        for width in widths(path)? {
            if end == self.len() {
                break;
            }
            fields.push(self.field(end, *width));
            end = end.saturating_add(*width);
        }
        (end == self.len()).then_some((fields, path))
    }

    /// The number in the `width` bits behind the first `start`.
    fn field(&self, start: u32, width: u32) -> u64 {
        let above = self.bits().checked_shl(start).unwrap_or(0);
        let field = above.checked_shr(128_u32.saturating_sub(width));
        u64::try_from(field.unwrap_or(0)).unwrap_or(u64::MAX)
    }
}

fn starred(text: &str) -> Result<Prefix, ParseError> {
    let (body, path) = match text.split_once("?path=") {
        None => (text, None),
        Some((body, path)) => {
            let path = number(path).and_then(|path| u8::try_from(path).ok());
            (body, Some(path.ok_or(ParseError::Path)?))
        }
    };
    let Some(body) = body.strip_suffix('*') else {
        return text.parse::<Name>().map(Prefix::from);
    };
    if body == SCHEME {
        return Prefix::from_bits(0, 0).map_err(|_| ParseError::Scheme);
    }
    let body = body.strip_suffix('/').ok_or(ParseError::Scheme)?;
    let fields = numbers(body)?;
    let other = || ParseError::OtherSpelling(text.to_owned());
    let path = match path {
        Some(0) => return Err(ParseError::Path),
        Some(path) => path,
        None if fields.len() > TEAM_FIELDS => 1,
        None => 0,
    };
    let widths = widths(path).ok_or(ParseError::Path)?;
    let mut all = [24, 8, 8].iter().chain(widths);
    let [origin, rest @ ..] = fields.as_slice() else {
        return Err(other());
    };
    let mut value = 0_u128;
    let mut end = 0_u32;
    for field in [*origin, u64::from(APP), u64::from(path)].iter().chain(rest) {
        let width = *all.next().ok_or_else(other)?;
        if field.checked_shr(width).unwrap_or(0) != 0 {
            return Err(other());
        }
        end = end.saturating_add(width);
        let shift = 128_u32.saturating_sub(end);
        value |= u128::from(*field).checked_shl(shift).unwrap_or(0);
    }
    Prefix::from_bits(value, end).map_err(|_| other())
}

/// 32 hexadecimal digits, a slash, a number of bits: for prefixes that end inside a field.
fn raw(text: &str) -> Option<(u128, u32)> {
    let (bits, len) = text.split_once('/')?;
    let digits = bits.len() == 32 && bits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = u128::from_str_radix(bits, 16).ok().filter(|_| digits)?;
    Some((bits, u32::try_from(number(len)?).ok()?))
}

/// The widths of the fields behind the path, as far as a prefix may end behind them; path 0
/// stands for all paths, so it has only organisation and team.
fn widths(path: u8) -> Option<&'static [u32]> {
    Some(match path {
        0 | 4 | 7 | 8 => &[18, 20],
        1 => &[18, 20, 10, 20],
        2 | 3 => &[18, 20, 2],
        5 => &[18, 20, 20, 18],
        6 => &[18, 20, 20],
        _ => return None,
    })
}

/// Origin, application and path.
const HEAD_END: u32 = 40;
/// Origin, organisation, team: with no more fields than these, a missing path means all of them.
const TEAM_FIELDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channel, Device, Org, Origin, Rest, Slot, Team, TeamId};

    fn team() -> TeamId {
        TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) }
    }

    /// `NAMES-06`
    #[test]
    fn every_prefix_has_its_one_text() {
        let channel = Channel::truncate(4);
        let name = team().name(Rest::Slot(Slot::truncate(5)));
        let head = |bits| Prefix::of(team().name(Rest::Slot(Slot::ZERO)), bits);
        for (prefix, text) in [
            (Prefix::team(team()), "sotto://1/2/3/*"),
            (Prefix::team_path(team(), 1), "sotto://1/2/3/*?path=1"),
            (Prefix::team_path(team(), 6), "sotto://1/2/3/*?path=6"),
            (Prefix::channel(team(), channel), "sotto://1/2/3/4/*"),
            (Prefix::log(team(), channel, Device::truncate(6)), "sotto://1/2/3/4/6/*"),
            (Prefix::from(name), "sotto://1/2/3/5?path=4"),
        ] {
            assert_eq!(prefix.to_string(), text);
            assert_eq!(text.parse(), Ok(prefix));
        }
        for (bits, text) in [
            (58, "sotto://1/2/*?path=4"),
            (40, "sotto://1/*?path=4"),
            (0, "sotto://*"),
            (59, "00000101040000800000000000000000/59"),
        ] {
            assert_eq!(head(bits).map(|prefix| prefix.to_string()), Ok(text.into()));
            assert_eq!(text.parse().ok(), head(bits).ok());
        }
    }

    /// `NAMES-06`
    #[test]
    fn a_second_spelling_of_a_prefix_is_refused() {
        for text in [
            "",
            "sotto://1/2/3",
            "sotto://1/2/3*",
            "sotto://1/2/3/",
            "sotto:///*",
            "sotto://01/*",
            "sotto://1/2/3/*?path=0",
            "sotto://1/2/3/*?path=9",
            "sotto://1/2/3/*?path=256",
            "sotto://1/2/3/4/*?path=1",
            "sotto://1/2/3/4/*?path=4",
            "sotto://1/2/3/4/5/6/*",
            "sotto://1/2/3/1024/*",
            "sotto://16777216/*",
            "sotto://*?path=1",
            // A team and an empty prefix, in bits.
            "000001010000008000c0000000000000/78",
            "00000000000000000000000000000000/0",
            "00000000000000000000000000000000/129",
            "00000000000000000000000000000001/127",
            "0000010104000080000000000000000/59",
        ] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
