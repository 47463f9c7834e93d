//! Who never reaches whom, directly or through others.

use std::collections::BTreeSet;

use harness::graph::Graph;

/// Ours that may not reach (first list) what stands in the second.
const NEVER: &[(&[&str], &[&str])] = &[
    (&["secure-proc"], OUTSIDE),
    (&["names", "objects", "ipc-schema", "ipc-schema-net", "ipc-schema-ui"], OUTSIDE),
    (&["relay-core", "mls-core", "timeline-core", "ui-model"], OUTSIDE),
    (&["net-proc", "relay", "launcher"], PLAIN),
    (&["net-proc", "relay", "launcher", "ui-proc", "cli", "member"], MLS),
    (&["ui-proc", "cli", "member", "launcher"], &["rusqlite", "libsqlite3-sys"]),
    (&["ui-proc", "cli", "member", "launcher"], QUIC),
    (&["ui-proc", "cli", "member"], &["ipc-schema-net", "objects", "link-io", "store-io"]),
];
const OUTSIDE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "quinn",
    "quinn-proto",
    "rustls",
    "hyper",
    "egui",
    "eframe",
    "winit",
];
const PLAIN: &[&str] = &["ipc-schema-ui", "timeline-core", "vault-io", "ui-model", "ui-view"];
const MLS: &[&str] = &["mls-core", "openmls", "vault-io"];
const QUIC: &[&str] = &["quinn", "quinn-proto", "rustls", "tokio"];

/// The only packages of ours that may name a dependency.
const ONLY: &[(&str, &[&str])] = &[
    ("bincode", &["ipc-schema"]),
    ("interprocess", &["ipc-io"]),
    ("egui", &["ui-view", "ui-proc"]),
    ("eframe", &["ui-proc"]),
    ("openmls", &["mls-core"]),
    ("rusqlite", &["store-io", "vault-io"]),
    ("quinn", &["link-io"]),
    ("rustls", &["link-io"]),
    ("landlock", &["sandbox-io"]),
    ("seccompiler", &["sandbox-io"]),
];

/// `TESTS-01`
#[test]
fn nobody_reaches_what_it_must_not() {
    let graph = Graph::of_the_workspace().unwrap();
    let mut wrong = Vec::new();
    for (ours, never) in NEVER {
        for member in *ours {
            let reach = graph.reach(member);
            assert!(reach.contains(*member), "{member} is no package of ours");
            let found = never.iter().filter(|package| reach.contains(**package));
            wrong.extend(found.map(|package| format!("{member} reaches {package}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `TESTS-01`
#[test]
fn one_door_leads_to_each_engine() {
    let graph = Graph::of_the_workspace().unwrap();
    for (package, allowed) in ONLY {
        let users = graph.members().keys();
        let users = users.filter(|member| graph.direct(member).contains(*package));
        let users: BTreeSet<&str> = users.map(String::as_str).collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert!(users.is_subset(&allowed), "{package} is used by {users:?}");
        assert!(!users.is_empty(), "nobody uses {package}: take the row out");
    }
}

/// `TESTS-01`
#[test]
fn features_that_would_open_a_door_are_off() {
    let graph = Graph::of_the_workspace().unwrap();
    for (package, feature) in [
        ("interprocess", "tokio"),
        ("interprocess", "async"),
        ("openmls", "virtual-clients-draft"),
        ("rustls", "ring"),
    ] {
        let features = graph.features(package);
        assert!(!features.contains(feature), "{package}/{feature} is on");
    }
}

/// `TESTS-01`
#[test]
fn openmls_is_reached_by_the_trusted_base_alone() {
    let graph = Graph::of_the_workspace().unwrap();
    let reaching = graph.members().keys();
    let reaching: Vec<_> = reaching.filter(|it| graph.reach(it).contains("openmls")).collect();
    // The simulator is a tool, and brings cryptography of its own.
    assert_eq!(reaching, ["mls-core", "secure-proc", "sotto-fuzz", "sotto-sim"]);
}
