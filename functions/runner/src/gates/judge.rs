//! From two runs of a gate to what is believed of it. Pure.

use std::collections::BTreeSet;

use domain::qa::{CommandResult, Ended, Finding, FindingKind, GateResult, TestCounts, TestEvidence};
use domain::repo_config::GateConfig;

use super::probe::{Failure, Probes};

/// What one command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// For the report.
    pub result: CommandResult,
    /// The tests that its output tells of.
    pub counts: Option<TestCounts>,
    /// What it changed of the files that it found.
    pub touched: BTreeSet<String>,
}

/// What is known from the base commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtBase {
    /// The run; absent: it could not be run.
    pub ran: Option<Ran>,
    /// Its tests without those of files that the SPEC deletes.
    pub floor: Option<TestCounts>,
    /// Planted failures that were noticed.
    pub noticed: BTreeSet<Failure>,
}

/// Whether the planted failures that were noticed at the base are noticed still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// It was not tried.
    NotTried,
    /// It was tried and broke off.
    BrokeOff,
    /// Those that are not noticed any more.
    Missing(BTreeSet<Failure>),
}

/// The verdict on a gate, and what a person should look at.
pub fn judge(
    gate: &GateConfig,
    base: &AtBase,
    ran: Ran,
    probes: &Probes,
    hearing: &Hearing,
) -> (GateResult, Vec<Finding>) {
    let before = base.ran.as_ref();
    let failed_on_base =
        if ran.result.passed() { None } else { before.and_then(|before| failure_on_base(&before.result.ended)) };
    let mut findings = Vec::new();
    let mut finding = |kind, message| findings.push(Finding { kind, subject: gate.name.clone(), message });
    let name = &gate.name;
    if ran.result.passed() && before.and_then(|before| failure_on_base(&before.result.ended)).is_none() {
        finding(FindingKind::NotCompared, format!("gate `{name}` could not be run on the base commit to compare with"));
    }
    if *hearing == Hearing::BrokeOff {
        finding(
            FindingKind::NotCompared,
            format!("gate `{name}`: whether it notices failing tests could not be tried"),
        );
    }
    if let (Some(old), Some(new)) = (base.floor, ran.counts) {
        if new.skipped > old.skipped {
            let message = format!("gate `{name}` skips {} tests, {} on the base commit", new.skipped, old.skipped);
            finding(FindingKind::TestsSkipped, message);
        }
        if failed_on_base == Some(true) && new.failed > old.failed {
            let message = format!("gate `{name}` has {} failing tests, {} on the base commit", new.failed, old.failed);
            finding(FindingKind::MoreFailures, message);
        }
    }
    let known = before.map(|before| &before.touched);
    let touched: Vec<&str> = ran
        .touched
        .iter()
        .filter(|path| known.is_none_or(|known| !known.contains(*path)))
        .map(String::as_str)
        .collect();
    if !touched.is_empty() {
        let paths = domain::text::one_line(&touched.join(", "), 300);
        finding(FindingKind::FilesChanged, format!("gate `{name}` changed files while it ran: {paths}"));
    }
    let missing = match hearing {
        Hearing::Missing(missing) => files(missing),
        Hearing::NotTried | Hearing::BrokeOff => BTreeSet::new(),
    };
    let probed = match hearing {
        Hearing::Missing(_) => files(&base.noticed).len() - missing.len(),
        Hearing::NotTried | Hearing::BrokeOff => 0,
    };
    // A gate that fails, and did not before, blocks by itself.
    let matters = ran.result.passed() || failed_on_base == Some(true);
    let unheeded = || if ran.result.passed() { unheeded(base.floor, ran.counts) } else { None };
    let lost = || lost(base.floor, ran.counts).or_else(unheeded).or_else(|| deaf(&missing, probes));
    let lost = matters.then(lost).flatten();
    let evidence = TestEvidence { base: base.floor, changed: ran.counts, probed: probed as u64, lost };
    let tests = (evidence != TestEvidence::default()).then_some(evidence);
    (GateResult { name: name.clone(), required: gate.required, result: ran.result, failed_on_base, tests }, findings)
}

fn files(failures: &BTreeSet<Failure>) -> BTreeSet<usize> {
    failures.iter().map(|(file, _)| *file).collect()
}

fn lost(base: Option<TestCounts>, changed: Option<TestCounts>) -> Option<String> {
    let base = base.filter(|base| base.ran() > 0)?.ran();
    match changed.map(|changed| changed.ran()) {
        None => Some(format!("it ran {base} tests on the base commit and none that can be recognised now")),
        Some(now) if now < base => {
            Some(format!("it ran {base} tests on the base commit (less what the SPEC deletes) and {now} now"))
        }
        Some(_) => None,
    }
}

/// An exit code of 0 over failures that it tells of itself; a gate that does so at the base has its reasons.
fn unheeded(base: Option<TestCounts>, changed: Option<TestCounts>) -> Option<String> {
    let failed = changed?.failed;
    (failed > base.map_or(0, |base| base.failed))
        .then(|| format!("{failed} of its tests failed, and its exit code is 0"))
}

fn deaf(missing: &BTreeSet<usize>, probes: &Probes) -> Option<String> {
    let first = probes.files().get(*missing.first()?)?;
    let path = domain::text::one_line(first, 200);
    Some(match missing.len() - 1 {
        0 => format!("a test that fails in `{path}` is noticed on the base commit and is not any more"),
        more => format!(
            "a test that fails in `{path}` is noticed on the base commit and is not any more, as in {more} other files"
        ),
    })
}

