//! Runs seeds, on as many threads as there are cores, and says what was violated.
#![expect(clippy::print_stdout, reason = "a command-line tool answers on its standard output")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use clap::Parser;
use serde_json::json;
use sotto_sim::{Broken, Counts, Outcome};

/// Runs seeds of a simulated world.
#[derive(Debug, Parser)]
#[command(name = "sotto-sim")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
    /// A line for every seed, not only for those that fail
    #[arg(long)]
    every: bool,
    /// Break one rule after the other, and demand that each is seen within so many seeds
    #[arg(long)]
    broken: bool,
    /// How many at once; as many as there are cores if not given
    #[arg(long)]
    threads: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is a violation of its seed, and is said there.
    std::panic::set_hook(Box::new(|_| {}));
    if arguments.broken {
        return broken(&arguments);
    }
    let begun = Instant::now();
    let end = arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.from);
    let threads = threads(&arguments);
    let (tell, told) = mpsc::channel();
    let mut sum = Counts::default();
    let mut failed = 0_u64;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                sotto_sim::prepare();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || tell.send(sotto_sim::run(seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for outcome in told {
            sum.add(&outcome.counts);
            failed = failed.saturating_add(u64::from(!outcome.violations.is_empty()));
            if arguments.every || !outcome.violations.is_empty() {
                println!("{}", line(&outcome, arguments.json));
            }
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    if arguments.json {
        let summary = json!({
            "seeds": arguments.seeds, "from": arguments.from, "failed": failed,
            "seconds": seconds, "counts": numbers(&sum),
        });
        println!("{summary}");
    } else {
        let counts = sum.all().map(|(name, count)| format!("{count} {name}"));
        println!(
            "{} seeds from {}, {failed} failed: {}; {seconds:.1} s",
            arguments.seeds,
            arguments.from,
            counts.join(", ")
        );
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(outcome: &Outcome, json: bool) -> String {
    let Outcome { seed, violations, counts, fingerprint } = outcome;
    let fingerprint: String =
        fingerprint.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    if json {
        let (violations, counts) = (violations, numbers(counts));
        return json!({
            "seed": seed, "violations": violations, "fingerprint": fingerprint, "counts": counts,
        })
        .to_string();
    }
    if violations.is_empty() {
        return format!("seed {seed}: good, {fingerprint}");
    }
    format!("seed {seed}: {}", violations.join("; "))
}

fn numbers(counts: &Counts) -> serde_json::Value {
    let all = counts.all().map(|(name, count)| (name.to_owned(), count.into()));
    serde_json::Value::Object(all.into_iter().collect())
}

/// Every rule that can be broken is broken; each has to be seen.
fn broken(arguments: &Arguments) -> ExitCode {
    let next = AtomicU64::new(0);
    let (tell, told) = mpsc::channel();
    let mut unseen = 0_usize;
    std::thread::scope(|scope| {
        for _ in 0..threads(arguments) {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                sotto_sim::prepare();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let rule = usize::try_from(index).ok().and_then(|index| Broken::ALL.get(index));
                    let Some(rule) = rule else {
                        return;
                    };
                    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
                    let seen = seeds.into_iter().find_map(|seed| {
                        let outcome = sotto_sim::run_broken(seed, Some(*rule));
                        // Only what is good with the rule kept counts.
                        let good = || sotto_sim::run(seed).violations.is_empty();
                        let first = outcome.violations.first().cloned();
                        first.filter(|_| good()).map(|violation| (seed, violation))
                    });
                    if tell.send((*rule, seen)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for (rule, seen) in told {
            unseen = unseen.saturating_add(usize::from(seen.is_none()));
            let rule = format!("{rule:?}");
            match (seen, arguments.json) {
                (seen, true) => {
                    let (seed, violation) = seen.unzip();
                    println!("{}", json!({"rule": rule, "seed": seed, "violation": violation}));
                }
                (Some((seed, violation)), false) => println!("{rule}: seed {seed}: {violation}"),
                (None, false) => println!("{rule}: NOT SEEN in {} seeds", arguments.seeds),
            }
        }
    });
    println!("{} rules broken, {unseen} not seen", Broken::ALL.len());
    if unseen == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn threads(arguments: &Arguments) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.threads.unwrap_or_else(|| u64::try_from(cores).unwrap_or(1)).max(1)
}
