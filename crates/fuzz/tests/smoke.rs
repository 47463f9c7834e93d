//! Every target on its kept inputs and on thousands of seeded changes of them, on any toolchain.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says on which input"
)]

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sotto_fuzz::{TARGETS, Target, corpus, seeds};

/// One change of an input. Places are fractions of its length.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Number(Index, u8, u64),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Double(Index, u8),
    Cut(Index),
    Graft(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let number = prop_oneof![
        prop::sample::select(vec![
            0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xfa, 0xfb, 0xfd, 0xff, 0x100, 0x400
        ]),
        prop::sample::select(vec![
            0x401,
            0x7fff,
            0xffff,
            1 << 16,
            1 << 31,
            u64::MAX >> 1,
            u64::MAX
        ]),
        any::<u64>(),
    ];
    let width = prop::sample::select(vec![1_u8, 2, 4, 8]);
    prop_oneof![
        4 => (place(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (place(), width, number).prop_map(|(at, width, to)| Change::Number(at, width, to)),
        1 => (place(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (place(), 1..40_u8).prop_map(|(at, len)| Change::Remove(at, len)),
        1 => (place(), 1..80_u8).prop_map(|(at, len)| Change::Double(at, len)),
        1 => place().prop_map(Change::Cut),
        1 => (place(), place(), place()).prop_map(|(at, seed, from)| Change::Graft(at, seed, from)),
    ]
}

impl Change {
    fn on(self, bytes: &mut Vec<u8>, all: &[Vec<u8>]) {
        let end = bytes.len();
        let piece = |at: usize, len: u8| at..end.min(at + usize::from(len));
        match self {
            Self::Flip(at, bit) if end > 0 => bytes[at.index(end)] ^= 1 << bit,
            Self::Flip(..) => {}
            Self::Number(at, width, to) => {
                let at = at.index(end + 1);
                let number = to.to_be_bytes();
                let number = &number[8 - usize::from(width)..];
                bytes.splice(piece(at, width), number.iter().copied());
            }
            Self::Insert(at, more) => {
                let at = at.index(end + 1);
                bytes.splice(at..at, more);
            }
            Self::Remove(at, len) => drop(bytes.drain(piece(at.index(end + 1), len))),
            Self::Double(at, len) => {
                let at = at.index(end + 1);
                let again = bytes[piece(at, len)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Cut(at) => bytes.truncate(at.index(end + 1)),
            Self::Graft(at, seed, from) => {
                let other = &all[seed.index(all.len())];
                bytes.truncate(at.index(end + 1));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
}

/// `FUZZ-01` `FUZZ-02` `FUZZ-03`
fn smoke(name: &str) {
    let target = Target::named(name).unwrap();
    let mut inputs = seeds(name).unwrap();
    let mut accepted = inputs.iter().filter(|seed| target.reads(seed)).count();
    for (path, input) in corpus(name).unwrap() {
        println!("{}", path.display());
        accepted += usize::from(target.reads(&input));
        inputs.push(input);
    }
    assert!(accepted > 0, "{name}: nothing to start from is accepted");
    inputs.push(Vec::new());
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let changes = prop::collection::vec(change(), 1..6);
    let cases = (any::<Index>(), changes).prop_map(|(seed, changes)| {
        let mut bytes = inputs[seed.index(inputs.len())].clone();
        changes.into_iter().for_each(|change| change.on(&mut bytes, &inputs));
        bytes
    });
    let judge = |bytes: Vec<u8>| {
        let _ = target.reads(&bytes);
        Ok(())
    };
    TestRunner::new_with_rng(config, rng).run(&cases, judge).unwrap();
}

macro_rules! smokes {
    ($($name:ident)*) => {
        $(
            /// `FUZZ-01` `FUZZ-02` `FUZZ-03`
            #[test]
            fn $name() {
                smoke(&stringify!($name).replace('_', "-"));
            }
        )*

        /// `FUZZ-04`
        #[test]
        fn every_target_is_smoked() {
            let named = [$(stringify!($name).replace('_', "-")),*];
            let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, named);
        }
    };
}

smokes! {
    name name_text prefix prefix_text team_text team_link
    object claim receipt certificate term announcement welcome_pointer spent proof relay_proof
    to_relay from_relay
    stream to_child from_child knock report to_net from_net to_secure from_secure
    leaf_credential content padding private_message welcome key_package authenticated_data policy
    ratchet_tree
}

const CASES: u32 = 20_000;