/// Only a command that ended by itself says something about the base. One that was cut off, by its own limit or because
/// the run's time was used up, could have passed: to take that for a failure would let a change through that hangs.
pub const fn failure_on_base(ended: &Ended) -> Option<bool> {
    match ended {
        Ended::Exit { code } => Some(*code != 0),
        Ended::Signal { .. } => Some(true),
        Ended::TimedOut | Ended::OutputLimit | Ended::DiskLimit | Ended::NotStarted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(code: i32, counts: Option<(u64, u64, u64)>) -> Ran {
        let result = CommandResult {
            command: "c".to_owned(),
            ended: Ended::Exit { code },
            duration_ms: 1,
            output: String::new(),
            output_bytes: 0,
        };
        let counts = counts.map(|(passed, failed, skipped)| TestCounts { passed, failed, skipped });
        Ran { result, counts, touched: BTreeSet::new() }
    }

    fn at_base(code: i32, counts: Option<(u64, u64, u64)>) -> AtBase {
        let ran = ran(code, counts);
        AtBase { floor: ran.counts, ran: Some(ran), noticed: [(0, 0), (0, 1), (1, 0)].into() }
    }

    fn verdict(base: &AtBase, ran: Ran, hearing: &Hearing) -> (bool, Vec<FindingKind>) {
        let gate = GateConfig { name: "g".to_owned(), command: "c".to_owned(), required: true, timeout: 1 };
        let probes = Probes::new("00".to_owned(), vec!["a.test.js".to_owned(), "b.test.js".to_owned()]);
        let (result, findings) = judge(&gate, base, ran, &probes, hearing);
        (result.blocks(), findings.into_iter().map(|finding| finding.kind).collect())
    }

    #[test]
    fn the_table_of_verdicts() {
        use FindingKind::{MoreFailures, NotCompared, TestsSkipped};
        let all = Hearing::Missing(BTreeSet::new());
        let cases = [
            ("as before", at_base(0, Some((5, 0, 0))), ran(0, Some((5, 0, 0))), (false, vec![])),
            ("more tests", at_base(0, Some((5, 0, 0))), ran(0, Some((6, 0, 0))), (false, vec![])),
            ("fewer tests", at_base(0, Some((5, 0, 0))), ran(0, Some((4, 0, 0))), (true, vec![])),
            ("a test is skipped", at_base(0, Some((5, 0, 0))), ran(0, Some((4, 0, 1))), (true, vec![TestsSkipped])),
            (
                "a new test is skipped",
                at_base(0, Some((5, 0, 0))),
                ran(0, Some((5, 0, 1))),
                (false, vec![TestsSkipped]),
            ),
            ("no count", at_base(0, Some((5, 0, 0))), ran(0, None), (true, vec![])),
            ("never a count", at_base(0, None), ran(0, None), (false, vec![])),
            ("a regression", at_base(0, Some((5, 0, 0))), ran(1, Some((4, 1, 0))), (true, vec![])),
            ("as red as before", at_base(1, Some((4, 1, 0))), ran(1, Some((4, 1, 0))), (false, vec![])),
            ("more failures", at_base(1, Some((4, 1, 0))), ran(1, Some((3, 2, 0))), (false, vec![MoreFailures])),
            ("red before, and gone now", at_base(1, Some((4, 1, 0))), ran(0, Some((0, 0, 0))), (true, vec![])),
            ("red before, broken now", at_base(1, Some((4, 1, 0))), ran(1, None), (true, vec![])),
            ("exits with 0 all the same", at_base(0, Some((5, 0, 0))), ran(0, Some((4, 1, 0))), (true, vec![])),
            ("mended", at_base(1, Some((4, 1, 0))), ran(0, Some((5, 0, 0))), (false, vec![])),
            ("nothing to compare with", AtBase::default(), ran(0, Some((5, 0, 0))), (false, vec![NotCompared])),
            ("red, nothing to compare with", AtBase::default(), ran(1, Some((5, 0, 0))), (true, vec![])),
        ];
        for (what, base, ran, expected) in cases {
            assert_eq!(verdict(&base, ran, &all), expected, "{what}");
        }
    }

    #[test]
    fn a_gate_that_notices_no_failure_any_more_blocks() {
        let base = at_base(0, None);
        assert!(verdict(&base, ran(0, None), &Hearing::Missing([(1, 0)].into())).0);
        assert!(!verdict(&base, ran(0, None), &Hearing::NotTried).0);
        assert_eq!(verdict(&base, ran(0, None), &Hearing::BrokeOff), (false, vec![FindingKind::NotCompared]));
    }

    #[test]
    fn files_that_a_gate_always_changes_are_not_told() {
        let mut base = at_base(0, None);
        base.ran.as_mut().unwrap().touched = ["coverage.txt".to_owned()].into();
        let mut now = ran(0, None);
        now.touched = ["coverage.txt".to_owned()].into();
        assert_eq!(verdict(&base, now.clone(), &Hearing::NotTried), (false, vec![]));
        now.touched.insert("src/a.js".to_owned());
        assert_eq!(verdict(&base, now, &Hearing::NotTried), (false, vec![FindingKind::FilesChanged]));
    }
}
