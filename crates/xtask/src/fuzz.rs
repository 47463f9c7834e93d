//! `cargo xtask fuzz`: every decoder that sees bytes of strangers, guided by coverage.
//!
//! What `cargo fuzz` does on nightly: libFuzzer, and LLVM's own instrumentation without a
//! sanitizer, which the stable compiler has as well.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::source::root;
use harness::{During, Trouble};

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Keep the smallest set of inputs that reaches what was reached, in `crates/fuzz/corpus`
    #[arg(long)]
    keep: bool,
}

/// A target as `sotto-fuzz list` gives it.
struct Target {
    name: String,
    most: String,
}

/// What a run of libFuzzer said at its end.
#[derive(Default)]
struct Run {
    inputs: u64,
    edges: u64,
    sound: bool,
}

/// Builds with instrumentation, runs each target, and prints a table.
pub(crate) fn run(wanted: &Wanted) -> Result<(), Trouble> {
    let dir = target_folder()?.join("fuzz");
    let plain = build(&[], &dir.join("plain"), "sotto-fuzz")?;
    let mut targets = list(&plain)?;
    if let Some(name) = &wanted.target {
        targets.retain(|target| target.name == *name);
        if targets.is_empty() {
            return Err(Trouble::new(format!("there is no target {name}; see crates/fuzz")));
        }
    }
    let seeds = dir.join("seeds");
    finish(Command::new(&plain).arg("seeds").arg(&seeds))?;
    let host = host()?;
    let flags = ["--features", "guided", "--profile", "fuzz", "--target", &host];
    let guided = build(&flags, &dir.join("guided"), "guided")?;
    println!("| target | inputs | edges | kept |\n|---|---|---|---|");
    let mut broken = Vec::new();
    let mut all = 0;
    for Target { name, most } in &targets {
        let tried = Trial { guided: &guided, dir: &dir, name, most };
        let run = tried.run(wanted.seconds)?;
        if wanted.keep && run.sound {
            tried.keep()?;
        }
        println!("| {name} | {} | {} | {} |", run.inputs, run.edges, tried.kept()?);
        all += run.inputs;
        broken.extend((!run.sound).then_some(name.as_str()));
    }
    println!("| together | {all} | | |");
    if broken.is_empty() {
        return Ok(());
    }
    let found = dir.join("found");
    Err(Trouble::new(format!("broken: {}; inputs in {}", broken.join(", "), found.display())))
}

/// One target of the instrumented binary, and its folders.
struct Trial<'a> {
    guided: &'a Path,
    dir: &'a Path,
    name: &'a str,
    most: &'a str,
}

