//! What our layers cost beside OpenMLS alone, in one process, sample by sample in turn.
//!
//! `cargo bench -p mls-core -- [--quick] [--most=MEMBERS]`. Ours: `Endpoint` end to end in memory, rows collected.
//! Bare: the same operation with OpenMLS, its storage in memory and the same cryptography.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a measurement that cannot go on ends"
)]

mod bare;
mod ours;
mod relay;
mod spent;

use bare::Bare;
use ours::{Ours, Steps};
use spent::{Spent, median};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let quick = words.iter().any(|word| word == "--quick");
    let most = words.iter().find_map(|word| word.strip_prefix("--most="));
    let most = most.map_or(if quick { 100 } else { 500 }, |most| most.parse().unwrap());
    assert!(mls_core::prepare_threads());
    println!(
        "| members | operation | ours, whole | ours, groups | bare | bare, as many messages \
         | times bare | times as many |\n|---|---|---|---|---|---|---|---|"
    );
    let (mut ours, mut bare) = (Ours::new(), Bare::new());
    for (members, samples) in [(2, 100), (10, 100), (100, 40), (500, 15)] {
        if members > most {
            continue;
        }
        let samples = if quick { samples / 5 } else { samples };
        ours.grow(members);
        bare.grow(members);
        assert!(ours.is_sound() && bare.is_sound());
        for (name, len) in [("text of 700 bytes", 700), ("text of 1,000 bytes", 1_000)] {
            let text = "x".repeat(len);
            let runs = (0..samples).map(|_| {
                let (seal, open, messages) = ours.text(&text);
                let one = bare.text(&text, 1);
                if messages == 1 {
                    return ((seal, open), one, one);
                }
                // As cold as the one before it.
                let ((_, _, again), many) = (ours.text(&text), bare.text(&text, messages));
                assert_eq!(again, messages);
                ((seal, open), one, many)
            });
            report(members, [&format!("{name}: seal"), &format!("{name}: open")], runs);
        }
        let runs = (0..samples).map(|_| {
            let (ours, bare) = (ours.commit(), bare.commit());
            (ours, bare, bare)
        });
        report(members, ["commit", "process"], runs);
        if members == 10 {
            let slots = if quick { 50 } else { 500 };
            let (replayed, bare) = (ours.replay(slots), bare.replay(slots));
            line(members, &format!("replay of {slots} slots"), &[replayed], [&[bare], &[bare]]);
        }
    }
}

type Pair<T> = (T, T);

/// Two operations that were measured together: the one who does, the one who follows.
fn report(
    members: usize,
    names: [&str; 2],
    runs: impl Iterator<Item = (Pair<Steps>, Pair<Spent>, Pair<Spent>)>,
) {
    let (mut did, mut followed) = (Vec::new(), Vec::new());
    let [mut bare, mut many] = [(); 2].map(|()| (Vec::new(), Vec::new()));
    for (ours, one, as_many) in runs {
        did.push(ours.0);
        followed.push(ours.1);
        for (all, spent) in [(&mut bare, one), (&mut many, as_many)] {
            all.0.push(spent.0);
            all.1.push(spent.1);
        }
    }
    line(members, names[0], &did, [&bare.0, &many.0]);
    line(members, names[1], &followed, [&bare.1, &many.1]);
}

fn line(members: usize, name: &str, ours: &[Steps], bare: [&[Spent]; 2]) {
    let groups = median(&ours.iter().map(|it| it.groups).collect::<Vec<_>>());
    let all = median(&ours.iter().map(|it| it.all).collect::<Vec<_>>());
    let [bare, many] = bare.map(median);
    let times = |spent: Spent, bare: Spent| spent.cpu.as_secs_f64() / bare.cpu.as_secs_f64();
    println!(
        "| {members} | {name} | {} | {} | {} | {} | {:.1} / {:.1} | {:.1} |",
        shown(all),
        shown(groups),
        shown(bare),
        shown(many),
        times(all, bare),
        times(groups, bare),
        times(all, many),
    );
}

/// Wall clock, and processor time in brackets.
fn shown(spent: Spent) -> String {
    let [wall, cpu] = [spent.wall, spent.cpu].map(|time| time.as_secs_f64() * 1e3);
    format!("{wall:.2} ({cpu:.2}) ms")
}
