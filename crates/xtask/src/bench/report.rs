//! What was measured, for people and for scripts.

use std::fs;

use serde_json::{Value, json};

use super::numbers::Samples;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Value,
    lines: Vec<Line>,
}

/// One thing that was measured.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    unit: &'static str,
    samples: usize,
    middle: f64,
    high: Option<f64>,
    goal: Option<f64>,
    high_goal: Option<f64>,
}

impl Line {
    /// Median and 99th percentile of samples.
    pub(crate) fn of(what: &str, unit: &'static str, samples: &Samples) -> Self {
        let high = Some(samples.rank(99));
        let count = samples.count();
        Self { high, samples: count, ..Self::one(what, unit, samples.rank(50)) }
    }

    /// A single value.
    pub(crate) fn one(what: &str, unit: &'static str, value: f64) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            samples: 1,
            middle: value,
            high: None,
            goal: None,
            high_goal: None,
        }
    }

    /// With the goal for the median, or the single value.
    pub(crate) fn goal(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// With the goal for the 99th percentile.
    pub(crate) fn high_goal(self, goal: f64) -> Self {
        Self { high_goal: Some(goal), ..self }
    }

    fn cells(&self) -> [String; 6] {
        let shown = |value: Option<f64>| value.map_or_else(String::new, short);
        let goal = match (self.goal, self.high_goal) {
            (Some(goal), Some(high)) => format!("{} / {}", short(goal), short(high)),
            (goal, _) => shown(goal),
        };
        [
            self.what.clone(),
            self.unit.to_owned(),
            self.samples.to_string(),
            short(self.middle),
            shown(self.high),
            goal,
        ]
    }

    fn value(&self) -> Value {
        json!({
            "what": self.what,
            "unit": self.unit,
            "samples": self.samples,
            "p50": self.middle,
            "p99": self.high,
            "goal_p50": self.goal,
            "goal_p99": self.high_goal,
        })
    }
}

impl Report {
    /// An empty one, with what this machine is and what else it does now.
    pub(crate) fn begin() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.map(|rest| rest.trim_start_matches([' ', '\t', ':']));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self {
            machine: json!({"processor": model, "cores": cores, "load": load()}),
            lines: Vec::new(),
        }
    }

    /// One line more.
    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Prints everything.
    pub(crate) fn print(mut self, json: bool) {
        if let Some(machine) = self.machine.as_object_mut() {
            machine.insert("load_at_the_end".to_owned(), json!(load()));
        }
        if json {
            let lines: Vec<Value> = self.lines.iter().map(Line::value).collect();
            println!("{}", json!({"machine": self.machine, "measurements": lines}));
            return;
        }
        println!("machine: {}\n", self.machine);
        println!("| measured | unit | samples | p50 or value | p99 | goal |");
        println!("|---|---|---:|---:|---:|---:|");
        for line in &self.lines {
            println!("| {} |", line.cells().join(" | "));
        }
    }
}

/// Load averages: what else the machine does moves every wall clock here.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn short(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `XTASK-05`
    #[test]
    fn goals_stand_beside_what_was_measured() {
        let mut samples = Samples::default();
        for value in [9.0, 12.0, 70.0] {
            samples.add(value);
        }
        let line = Line::of("way", "ms", &samples).goal(15.0).high_goal(60.0);
        assert_eq!(line.cells(), ["way", "ms", "3", "12.0", "70.0", "15.0 / 60.0"]);
        assert_eq!(line.value()["goal_p99"], 60.0);
        let line = Line::one("memory", "MiB", 1234.5).goal(150.0);
        assert_eq!(line.cells(), ["memory", "MiB", "1", "1234", "", "150"]);
    }
}
