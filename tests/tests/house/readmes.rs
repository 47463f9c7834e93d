//! A README is a promise: every rule has a test that names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::graph::Graph;
use harness::source::{BUDGET, files, root, trusted_base};

/// `TESTS-03`
#[test]
fn every_rule_is_named_by_a_test() {
    let graph = Graph::of_the_workspace().unwrap();
    let shared = named_in(&root().join("tests"));
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (package, folder) in graph.members() {
        let rules = rules(&folder.join("README.md"));
        if rules.is_empty() {
            wrong.push(format!("{package}: its README has no rules"));
        }
        let own = named_in(folder);
        for rule in rules {
            if !own.contains(&rule) && !shared.contains(&rule) {
                wrong.push(format!("{package}: no test names {rule}"));
            }
            if !seen.insert(rule.clone()) {
                wrong.push(format!("{package}: {rule} is somebody else's rule too"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `TESTS-03`
#[test]
fn every_rule_that_a_test_names_stands_in_a_readme() {
    let graph = Graph::of_the_workspace().unwrap();
    let promised = graph.members().values();
    let promised: BTreeSet<String> =
        promised.flat_map(|folder| rules(&folder.join("README.md"))).collect();
    let named = named_in(&root());
    let unknown: Vec<_> = named.difference(&promised).collect();
    assert!(unknown.is_empty(), "tests name {unknown:?}");
}

/// `TESTS-04`
#[test]
fn page_one_says_how_large_the_trusted_base_is() {
    let counts = trusted_base().unwrap();
    let all: usize = counts.values().sum();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("| **together** |"));
    let digits = line.unwrap_or_default().split("**").nth(3).unwrap_or_default();
    let said: usize = digits.replace(',', "").parse().unwrap();
    // Small changes need no new table; `cargo xtask lines` prints it.
    assert!(all.abs_diff(said) <= 250, "the README says {said}, it is {all}");
    if all > BUDGET {
        let reason = readme.contains("### Why the trusted base is larger than planned");
        assert!(reason, "{all} lines, {BUDGET} planned, and no reason written");
    }
    assert!(all <= CEILING, "{all} lines: take something out");
}

/// The identifiers at the start of the list items of `## Rules`.
fn rules(readme: &Path) -> Vec<String> {
    let text = fs::read_to_string(readme).unwrap_or_default();
    let section = text.split("\n## Rules").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let items = section.lines().filter_map(|line| line.strip_prefix("- "));
    items.filter_map(identifier).collect()
}

/// Every identifier in the doc comments of the tests under a folder.
fn named_in(folder: &Path) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for file in files(folder, ".rs").unwrap() {
        let text = fs::read_to_string(&file).unwrap();
        let docs = text.lines().map(str::trim);
        for line in docs.filter(|line| line.starts_with("///") || line.starts_with("//!")) {
            named.extend(line.split('`').skip(1).step_by(2).filter_map(identifier));
        }
    }
    named
}

/// `NAMES-01`, `UI-MODEL-02` and the like: capitals, a hyphen, two digits.
fn identifier(text: &str) -> Option<String> {
    let text = text.trim_start_matches('`');
    let end = text.find(|c: char| c != '-' && !c.is_ascii_alphanumeric());
    let text = text.get(..end.unwrap_or(text.len()))?;
    let (word, number) = text.rsplit_once('-')?;
    let capitals = word.chars().all(|c| c == '-' || c.is_ascii_uppercase());
    let digits = number.len() == 2 && number.chars().all(|c| c.is_ascii_digit());
    (capitals && word.len() > 1 && digits).then(|| text.to_owned())
}

/// More than this takes a decision, not a sentence in the README.
const CEILING: usize = 21_000;