impl Trial<'_> {
    fn run(&self, seconds: u32) -> Result<Run, Trouble> {
        let [work, found] = ["work", "found"].map(|part| self.dir.join(part).join(self.name));
        fs::create_dir_all(&work).during(work.display())?;
        fs::create_dir_all(&found).during(found.display())?;
        let mut command = self.command();
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", found.display()));
        command.args(["-print_final_stats=1", "-rss_limit_mb=1024", "-timeout=10"]);
        command.arg(work).args(self.starts());
        let out = command.output().during("running the fuzzer")?;
        let said = String::from_utf8_lossy(&out.stderr);
        let mut run = Run { sound: out.status.success(), ..Run::default() };
        for line in said.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match *words.as_slice() {
                ["stat::number_of_executed_units:", count] => run.inputs = number(count),
                [_, _, "cov:", edges, ..] => run.edges = number(edges),
                _ => {}
            }
        }
        if !run.sound {
            eprintln!("{}: {said}", self.name);
        }
        Ok(run)
    }

    /// Replaces what earlier runs found by the fewest inputs that reach the most. Inputs with a
    /// name of their own stay.
    fn keep(&self) -> Result<(), Trouble> {
        let fresh = self.dir.join("fresh").join(self.name);
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh).during(fresh.display())?;
        let mut command = self.command();
        command.args(["-set_cover_merge=1", "-rss_limit_mb=1024"]).arg(&fresh);
        command.arg(self.dir.join("work").join(self.name)).args(self.starts());
        finish(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let kept = self.folder();
        fs::create_dir_all(&kept).during(kept.display())?;
        for old in paths(&kept)?.iter().filter(|old| is_found(old)) {
            fs::remove_file(old).during(old.display())?;
        }
        let mut found = paths(&fresh)?;
        // The merge writes first what reaches most.
        found.sort_by_key(|path| path.metadata().and_then(|it| it.modified()).ok());
        for path in found.iter().take(MOST_KEPT) {
            let name = path.file_name().during("a file without a name")?;
            fs::copy(path, kept.join(name)).during(kept.display())?;
        }
        Ok(())
    }

    fn kept(&self) -> Result<usize, Trouble> {
        let kept = self.folder();
        if kept.is_dir() { Ok(paths(&kept)?.len()) } else { Ok(0) }
    }

    fn starts(&self) -> Vec<PathBuf> {
        let seeds = self.dir.join("seeds").join(self.name);
        [self.folder(), seeds].into_iter().filter(|folder| folder.is_dir()).collect()
    }

    fn folder(&self) -> PathBuf {
        root().join("crates/fuzz/corpus").join(self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.guided);
        command.env("SOTTO_FUZZ_TARGET", self.name).arg(format!("-max_len={}", self.most));
        command
    }
}

fn list(plain: &Path) -> Result<Vec<Target>, Trouble> {
    let out = Command::new(plain).arg("list").output().during("listing the targets")?;
    let text = String::from_utf8(out.stdout).during("listing the targets")?;
    let target = |line: &str| {
        let (name, most) = line.split_once(' ')?;
        Some(Target { name: name.to_owned(), most: most.to_owned() })
    };
    Ok(text.lines().filter_map(target).collect())
}

/// Builds one binary of `sotto-fuzz`; with flags for the compiler when a platform is among them,
/// since only then do they leave build scripts alone.
fn build(flags: &[&str], dir: &Path, name: &str) -> Result<PathBuf, Trouble> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "-p", "sotto-fuzz", "--bin", name]).args(flags);
    command.arg("--message-format=json-render-diagnostics").current_dir(root());
    if !flags.is_empty() {
        command.env("RUSTFLAGS", COVERAGE.join(" ")).env("CARGO_TARGET_DIR", dir);
    }
    let out = command.stderr(Stdio::inherit()).output().during("running cargo build")?;
    if !out.status.success() {
        return Err(Trouble::new("the build failed; its errors stand above"));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .find(|path| path.file_name().is_some_and(|file| file == name))
        .during(format!("cargo build named no binary {name}"))
}

fn target_folder() -> Result<PathBuf, Trouble> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(root());
    let out = command.output().during("running cargo metadata")?;
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).during("cargo metadata")?;
    let folder = answer.get("target_directory").and_then(serde_json::Value::as_str);
    folder.map(PathBuf::from).during("cargo names no target folder")
}

fn host() -> Result<String, Trouble> {
    let out = Command::new("rustc").arg("-vV").output().during("running rustc")?;
    let text = String::from_utf8(out.stdout).during("rustc -vV")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).during("rustc names no host")
}

fn finish(command: &mut Command) -> Result<(), Trouble> {
    let spelled = format!("{command:?}");
    let status = command.status().during(&spelled)?;
    if status.success() {
        Ok(())
    } else {
        Err(Trouble::new(format!("{spelled} failed ({status})")))
    }
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let entries = fs::read_dir(folder).during(folder.display())?;
    entries.map(|entry| Ok(entry.during(folder.display())?.path())).collect()
}

/// Named by its hash, as libFuzzer does.
fn is_found(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// Of one target, so that the whole stays small.
const MOST_KEPT: usize = 40;

const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];
