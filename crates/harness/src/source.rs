//! Our own sources: which files there are, and how many lines of them are code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bins::workspace;
use crate::graph::Graph;
use crate::{During, Trouble};

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    workspace()
}

/// All files under a folder whose name ends with `ending`, sorted; build output and hidden
/// folders left out.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(under: &Path, ending: &str) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    let mut open = vec![under.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).during(folder.display())? {
            let path = entry.during(folder.display())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// How many lines of Rust are code: without blank lines, comments, and what is compiled for tests
/// only.
#[must_use]
pub fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut count = 0_usize;
    let mut comment = 0_usize;
    let mut skip = Skip::No;
    for line in lines {
        if comment > 0 || line.starts_with("/*") {
            let (opens, ends) = (line.matches("/*").count(), line.matches("*/").count());
            comment = comment.saturating_add(opens).saturating_sub(ends);
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if line.starts_with("#[cfg(test)]") {
            skip = Skip::Item(0);
            continue;
        }
        match skip {
            Skip::No => count = count.saturating_add(1),
            Skip::Item(depth) => skip = Skip::after(line, depth),
        }
    }
    count
}

/// The lines of code of `secure-proc` and of each package of ours that it links.
///
/// # Errors
/// When cargo or a file cannot be read.
pub fn trusted_base() -> Result<BTreeMap<String, usize>, Trouble> {
    let graph = Graph::of_the_workspace()?;
    let mut counts = BTreeMap::new();
    for package in graph.reach("secure-proc") {
        let Some(folder) = graph.members().get(&package) else {
            continue;
        };
        let mut count = 0_usize;
        for file in files(&folder.join("src"), ".rs")? {
            if !is_test(&file) {
                let text = fs::read_to_string(&file).during(file.display())?;
                count = count.saturating_add(code_lines(&text));
            }
        }
        counts.insert(package, count);
    }
    Ok(counts)
}

/// The most lines of code that the trusted base may have.
pub const BUDGET: usize = 9_000;

/// Inside an item that is compiled for tests only: how many braces are open.
#[derive(Clone, Copy)]
enum Skip {
    No,
    Item(usize),
}

impl Skip {
    fn after(line: &str, depth: usize) -> Self {
        // Further attributes of the same item.
        if depth == 0 && line.starts_with("#[") {
            return Self::Item(0);
        }
        let (opens, ends) = (line.matches('{').count(), line.matches('}').count());
        let now = depth.saturating_add(opens).saturating_sub(ends);
        let over = now == 0 && (opens > 0 || ends > 0 || line.ends_with(';'));
        if over { Self::No } else { Self::Item(now) }
    }
}

/// A file or folder that only `#[cfg(test)] mod tests;` names.
fn is_test(file: &Path) -> bool {
    file.iter().any(|part| part == "tests" || part == "tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HARNESS-03`
    #[test]
    fn comments_blank_lines_and_tests_are_no_code() {
        let text = "//! Doc.\n\nuse a;\n/* more\n text */\nfn b() {\n    // why\n    c();\n}\n\n\
            #[cfg(test)]\nuse d;\n#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n    fn e() {\n    }\n}\nfn f() {}\n";
        assert_eq!(code_lines(text), 5);
    }
}
