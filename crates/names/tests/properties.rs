//! What holds for every name, prefix and text.

use names::{
    Blob, Channel, Device, Fingerprint, Fragment, Generation, Name, Number, Org, Origin, Piece,
    Place, Prefix, Rest, Slot, Team, TeamId,
};
use proptest::prelude::*;

fn team() -> impl Strategy<Value = TeamId> {
    any::<(u64, u64, u64)>().prop_map(|(origin, org, team)| TeamId {
        origin: Origin::truncate(origin),
        org: Org::truncate(org),
        team: Team::truncate(team),
    })
}

fn rest() -> impl Strategy<Value = Rest> {
    let one = any::<u64>();
    let two = any::<(u64, u64)>();
    let three = any::<(u64, u64, u64)>();
    prop_oneof![
        three.prop_map(|(channel, device, number)| Rest::Message {
            channel: Channel::truncate(channel),
            device: Device::truncate(device),
            number: Number::truncate(number),
        }),
        two.prop_map(|(fragment, fingerprint)| Rest::KeyPackage {
            fragment: Fragment::truncate(fragment),
            fingerprint: Fingerprint::truncate(fingerprint),
        }),
        two.prop_map(|(fragment, fingerprint)| Rest::Welcome {
            fragment: Fragment::truncate(fragment),
            fingerprint: Fingerprint::truncate(fingerprint),
        }),
        one.prop_map(|slot| Rest::Slot(Slot::truncate(slot))),
        three.prop_map(|(device, blob, piece)| Rest::Blob {
            device: Device::truncate(device),
            blob: Blob::truncate(blob),
            piece: Piece::truncate(piece),
        }),
        two.prop_map(|(device, generation)| Rest::Certificate {
            device: Device::truncate(device),
            generation: Generation::truncate(generation),
        }),
        one.prop_map(|print| Rest::Use(Fingerprint::truncate(print))),
        one.prop_map(|print| Rest::Code(Fingerprint::truncate(print))),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    (team(), rest()).prop_map(|(team, rest)| team.name(rest))
}

proptest! {
    /// `NAMES-01`
    #[test]
    fn a_name_is_its_place_and_its_bytes((team, rest) in (team(), rest())) {
        let place = Place { team, rest };
        let name = place.name();
        prop_assert_eq!(name.place(), place);
        prop_assert_eq!(name.team(), team);
        prop_assert_eq!(Name::from_bytes(name.bytes()), Ok(name));
        prop_assert_eq!(Name::from_bits(name.bits()), Ok(name));
    }

    /// `NAMES-01`
    #[test]
    fn bits_are_a_name_only_when_putting_it_together_gives_them_back(bits: u128, path in 0..10_u8) {
        let bits = bits & !(0xffff << 88) | 1 << 96 | u128::from(path) << 88;
        if let Ok(name) = Name::from_bits(bits) {
            prop_assert_eq!(name.place().name().bits(), bits);
        } else {
            prop_assert!(matches!(path, 0 | 4 | 7..));
        }
    }

    /// `NAMES-02`
    #[test]
    fn names_sort_as_their_bytes(left in name(), right in name()) {
        prop_assert_eq!(left.cmp(&right), left.bytes().cmp(&right.bytes()));
    }

    /// `NAMES-06`
    #[test]
    fn a_name_and_its_text_are_one(name in name()) {
        prop_assert_eq!(name.to_string().parse(), Ok(name));
        prop_assert_eq!(name.to_string().parse(), Ok(Prefix::from(name)));
    }

    /// `NAMES-06`
    #[test]
    fn a_team_and_its_text_are_one(team in team()) {
        prop_assert_eq!(team.to_string().parse(), Ok(team));
    }

    /// `NAMES-06`
    #[test]
    fn a_prefix_and_its_text_are_one(name in name(), bits in 0..=128_u32, whole: bool) {
        // A path of zero stands for all paths.
        let kept = if whole { u128::MAX } else { !(0xff << 88) };
        let cut = Prefix::of(name, bits).map(|prefix| prefix.bits() & kept);
        let prefix = cut.and_then(|value| Prefix::from_bits(value, bits));
        let text = prefix.map(|prefix| prefix.to_string()).unwrap_or_default();
        prop_assert_eq!(text.parse().ok(), prefix.ok());
    }

    /// `NAMES-06`
    #[test]
    fn no_text_has_a_second_spelling(text in "(sotto://)?[0-9]{0,3}(/[0-9]{1,3}){0,6}(/?\\*)?(\\?path=[0-9]{1,2})?") {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.to_string(), text.clone());
        }
        if let Ok(prefix) = text.parse::<Prefix>() {
            prop_assert_eq!(prefix.to_string(), text.clone());
        }
        if let Ok(team) = text.parse::<TeamId>() {
            prop_assert_eq!(team.to_string(), text);
        }
    }

    /// `NAMES-04`
    #[test]
    fn a_prefix_covers_what_shares_its_bits(name in name(), other in name(), bits in 0..=128_u32) {
        let Ok(prefix) = Prefix::of(name, bits) else { return Err(TestCaseError::fail("too long")) };
        prop_assert!(prefix.covers(name));
        let shared = (name.bits() ^ other.bits()).leading_zeros() >= bits;
        prop_assert_eq!(prefix.covers(other), shared);
    }

    /// `NAMES-04`
    #[test]
    fn a_prefix_covers_exactly_its_ranges(name in name(), near in name(), bits in 40..=78_u32) {
        let all = Prefix::of(name, bits).map(|prefix| prefix.bits() & !(0xff << 88));
        let all = all.and_then(|value| Prefix::from_bits(value, bits));
        let near = Place { team: name.team(), ..near.place() }.name();
        for prefix in [all, Prefix::of(name, bits)] {
            let Ok(prefix) = prefix else { return Err(TestCaseError::fail("untidy")) };
            for name in [name, near] {
                let within = prefix.ranges().iter().filter(|(low, high)| (*low..=*high).contains(&name.bits())).count();
                prop_assert_eq!(within, usize::from(prefix.covers(name)));
            }
        }
    }

    /// `NAMES-04`
    #[test]
    fn a_prefix_includes_the_longer_ones_of_its_names(name in name(), short in 0..=128_u32, long in 0..=128_u32) {
        let (Ok(left), Ok(right)) = (Prefix::of(name, short), Prefix::of(name, long)) else {
            return Err(TestCaseError::fail("too long"));
        };
        prop_assert_eq!(left.includes(&right), short <= long);
    }

    /// `NAMES-03`
    #[test]
    fn numbers_follow_each_other_until_they_run_out(value: u64) {
        let number = Number::truncate(value);
        match number.next() {
            Some(next) => {
                prop_assert_eq!(next.value(), number.value() + 1);
                prop_assert_eq!(next.previous(), Some(number));
            }
            None => prop_assert_eq!(number, Number::MAX),
        }
    }
}
