//! The bytes and texts of names that every release must read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;

use names::{
    Blob, Channel, Device, Fingerprint, Fragment, Generation, Name, Number, Org, Origin, Piece,
    Prefix, Rest, Slot, Team, TeamId,
};

/// `NAMES-07`
#[test]
fn names_are_the_bytes_and_texts_that_they_were() {
    let mut lines =
        String::from("# 128 bits, then the text form; SPEC.md says which bits are which\n");
    for name in examples() {
        let _ = writeln!(lines, "{:032x} {name}", name.bits());
    }
    compare("names.hex", &lines);
    for line in lines.lines().skip(1) {
        let (hex, text) = line.split_once(' ').unwrap();
        let name = Name::from_bits(u128::from_str_radix(hex, 16).unwrap()).unwrap();
        assert_eq!(text.parse(), Ok(name));
    }
}

/// `NAMES-07`
#[test]
fn prefixes_are_the_bytes_and_texts_that_they_were() {
    let mut lines = String::from("# 128 bits, a slash, the length, then the text form\n");
    for prefix in prefixes() {
        let _ = writeln!(lines, "{:032x}/{} {prefix}", prefix.bits(), prefix.len());
    }
    compare("prefixes.hex", &lines);
}

fn team(seed: u64) -> TeamId {
    TeamId {
        origin: Origin::truncate(seed),
        org: Org::truncate(seed >> 3),
        team: Team::truncate(seed >> 7),
    }
}

/// The lowest, the highest and an odd number in every field of every path.
fn examples() -> Vec<Name> {
    let mut all = Vec::new();
    for seed in [0, u64::MAX, 0x1234_5678_9abc_def1] {
        let (fragment, fingerprint) = (Fragment::truncate(seed), Fingerprint::truncate(seed));
        let device = Device::truncate(seed);
        for rest in [
            Rest::Message {
                channel: Channel::truncate(seed),
                device,
                number: Number::truncate(seed >> 5),
            },
            Rest::KeyPackage { fragment, fingerprint },
            Rest::Welcome { fragment, fingerprint },
            Rest::Slot(Slot::truncate(seed)),
            Rest::Blob {
                device,
                blob: Blob::truncate(seed >> 5),
                piece: Piece::truncate(seed >> 9),
            },
            Rest::Certificate { device, generation: Generation::truncate(seed >> 5) },
            Rest::Use(fingerprint),
            Rest::Code(fingerprint),
        ] {
            all.push(team(seed).name(rest));
        }
    }
    all
}

fn prefixes() -> Vec<Prefix> {
    let team = team(0x1234_5678_9abc_def1);
    let mut all = vec![Prefix::team(team)];
    all.extend((1..=8).map(|path| Prefix::team_path(team, path)));
    let channel = Channel::truncate(700);
    all.push(Prefix::channel(team, channel));
    all.push(Prefix::log(team, channel, Device::truncate(80_000)));
    for name in examples().into_iter().take(8) {
        all.extend((0..=128).step_by(16).map(|bits| Prefix::of(name, bits).unwrap()));
    }
    all
}

/// Compares with the file of the last release; `UPDATE_VECTORS=1` writes it, for a new format.
fn compare(file: &str, lines: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/names");
    let path = Path::new(folder).join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, lines).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines, "{}", path.display());
}
