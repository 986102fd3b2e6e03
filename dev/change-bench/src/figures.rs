//! The figures: medians, and each as a multiple of Git's time.

use std::fmt;
use std::io::{self, Write};
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

use crate::change::Counts;
use crate::git::Git;
use crate::tree::Tree;

/// The goal: at most this many times what Git takes.
const GOAL: f64 = 2.0;

/// What was measured.
#[derive(Debug)]
pub struct Figures {
    /// On what.
    pub setting: Setting,
    /// Every round.
    pub rounds: Vec<Round>,
}

/// On what it was measured.
#[derive(Debug, Default, Serialize)]
pub struct Setting {
    /// Files of the base commit.
    pub files: usize,
    /// Their folders.
    pub folders: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What a round changes.
    pub change: Counts,
    /// Git's version.
    pub git: String,
    /// The profile that this program was built with.
    pub profile: &'static str,
    /// Processors.
    pub processors: usize,
}

impl Setting {
    pub(crate) fn new(tree: &Tree, git: &Git) -> io::Result<Self> {
        Ok(Self {
            files: tree.paths.len(),
            folders: tree.folders,
            bytes: tree.bytes,
            change: Counts::default(),
            git: git.version.clone(),
            profile: if cfg!(debug_assertions) { "dev, not optimised" } else { "release, as deployed" },
            processors: available_parallelism()?.get(),
        })
    }
}

/// The times of one round.
#[derive(Debug, Default, Clone, Copy)]
pub struct Round {
    /// `git status`.
    pub status: Duration,
    /// `git diff`.
    pub diff: Duration,
    /// Finding what changed (`runner`).
    pub walk: Duration,
    /// Packing it (`runner`).
    pub pack: Duration,
    /// Reading archive and base files, and verifying (`workflow`).
    pub verify: Duration,
    /// Reading the base commit, verifying again, publishing (`publisher`).
    pub publish: Duration,
    /// Of the publication: waiting for the code host.
    pub code_host: Duration,
}

impl Round {
    fn git(&self) -> Duration {
        self.status + self.diff
    }

    /// Everything from the walk to the pull request, without what the code host took.
    fn ours(&self) -> Duration {
        self.walk + self.pack + self.verify + self.publisher()
    }

    fn publisher(&self) -> Duration {
        self.publish.saturating_sub(self.code_host)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [git, ours, host] = [self.git(), self.ours(), self.code_host].map(milliseconds);
        write!(f, "git {git:.0} ms, walk to pull request {ours:.0} ms and {host:.0} ms of the code host")
    }
}

/// A line of the table.
#[derive(Debug, Serialize)]
pub struct Line {
    /// What was timed.
    pub what: &'static str,
    /// Median, milliseconds.
    pub ms: f64,
    /// The median of each round's multiple of `git status` + `git diff`.
    pub times_git: f64,
}

/// The figures for programs.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// On what it was measured.
    #[serde(flatten)]
    pub setting: &'a Setting,
    /// How many rounds.
    pub rounds: usize,
    /// The table.
    pub lines: Vec<Line>,
    /// Whether the goal is met.
    pub holds: bool,
}

impl Figures {
    fn line(&self, what: &'static str, of: impl Fn(&Round) -> Duration) -> Line {
        let ratio = |round: &Round| of(round).as_secs_f64() / round.git().as_secs_f64().max(1e-9);
        Line {
            what,
            ms: median(self.rounds.iter().map(|round| milliseconds(of(round)))),
            times_git: median(self.rounds.iter().map(ratio)),
        }
    }

    fn lines(&self) -> Vec<Line> {
        vec![
            self.line("git status", |round| round.status),
            self.line("git diff", |round| round.diff),
            self.line("git, both", Round::git),
            self.line("walk", |round| round.walk),
            self.line("pack", |round| round.pack),
            self.line("verify", |round| round.verify),
            self.line("publish", Round::publisher),
            self.total(),
            self.line("the code host's own time", |round| round.code_host),
        ]
    }

    fn total(&self) -> Line {
        self.line("walk to pull request", Round::ours)
    }

    /// Whether the goal is met.
    pub fn hold(&self) -> bool {
        self.total().times_git <= GOAL
    }

    /// The figures for programs.
    pub fn summary(&self) -> Summary<'_> {
        Summary { setting: &self.setting, rounds: self.rounds.len(), lines: self.lines(), holds: self.hold() }
    }

    /// Writes the figures for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Setting { files, folders, bytes, change, git, profile, processors } = &self.setting;
        let Counts { modified, added, deleted } = change;
        writeln!(out)?;
        writeln!(out, "tree     {files} files in {folders} folders, {} MB", bytes / 1_000_000)?;
        writeln!(out, "change   {modified} modified, {added} added, {deleted} deleted")?;
        writeln!(out, "git      {git}, its defaults (no fsmonitor, no untracked cache); index refreshed, caches warm")?;
        writeln!(out, "build    {profile}; {processors} processors; medians of {} rounds", self.rounds.len())?;
        writeln!(out)?;
        writeln!(out, "{:<26}{:>10}{:>10}", "", "ms", "× git")?;
        for Line { what, ms, times_git } in self.lines() {
            writeln!(out, "{what:<26}{ms:>10.1}{times_git:>10.2}")?;
        }
        let verdict = if self.hold() { "holds" } else { "DOES NOT HOLD" };
        writeln!(out, "\ngoal     walk to pull request within {GOAL} times git: {verdict}")
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(git: u64, ours: u64, host: u64) -> Round {
        let ms = Duration::from_millis;
        Round { status: ms(git), walk: ms(ours), publish: ms(host), code_host: ms(host), ..Round::default() }
    }

    #[test]
    fn medians_are_of_each_rounds_own_ratio() {
        let rounds = vec![round(100, 150, 900), round(200, 500, 900), round(100, 900, 900)];
        let figures = Figures { setting: Setting::default(), rounds };
        let total = figures.total();
        assert!((total.ms - 500.0).abs() < 1e-6 && (total.times_git - 2.5).abs() < 1e-6, "{total:?}");
        assert!(!figures.hold());
        let mut out = Vec::new();
        figures.print(&mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("within 2 times git: DOES NOT HOLD\n"));
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).abs() < 1e-9);
    }
}
