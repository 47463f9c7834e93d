//! Words below, decisions above them, then what touches the world, then processes; tools on top.

use harness::graph::Graph;
use harness::source::root;

/// What a package is, told by its name.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
enum Layer {
    Words,
    Decides,
    TouchesTheWorld,
    OwnsAProcess,
    Tool,
}

fn layer(package: &str) -> Layer {
    match package {
        "names" | "objects" | "ipc-schema" | "ipc-schema-net" | "ipc-schema-ui" => Layer::Words,
        "ui-model" | "ui-view" => Layer::Decides,
        "launcher" | "relay" | "cli" | "member" => Layer::OwnsAProcess,
        "harness" | "xtask" | "sotto-sim" | "sotto-tests" | "sotto-fuzz" => Layer::Tool,
        _ if package.ends_with("-core") => Layer::Decides,
        _ if package.ends_with("-io") => Layer::TouchesTheWorld,
        _ if package.ends_with("-proc") => Layer::OwnsAProcess,
        _ => panic!("{package}: its name does not say what it is"),
    }
}

/// Beside each other: the member tool shares the library half of the command line.
const BESIDE: &[(&str, &str)] = &[("member", "cli")];

/// `TESTS-02`
#[test]
fn arrows_point_down() {
    let graph = Graph::of_the_workspace().unwrap();
    let mut wrong = Vec::new();
    for member in graph.members().keys() {
        for other in graph.direct(member) {
            if !graph.members().contains_key(&other) || BESIDE.contains(&(member, &other)) {
                continue;
            }
            let (above, below) = (layer(member), layer(&other));
            let fits = match above {
                Layer::Words => below == Layer::Words,
                Layer::Decides => below <= Layer::Decides,
                // One that touches the world knows no other that does, and decides nothing.
                Layer::TouchesTheWorld => below == Layer::Words,
                Layer::OwnsAProcess => below < Layer::OwnsAProcess,
                Layer::Tool => true,
            };
            if !fits {
                wrong.push(format!("{member} ({above:?}) knows {other} ({below:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `TESTS-02`
#[test]
fn the_manifest_lists_ours_from_the_lowest_layer_upwards() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let ours = manifest.lines().filter(|line| line.contains("{ path = "));
    let ours: Vec<&str> = ours.filter_map(|line| line.split(' ').next()).collect();
    assert!(ours.len() > 10, "the manifest names only {ours:?}");
    // The libraries of the window stand before what touches the world, as the folders do.
    assert!(ours.is_sorted_by_key(|package| layer(package)), "{ours:?}");
    let start = manifest.find("members = [").unwrap();
    let members = manifest[start..].lines().skip(1);
    let members: Vec<&str> = members.take_while(|line| line.starts_with(' ')).collect();
    assert!(members.is_sorted(), "{members:?}");
}
