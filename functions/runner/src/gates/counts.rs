//! Test counts in the output of test runners.
//!
//! An exit code of 0 says that nothing failed, not that anything ran. Runners end with a summary; its forms are a table
//! here. What is counted is compared with the same command on the base commit, so a form that is unknown or that counts
//! in another unit does no harm as long as both outputs have it.

use std::sync::LazyLock;

use domain::qa::TestCounts;
use regex::{Captures, Regex};

/// A summary line of some runner.
struct Form {
    line: Regex,
    read: fn(&Captures<'_>, &mut Tally),
}

#[derive(Default)]
struct Tally {
    counts: TestCounts,
    recognised: bool,
    /// Files that Node reports as a passed test because they hold none.
    node_files: u64,
    /// unittest's `Ran … tests`, until the line with the verdict comes.
    unittest_ran: Option<u64>,
    /// Go's packages, for a run without `-v`.
    go_packages: TestCounts,
    go_tests: TestCounts,
}

/// Sums the summaries in a command's output. `None`: there is none of a known form.
pub fn count(output: &str) -> Option<TestCounts> {
    let text = console::strip_ansi_codes(output);
    let mut tally = Tally::default();
    for line in text.lines() {
        for form in FORMS.iter() {
            if let Some(found) = form.line.captures(line) {
                tally.recognised = true;
                (form.read)(&found, &mut tally);
                break;
            }
        }
    }
    if !tally.recognised {
        return None;
    }
    let mut counts = tally.counts;
    counts.passed = counts.passed.saturating_sub(tally.node_files) + tally.unittest_ran.unwrap_or_default();
    let go = if tally.go_tests == TestCounts::default() { tally.go_packages } else { tally.go_tests };
    counts.passed += go.passed;
    counts.failed += go.failed;
    counts.skipped += go.skipped;
    Some(counts)
}

fn number(found: &Captures<'_>, group: usize) -> u64 {
    found.get(group).and_then(|digits| digits.as_str().parse().ok()).unwrap_or_default()
}

/// Adds the parts of a list such as `3 passed, 1 failed` or `failures=1, skipped=2`.
fn parts(list: &str, counts: &mut TestCounts) {
    static PART: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) ([a-z]+)"));
    for part in PART.captures_iter(list) {
        let n = number(&part, 1);
        match &part[2] {
            "passed" | "xpassed" => counts.passed += n,
            "failed" | "error" | "errors" => counts.failed += n,
            "skipped" | "pending" | "todo" | "xfailed" | "ignored" => counts.skipped += n,
            _ => {}
        }
    }
}

fn unittest_verdict(found: &Captures<'_>, tally: &mut Tally) {
    static PART: LazyLock<Regex> = LazyLock::new(|| pattern(r"([a-z ]+)=(\d+)"));
    let Some(ran) = tally.unittest_ran.take() else { return };
    let (mut failed, mut skipped) = (0, 0);
    for part in PART.captures_iter(found.get(1).map_or("", |list| list.as_str())) {
        match part[1].trim() {
            "failures" | "errors" | "unexpected successes" => failed += number(&part, 2),
            "skipped" | "expected failures" => skipped += number(&part, 2),
            _ => {}
        }
    }
    tally.counts.failed += failed;
    tally.counts.skipped += skipped;
    tally.counts.passed += ran.saturating_sub(failed + skipped);
}

/// Patterns are constants of this crate, which a test compiles.
#[expect(clippy::expect_used, reason = "a constant that the tests compile")]
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is valid")
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let form = |line: &str, read: fn(&Captures<'_>, &mut Tally)| Form { line: pattern(line), read };
    vec![
        // node:test, reporters `tap` and `spec`.
        form(r"^(?:#|ℹ) pass (\d+)$", |found, tally| tally.counts.passed += number(found, 1)),
        form(r"^(?:#|ℹ) (?:fail|cancelled) (\d+)$", |found, tally| tally.counts.failed += number(found, 1)),
        form(r"^(?:#|ℹ) (?:skipped|todo) (\d+)$", |found, tally| tally.counts.skipped += number(found, 1)),
        form(r"^ok \d+ - (?:/\S+|\S+\.[cm]?[jt]sx?)(?: # time.*)?$", |_, tally| tally.node_files += 1),
        form(r"^✔ (?:/\S+|\S+\.[cm]?[jt]sx?) \([\d.]+m?s\)$", |_, tally| tally.node_files += 1),
        // Jest and Vitest.
        form(r"^Tests:\s+(.*\d+ total)$", |found, tally| parts(&found[1], &mut tally.counts)),
        form(r"^\s*Tests\s+(\d+ .*\(\d+\))$", |found, tally| parts(&found[1], &mut tally.counts)),
        // Mocha.
        form(r"^\s*(\d+) passing(?: \(.*\))?$", |found, tally| tally.counts.passed += number(found, 1)),
        form(r"^\s*(\d+) failing$", |found, tally| tally.counts.failed += number(found, 1)),
        form(r"^\s*(\d+) pending$", |found, tally| tally.counts.skipped += number(found, 1)),
        // PHPUnit.
        form(r"^OK \((\d+) tests?, \d+ assertions?\)$", |found, tally| tally.counts.passed += number(found, 1)),
        // unittest.
        form(r"^Ran (\d+) tests? in [\d.]+s$", |found, tally| tally.unittest_ran = Some(number(found, 1))),
        form(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", unittest_verdict),
        // pytest.
        form(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", |found, tally| parts(&found[1], &mut tally.counts)),
        form(r"^(?:=+ )?no tests ran in [\d.]+s", |_, _| {}),
        // cargo test and cargo nextest.
        form(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored;", |found, tally| {
            tally.counts.passed += number(found, 1);
            tally.counts.failed += number(found, 2);
            tally.counts.skipped += number(found, 3);
        }),
        form(r"^\s*Summary \[.*\] \d+ tests? run: (.*)$", |found, tally| parts(&found[1], &mut tally.counts)),
        // go test.
        form(r"^--- PASS: ", |_, tally| tally.go_tests.passed += 1),
        form(r"^--- FAIL: ", |_, tally| tally.go_tests.failed += 1),
        form(r"^--- SKIP: ", |_, tally| tally.go_tests.skipped += 1),
        form(r"^ok\s+\S+\s+.*\[no tests to run\]$", |_, _| {}),
        form(r"^ok\s+\S+\s+(?:[\d.]+s|\(cached\))", |_, tally| tally.go_packages.passed += 1),
        form(r"^FAIL\s+\S+\s+(?:[\d.]+s|\[.*\])$", |_, tally| tally.go_packages.failed += 1),
        // Maven Surefire and Gradle: the total has no time behind it.
        form(r"^(?:\[\w+\]\s+)?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$", |found, tally| {
            let failed = number(found, 2) + number(found, 3);
            tally.counts.failed += failed;
            tally.counts.skipped += number(found, 4);
            tally.counts.passed += number(found, 1).saturating_sub(failed + number(found, 4));
        }),
        // RSpec.
        form(r"^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?", |found, tally| {
            tally.counts.failed += number(found, 2);
            tally.counts.skipped += number(found, 3);
            tally.counts.passed += number(found, 1).saturating_sub(number(found, 2) + number(found, 3));
        }),
    ]
});

