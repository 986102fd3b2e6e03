//! What came of a battery.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// What came of one attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The attack.
    pub id: String,
    /// Its class.
    pub class: String,
    /// What keeps it.
    pub control: String,
    /// Whether it escaped, by the sort of machine.
    pub modes: BTreeMap<String, bool>,
    /// Whether it succeeds without any control.
    pub controls_off: bool,
}

impl Outcome {
    fn escaped(&self) -> bool {
        self.modes.values().any(|escaped| *escaped)
    }
}

/// What came of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many attacks there were.
    pub attacks: usize,
    /// How many classes.
    pub classes: usize,
    /// How many attacks escaped in some sort of machine.
    pub escapes: usize,
    /// How many succeed without any control.
    pub controls_off_succeeded: usize,
    /// The sorts of machine, with the layers that were active in each.
    pub modes: BTreeMap<String, Vec<String>>,
    /// Sorts of machine that could not be had, and why.
    pub skipped: BTreeMap<String, String>,
    /// Attacks that this machine has nothing for, and were not made.
    pub without_ipv6: Vec<String>,
    /// Seconds.
    pub seconds: u64,
    /// Each attack.
    pub list: Vec<Outcome>,
}

impl Report {
    /// Counts.
    pub fn of(
        list: Vec<Outcome>,
        modes: BTreeMap<String, Vec<String>>,
        skipped: BTreeMap<String, String>,
        seconds: u64,
    ) -> Self {
        Self {
            attacks: list.len(),
            classes: list.iter().map(|outcome| &outcome.class).collect::<BTreeSet<_>>().len(),
            escapes: list.iter().filter(|outcome| outcome.escaped()).count(),
            controls_off_succeeded: list.iter().filter(|outcome| outcome.controls_off).count(),
            modes,
            skipped,
            without_ipv6: Vec::new(),
            seconds,
            list,
        }
    }

    /// Nothing escaped, and everything could have.
    pub fn is_good(&self) -> bool {
        self.escapes == 0 && self.controls_off_succeeded == self.attacks && self.skipped.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut classes: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
        for outcome in &self.list {
            let row = classes.entry(&outcome.class).or_default();
            row.0 += 1;
            row.1 += usize::from(outcome.escaped());
            row.2 += usize::from(outcome.controls_off);
        }
        writeln!(f, "{:<46} {:>8} {:>8} {:>22}", "class", "attacks", "escapes", "succeed uncontrolled")?;
        for (class, (attacks, escapes, off)) in classes {
            writeln!(f, "{class:<46} {attacks:>8} {escapes:>8} {off:>22}")?;
        }
        for (mode, layers) in &self.modes {
            writeln!(f, "{mode}: {}", layers.join(", "))?;
        }
        for (mode, why) in &self.skipped {
            writeln!(f, "NOT PLAYED, {mode}: {why}")?;
        }
        if !self.without_ipv6.is_empty() {
            writeln!(f, "NOT MADE, as this machine has no IPv6: {}", self.without_ipv6.join(", "))?;
        }
        for outcome in self.list.iter().filter(|outcome| outcome.escaped()) {
            let modes: Vec<_> = outcome.modes.iter().filter(|(_, escaped)| **escaped).map(|(mode, _)| mode).collect();
            writeln!(f, "ESCAPED: {} ({modes:?})", outcome.id)?;
        }
        for outcome in self.list.iter().filter(|outcome| !outcome.controls_off) {
            writeln!(f, "PROVES NOTHING: {} does not succeed without controls either", outcome.id)?;
        }
        write!(
            f,
            "{} attacks in {} classes, {} sorts of machine: {} escapes; {} succeed without controls; {} s",
            self.attacks,
            self.classes,
            self.modes.len(),
            self.escapes,
            self.controls_off_succeeded,
            self.seconds
        )
    }
}
