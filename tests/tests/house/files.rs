//! Short files, one lint table, `unsafe` in one room, and nothing of anybody's machine.

use std::fs;
use std::path::{Path, PathBuf};

use harness::graph::Graph;
use harness::source::{files, root};

/// `TESTS-05`
#[test]
fn files_are_short_enough_to_be_read() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        let table = file.file_stem().is_some_and(|name| name == "table");
        if lines > FAIL && !table {
            wrong.push(format!("{} has {lines} lines: split it", file.display()));
        } else if lines > WARN {
            println!("{} has {lines} lines", file.display());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `TESTS-05`
#[test]
fn no_file_is_named_mod() {
    let named = |file: &PathBuf| file.ends_with("mod.rs");
    assert_eq!(sources().into_iter().find(named), None);
}

/// `TESTS-06`
#[test]
fn unsafe_code_stands_in_one_room_only() {
    let graph = Graph::of_the_workspace().unwrap();
    for (package, folder) in graph.members() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let shared = manifest.contains("[lints]\nworkspace = true");
        assert_eq!(shared, package != "sandbox-io", "the lints of {package}");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let room = root().join("crates/sandbox-io");
    for file in sources().iter().filter(|file| !file.starts_with(&room)) {
        let text = fs::read_to_string(file).unwrap();
        let mut code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let open = |line: &&str| KINDS.iter().any(|kind| line.contains(&format!("{WORD} {kind}")));
        assert_eq!(code.find(open), None, "{}", file.display());
    }
}

/// `TESTS-07`
#[test]
fn no_path_of_anybodys_machine_is_written_down() {
    for ending in [".rs", ".md", ".toml", ".yml", ".sh"] {
        for file in files(&root(), ending).unwrap() {
            let text = fs::read_to_string(&file).unwrap();
            for path in MACHINES {
                let line = text.lines().position(|line| line.contains(path));
                assert_eq!(line, None, "{} names {path}", file.display());
            }
        }
    }
}

/// `TESTS-22`
#[test]
fn only_the_simulator_can_break_rules() {
    let cores = ["crates/mls-core", "crates/relay-core", "crates/sim", "tests"];
    let may = |file: &PathBuf| cores.iter().any(|core| file.starts_with(root().join(core)));
    for file in sources().iter().filter(|file| !may(file)) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("break_rules"), "{} breaks rules", file.display());
    }
    // Of the cores themselves only the one file that makes the door.
    for core in ["crates/mls-core/src", "crates/relay-core/src"] {
        let doors = files(&root().join(core), ".rs").unwrap().into_iter();
        let doors = doors.filter(|file| fs::read_to_string(file).unwrap().contains("break_rules("));
        assert_eq!(doors.count(), 1, "{core}");
    }
}

fn sources() -> Vec<PathBuf> {
    let own = |file: &PathBuf| !file.starts_with(Path::new("target"));
    files(&root(), ".rs").unwrap().into_iter().filter(own).collect()
}

const WARN: usize = 500;
const FAIL: usize = 800;
const WORD: &str = "unsafe";
const KINDS: [&str; 5] = ["{", "fn", "impl", "trait", "extern"];
/// Spelled in two pieces, so that this file may stand in the tree itself.
const MACHINES: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/fa", "rm/")];
