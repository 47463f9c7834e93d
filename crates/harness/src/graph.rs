//! Who depends on whom, as `cargo metadata` says with features as the workspace resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::bins::workspace;
use crate::{During, Trouble};

/// The resolved dependency graph of the workspace, development dependencies left out.
#[derive(Debug)]
pub struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
    members: BTreeMap<String, PathBuf>,
    features: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Asks cargo, without network.
    ///
    /// # Errors
    /// When cargo fails, or answers in another form.
    pub fn of_the_workspace() -> Result<Self, Trouble> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Only what this machine builds has been fetched.
        let version = Command::new(&cargo).arg("-vV").output();
        let version = String::from_utf8(version.during("running cargo -vV")?.stdout);
        let version = version.during("cargo -vV")?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let out = Command::new(cargo)
            .args(["metadata", "--format-version=1", "--locked", "--offline"])
            .args(["--filter-platform", host.during("cargo names no host")?])
            .current_dir(workspace())
            .output()
            .during("running cargo metadata")?;
        if !out.status.success() {
            return Err(Trouble::new(String::from_utf8_lossy(&out.stderr)));
        }
        let metadata: Value = serde_json::from_slice(&out.stdout).during("cargo metadata")?;
        let mut graph = Self {
            names: BTreeMap::new(),
            edges: BTreeMap::new(),
            members: BTreeMap::new(),
            features: BTreeMap::new(),
        };
        for package in list(&metadata, "packages") {
            graph.names.insert(text(package, "id"), text(package, "name"));
            if package.get("source").is_some_and(Value::is_null) {
                let manifest = PathBuf::from(text(package, "manifest_path"));
                let folder = manifest.parent().map(PathBuf::from).unwrap_or_default();
                graph.members.insert(text(package, "name"), folder);
            }
        }
        let resolve = metadata.get("resolve").during("cargo resolved nothing")?;
        for node in list(resolve, "nodes") {
            let normal = |dep: &&Value| {
                list(dep, "dep_kinds").any(|kind| kind.get("kind").is_some_and(Value::is_null))
            };
            let deps = list(node, "deps").filter(normal).map(|dep| text(dep, "pkg"));
            graph.edges.insert(text(node, "id"), deps.collect());
            let features = list(node, "features").filter_map(Value::as_str);
            let features = features.map(str::to_owned).collect();
            graph.features.insert(text(node, "id"), features);
        }
        Ok(graph)
    }

    /// Our own packages and their folders.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<String, PathBuf> {
        &self.members
    }

    /// Everything that a member of the workspace links, itself included, by package name.
    #[must_use]
    pub fn reach(&self, member: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = self.ids(member).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id.clone()) {
                open.extend(self.edges.get(id).into_iter().flatten());
            }
        }
        seen.iter().filter_map(|id| self.names.get(id)).cloned().collect()
    }

    /// What a package links directly, by package name.
    #[must_use]
    pub fn direct(&self, package: &str) -> BTreeSet<String> {
        self.ids(package)
            .filter_map(|id| self.edges.get(id))
            .flatten()
            .filter_map(|id| self.names.get(id))
            .cloned()
            .collect()
    }

    /// The features that are on in a package, in any of its versions.
    #[must_use]
    pub fn features(&self, package: &str) -> BTreeSet<String> {
        self.ids(package).filter_map(|id| self.features.get(id)).flatten().cloned().collect()
    }

    fn ids<'a>(&'a self, package: &'a str) -> impl Iterator<Item = &'a String> {
        let named = move |(id, name): (&'a String, &'a String)| (name == package).then_some(id);
        self.names.iter().filter_map(named)
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