/// Whether a line of source text holds what a runner prints as its summary.
pub(super) fn imitates(text: &str) -> bool {
    static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?:#|ℹ) (?:pass|tests|fail) (?:\d|\$\{|%|\{)|test result: (?:ok|FAILED)|",
            r"Ran (?:\d+|%d|\{.*\}|\$\{.*\}) tests?\b|Tests:\s+\d+ passed|\b\d+ passed(?:;| in |, \d)|",
            r"\b\d+ (?:passing|failing)\b|--- PASS: |TAP version 1|^\s*1\.\.\d+|[\x22'`]\s*(?:not )?ok \d+ - "
        ))
    });
    SUMMARY.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passed, failed, skipped.
    type Counts = Option<(u64, u64, u64)>;

    fn of(output: &str) -> Counts {
        count(output).map(|counts| (counts.passed, counts.failed, counts.skipped))
    }

    #[test]
    fn the_summaries_of_common_runners_are_read() {
        let cases: &[(&str, Counts)] = &[
            ("everything is fine\n", None),
            ("ok 1 - adds\n# tests 5\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 1\n", Some((2, 1, 2))),
            ("ok 1 - /w/test/empty.test.js\n# tests 1\n# pass 1\n# fail 0\n", Some((0, 0, 0))),
            ("✔ test/empty.test.js (31.2ms)\nℹ tests 3\nℹ pass 3\nℹ fail 0\n", Some((2, 0, 0))),
            ("\u{1b}[1mTests:\u{1b}[22m       1 failed, 2 skipped, 10 passed, 13 total\n", Some((10, 1, 2))),
            (" Test Files  1 passed (1)\n      Tests  2 failed | 10 passed | 1 todo (13)\n", Some((10, 2, 1))),
            ("  12 passing (5ms)\n  1 pending\n  2 failing\n", Some((12, 2, 1))),
            ("Ran 12 tests in 0.001s\n\nOK (skipped=2, expected failures=1)\n", Some((9, 0, 3))),
            ("Ran 3 tests in 0.001s\n\nFAILED (failures=1, errors=1)\n", Some((1, 2, 0))),
            ("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", Some((0, 0, 0))),
            ("===== 3 passed, 1 failed, 2 xfailed, 5 deselected, 1 warning in 0.10s =====\n", Some((3, 1, 2))),
            ("no tests ran in 0.01s\n", Some((0, 0, 0))),
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                 test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
                Some((4, 1, 1)),
            ),
            ("     Summary [   0.1s] 10 tests run: 9 passed, 1 failed, 2 skipped\n", Some((9, 1, 2))),
            ("ok  \tx/a\t0.1s\nok  \tx/b\t(cached) [no tests to run]\nFAIL\tx/c\t0.2s\n", Some((1, 1, 0))),
            ("--- PASS: TestA (0.00s)\n--- SKIP: TestB (0.00s)\nok  \tx/a\t0.1s\n", Some((1, 0, 1))),
            (
                "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s - in A\n\
                 [INFO] Tests run: 7, Failures: 1, Errors: 1, Skipped: 2\n",
                Some((3, 2, 2)),
            ),
            ("12 examples, 1 failure, 2 pending\n", Some((9, 1, 2))),
            ("OK (12 tests, 24 assertions)\n", Some((12, 0, 0))),
        ];
        for (output, expected) in cases {
            assert_eq!(of(output), *expected, "{output}");
        }
    }

    #[test]
    fn source_that_prints_a_summary_is_recognised() {
        for line in [
            "console.log('# pass 12')",
            r"console.log(`# tests ${n}`)",
            r#"print("Ran 4 tests in 0.001s")"#,
            r#"println!("test result: ok. 3 passed; 0 failed");"#,
            "process.stdout.write('ok 1 - adds\\n')",
            "print('3 passed in 0.01s')",
        ] {
            assert!(imitates(line), "{line}");
        }
        for line in ["the check passed", "# passwords are hashed", "tests run on CI", "# testing notes", "Run 3 tests"]
        {
            assert!(!imitates(line), "{line}");
        }
    }
}
