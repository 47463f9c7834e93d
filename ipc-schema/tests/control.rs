//! Golden bytes between the launcher, its children and its visitors.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/golden.rs"]
mod golden;

use golden::Golden;
use ipc_schema::control::{Class, Confinement, FromChild, Knock, Life, Report, ToChild, schema};
use ipc_schema::{CAP_CONTROL, SchemaHash, Text, encode};

const CLASSES: [Class; 5] =
    [Class::Secure, Class::Net, Class::Window, Class::CommandLine, Class::MemberTool];

fn confinements() -> [Confinement; 3] {
    let why = Text::new("no Landlock").unwrap();
    [Confinement::Full, Confinement::Reduced(why.clone()), Confinement::None(why)]
}

fn report() -> Report {
    let life = |pid, confinement| Life { pid, generation: 2, confinement };
    let [full, reduced, _] = confinements();
    Report {
        launcher: 300,
        secure: Some(life(301, Some(full))),
        net: Some(life(70_000, Some(reduced))),
        window: Some(life(303, None)),
        forbidden_calls: 1,
    }
}

/// `IPC-SCHEMA-04`
#[test]
fn every_variant_has_its_golden_bytes() {
    let mut golden = Golden::new(env!("CARGO_MANIFEST_DIR"), "control");
    golden.variants("Class", &CLASSES);
    golden.variants("Confinement", &confinements());
    golden.variants(
        "ToChild",
        &[
            ToChild::Attach { class: Class::Net, generation: 1000 },
            ToChild::Stop,
            ToChild::Peers {
                net: Some(Confinement::Full),
                window: None,
                net_starts: 3,
                forbidden_calls: 0,
            },
        ],
    );
    let [_, reduced, _] = confinements();
    golden.variants(
        "FromChild",
        &[
            FromChild::Ready { schema: SchemaHash([7; 32]), confinement: reduced },
            FromChild::Closed,
        ],
    );
    golden.variants(
        "Knock",
        &[Knock::Enter { class: Class::CommandLine }, Knock::Status, Knock::Show, Knock::Stop],
    );
    golden.one("Report", &report());
    golden.compare();
}

/// `IPC-SCHEMA-03`
#[test]
fn the_largest_messages_fit_their_cap() {
    let longest = Some(Confinement::None(Text::cut(&"x".repeat(512))));
    let life = Some(Life { pid: u32::MAX, generation: u32::MAX, confinement: longest.clone() });
    let report = Report {
        launcher: u32::MAX,
        secure: life.clone(),
        net: life.clone(),
        window: life,
        forbidden_calls: u32::MAX,
    };
    assert!(encode(&report).unwrap().len() <= CAP_CONTROL);
    let peers = ToChild::Peers {
        net: longest.clone(),
        window: longest,
        net_starts: u32::MAX,
        forbidden_calls: u32::MAX,
    };
    assert!(encode(&peers).unwrap().len() <= CAP_CONTROL);
}

/// `IPC-SCHEMA-06`
#[test]
fn the_schema_hash_is_the_same_in_every_process_of_one_build() {
    assert_eq!(schema(), schema());
    assert_ne!(schema(), SchemaHash([0; 32]));
}
