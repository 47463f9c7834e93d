//! Golden bytes between `secure-proc` and `net-proc`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../../tests/support/golden.rs"]
mod golden;

use golden::Golden;
use ipc_schema::{Bytes, CAP_NET, SchemaHash, Text, encode};
use ipc_schema_net::{
    Answer, Cursor, FromNet, LinkLoss, NameBits, PrefixBits, ReceiptBytes, Refused, Standing,
    ToNet, schema,
};

const PREFIX: PrefixBits = PrefixBits { bits: [9; 16], len: 78 };
const CURSOR: Cursor = Cursor { cache: u64::MAX, position: 300 };
const REFUSALS: [Refused; 11] = [
    Refused::WrongSigner,
    Refused::Uncertified,
    Refused::Revoked,
    Refused::Gap { next: 70_000 },
    Refused::WrongPrevious,
    Refused::Expired,
    Refused::NameTaken,
    Refused::UnknownOrg,
    Refused::Malformed,
    Refused::Quota,
    Refused::Forked,
];

fn some<const MOST: usize>() -> Bytes<MOST> {
    Bytes::new(vec![1, 2, 3]).unwrap()
}

fn full<const MOST: usize>() -> Bytes<MOST> {
    Bytes::new(vec![255; MOST]).unwrap()
}

fn receipt() -> ReceiptBytes {
    some()
}

fn parts(golden: &mut Golden) {
    golden.variants(
        "LinkLoss",
        &[LinkLoss::Unreachable, LinkLoss::WrongKey, LinkLoss::OtherVersion, LinkLoss::BadAddress],
    );
    golden.one("PrefixBits", &PREFIX);
    golden.one("Cursor", &CURSOR);
    golden.variants("Standing", &[Standing::Active, Standing::Waiting, Standing::Refused]);
    golden.variants("Refused", &REFUSALS);
    golden.variants(
        "Answer",
        &[
            Answer::Receipt(receipt()),
            Answer::Refused { why: Refused::Gap { next: 5 } },
            Answer::Taken { winner: some(), receipt: receipt() },
            Answer::Gap { head: 7 },
            Answer::Incomplete,
            Answer::Pending,
        ],
    );
}

/// `IPC-SCHEMA-NET-01`
#[test]
fn every_variant_has_its_golden_bytes() {
    let mut golden = Golden::new(env!("CARGO_MANIFEST_DIR"), "net");
    parts(&mut golden);
    golden.variants(
        "ToNet",
        &[
            ToNet::Hello { schema: SchemaHash([7; 32]), generation: 2 },
            ToNet::Relay { address: Text::new("relay:4433").unwrap(), key: [8; 32] },
            ToNet::Prove { exporter: [6; 32], proof: some() },
            ToNet::Publish { id: 300, object: some() },
            ToNet::Claim { id: 301, object: some() },
            ToNet::Subscribe { prefix: PREFIX, after: CURSOR },
            ToNet::Unsubscribe { prefix: PREFIX },
            ToNet::Get { id: 302, name: NameBits([5; 16]) },
            ToNet::Credit(64),
            ToNet::Forget,
        ],
    );
    golden.variants(
        "FromNet",
        &[
            FromNet::Hello { schema: SchemaHash([7; 32]), generation: 2 },
            FromNet::Linked { relay: [8; 32], exporter: [6; 32], now: 1_795_269_959_999 },
            FromNet::Unlinked { why: LinkLoss::WrongKey },
            FromNet::Proved { proof: some() },
            FromNet::Standing { prefix: PREFIX, standing: Standing::Waiting },
            FromNet::Answered { id: 300, answer: Answer::Pending },
            FromNet::Arrived { cursor: CURSOR, object: some(), receipt: None },
            FromNet::CaughtUp { prefix: PREFIX, cursor: CURSOR },
            FromNet::Found { id: 302, object: Some(some()), receipt: Some(receipt()) },
            FromNet::Settled { receipt: receipt() },
            FromNet::Upstream { reachable: true },
            FromNet::Revoked { revocation: some() },
        ],
    );
    golden.compare();
}

/// `IPC-SCHEMA-NET-02`
#[test]
fn the_largest_messages_fit_their_cap() {
    let largest = [
        encode(&ToNet::Publish { id: u64::MAX, object: full() }),
        encode(&ToNet::Relay { address: Text::cut(&"x".repeat(255)), key: [255; 32] }),
        encode(&ToNet::Prove { exporter: [255; 32], proof: full() }),
        encode(&FromNet::Arrived {
            cursor: Cursor { cache: u64::MAX, position: u64::MAX },
            object: full(),
            receipt: Some(full()),
        }),
        encode(&FromNet::Answered {
            id: u64::MAX,
            answer: Answer::Taken { winner: full(), receipt: full() },
        }),
        encode(&FromNet::Revoked { revocation: full() }),
    ];
    for bytes in largest {
        assert!(bytes.unwrap().len() <= CAP_NET);
    }
}

/// `IPC-SCHEMA-NET-03`
#[test]
fn the_schema_is_not_that_of_the_other_packages() {
    assert_ne!(schema(), ipc_schema::control::schema());
}
