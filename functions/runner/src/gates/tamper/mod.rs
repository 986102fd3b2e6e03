//! The tamper check: what the SPEC allowed to change, compared with the base, with an eye for tests that check less.
//!
//! Nothing here runs code or blocks. It reads texts and points at what a person should look at before the merge.

mod code;
mod infrastructure;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use domain::qa::evidence::MAX_FINDINGS;
use domain::qa::{Finding, FindingKind};

use self::rules::{RULES, Scope, grammar};
use super::counts::imitates;
use super::language::{Language, is_test_file, is_with_tests};

/// Names that one finding lists.
const MAX_NAMES: usize = 8;

/// A changed file as text; `None` where it does not exist. What is no text has empty texts that differ in nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedText {
    /// Where.
    pub path: String,
    /// At the base commit.
    pub base: Option<String>,
    /// After the change.
    pub changed: Option<String>,
}

/// Compares all changed files. `commands` are the gates'.
pub fn check(files: &[ChangedText], commands: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let (base, changed) = (file.base.as_deref(), file.changed.as_deref());
        if let Some(what) = infrastructure::difference(&file.path, base, changed, commands) {
            findings.push(finding(FindingKind::TestInfrastructure, &file.path, format!("`{}` {what}", file.path)));
        }
        if let (true, Some(base)) = (infrastructure::is_snapshot(&file.path), base)
            && changed.is_none_or(|changed| loses_lines(base, changed))
        {
            let message = format!("`{}` holds recorded expectations, and some of them are different now", file.path);
            findings.push(finding(FindingKind::SnapshotsChanged, &file.path, message));
        }
        signs(file, &mut findings);
    }
    lost_tests(files, &mut findings);
    // What moved to a new test file is not lost.
    let moved: String = files
        .iter()
        .filter(|file| file.base.is_none() && is_with_tests(&file.path))
        .filter_map(|file| Some(code::live(file.changed.as_deref()?, Language::of(&file.path)?)))
        .collect();
    for file in files {
        edited_tests(file, &moved, &mut findings);
    }
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
    findings
}

fn finding(kind: FindingKind, subject: &str, message: String) -> Finding {
    Finding { kind, subject: subject.to_owned(), message }
}

/// Whether the base has a line, counted, that the change has not.
fn loses_lines(base: &str, changed: &str) -> bool {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in changed.lines() {
        *left.entry(line.trim()).or_default() += 1;
    }
    base.lines().map(str::trim).filter(|line| !line.is_empty()).any(|line| match left.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    })
}

/// Patterns of which the change has more than the base.
fn signs(file: &ChangedText, findings: &mut Vec<Finding>) {
    let (Some(language), Some(changed)) = (Language::of(&file.path), file.changed.as_deref()) else { return };
    let base = file.base.as_deref().unwrap_or_default();
    let test = is_test_file(&file.path, changed) || is_test_file(&file.path, base);
    // Rust's unit tests stand in source files.
    let source = !test || language == Language::Rust;
    let (old, new) = (code::live(base, language), code::live(changed, language));
    for rule in RULES.iter().filter(|rule| rule.language == language) {
        let here = match rule.scope {
            Scope::Tests => test,
            Scope::Sources => source,
            Scope::Everywhere => true,
        };
        if here && rule.sign.find_iter(&new).count() > rule.sign.find_iter(&old).count() {
            findings.push(finding(rule.kind, &file.path, format!("this change {}: `{}`", rule.words, file.path)));
        }
    }
    if is_with_tests(&file.path) && replacements(&new, language) > replacements(&old, language) {
        let message = format!("`{}` gives a new meaning to something that it imports", file.path);
        findings.push(finding(FindingKind::TestsEdited, &file.path, message));
    }
    let prints = |text: &str| text.lines().filter(|line| imitates(line)).count();
    if prints(&new) > prints(&old) {
        let message = format!("`{}` holds text such as a test runner prints as its result", file.path);
        findings.push(finding(FindingKind::ImitatesResults, &file.path, message));
    }
}

/// How often a test file gives a new meaning to a name that it imports.
fn replacements(live: &str, language: Language) -> usize {
    let Some(imports) = rules::imports(language) else { return 0 };
    let lists = imports.captures_iter(live).flat_map(|found| {
        let lists: Vec<String> = found.iter().skip(1).flatten().map(|list| list.as_str().to_owned()).collect();
        lists
    });
    let names: BTreeSet<String> = lists
        .flat_map(|list| {
            list.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|name| !name.is_empty())
        .collect();
    let meaning = |line: &str| {
        let line = line.trim_start();
        let (line, defined) = match line.strip_prefix("def ").or_else(|| line.strip_prefix("class ")) {
            Some(line) => (line, true),
            None => (line, false),
        };
        let end = line.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let target = rest.split('=').next().unwrap_or_default();
        let assigned = rest.len() > target.len() && !rest[target.len()..].starts_with("==");
        let path = target.trim_end().chars().all(|c| c.is_alphanumeric() || "._".contains(c));
        let property = target.starts_with('.') || language == Language::Python;
        names.contains(name) && (defined || assigned && path && property && !target.ends_with(['!', '<', '>']))
    };
    live.lines().filter(|line| meaning(line)).count()
}

/// A file's tests: name, and number of checks. Tests without a literal name have an empty one.
fn tests(text: &str, language: Language) -> Vec<(String, usize)> {
    count_in_tests(text, language, &grammar(language).check)
}

/// A file's tests, and how often a pattern is found in each.
fn count_in_tests(text: &str, language: Language, wanted: &regex::Regex) -> Vec<(String, usize)> {
    let (live, grammar) = (code::live(text, language), grammar(language));
    let found: Vec<_> = grammar.test.captures_iter(&live).collect();
    let starts: Vec<usize> = found.iter().filter_map(|test| test.get(0)).map(|test| test.start()).collect();
    found
        .iter()
        .enumerate()
        .map(|(n, test)| {
            let name = test.iter().skip(1).flatten().next().map_or("", |name| name.as_str());
            let (start, end) = (starts[n], starts.get(n + 1).copied().unwrap_or(live.len()));
            (name.to_owned(), wanted.find_iter(&live[start..end]).count())
        })
        .collect()
}

/// Tests that are gone or check less, in all files that are not deleted as a whole: what the SPEC deletes, it deletes.
fn lost_tests(files: &[ChangedText], findings: &mut Vec<Finding>) {
    let mut now: BTreeSet<String> = BTreeSet::new();
    let mut before = Vec::new();
    for file in files {
        let Some(language) = Language::of(&file.path) else { continue };
        let new = file.changed.as_deref().map_or_else(Vec::new, |text| tests(text, language));
        now.extend(new.iter().map(|(name, _)| name.clone()));
        if let (Some(base), Some(_)) = (&file.base, &file.changed) {
            before.push((file, tests(base, language), new, checks(base, language), checks_now(file, language)));
        }
    }
    for (file, old, new, old_checks, new_checks) in before {
        let gone: Vec<&str> =
            old.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty() && !now.contains(*name)).collect();
        let moved = old.iter().any(|(name, _)| !new.iter().any(|(other, _)| other == name) && now.contains(name));
        if !gone.is_empty() {
            let message = format!("`{}` lost or renamed tests: {}", file.path, names(&gone));
            findings.push(finding(FindingKind::TestsRemoved, &file.path, message));
        } else if new.len() < old.len() && !moved {
            let message = format!("`{}` has {} tests and had {}", file.path, new.len(), old.len());
            findings.push(finding(FindingKind::TestsRemoved, &file.path, message));
        }
        let weaker: Vec<&str> = old
            .iter()
            .filter(|(name, checks)| {
                // The same name more than once: the strongest counts.
                let still = new.iter().filter(|(other, _)| other == name).map(|(_, checks)| *checks).max();
                !name.is_empty() && still.is_some_and(|still| still < *checks)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if !weaker.is_empty() {
            let message = format!("`{}` has tests with fewer checks than before: {}", file.path, names(&weaker));
            findings.push(finding(FindingKind::AssertionsRemoved, &file.path, message));
        } else if counts_checks(file) && new_checks < old_checks && !moved {
            let message = format!("`{}` has {new_checks} checks and had {old_checks}", file.path);
            findings.push(finding(FindingKind::AssertionsRemoved, &file.path, message));
        }
    }
}

/// Lines of tests that are not there any more, where nothing worse was found: expectations, data, helpers.
fn edited_tests(file: &ChangedText, moved: &str, findings: &mut Vec<Finding>) {
    let (Some(base), Some(changed)) = (&file.base, &file.changed) else { return };
    let worse = |finding: &Finding| {
        use FindingKind::{AssertionsRemoved, SnapshotsChanged, TestInfrastructure, TestsRemoved};
        finding.subject == file.path
            && matches!(finding.kind, AssertionsRemoved | SnapshotsChanged | TestInfrastructure | TestsRemoved)
    };
    if findings.iter().any(worse) || !(is_with_tests(&file.path) || is_test_file(&file.path, base)) {
        return;
    }
    let (old, new) = match Language::of(&file.path) {
        Some(language) => (code::live(base, language), code::live(changed, language)),
        None => (base.clone(), changed.clone()),
    };
    // In a source file with tests, those begin here.
    let tests = |text: &str| match text.find("#[cfg(test)]") {
        Some(at) if !is_with_tests(&file.path) => text[at..].to_owned(),
        _ => text.to_owned(),
    };
    let stands_in = Language::of(&file.path).is_some_and(|language| {
        let count = |text: &str| count_in_tests(text, language, &rules::STAND_INS);
        let before: BTreeMap<String, usize> = count(base).into_iter().collect();
        count(changed).iter().any(|(name, now)| before.get(name).is_some_and(|before| now > before))
    });
    if stands_in {
        let message = format!("`{}` puts stand-ins into tests that were there before", file.path);
        findings.push(finding(FindingKind::TestsEdited, &file.path, message));
    }
    if loses_lines(&tests(&old), &format!("{}\n{moved}", tests(&new))) {
        let message = format!("`{}` changes lines of tests that were there before", file.path);
        findings.push(finding(FindingKind::TestsEdited, &file.path, message));
    }
}

fn checks(text: &str, language: Language) -> usize {
    grammar(language).check.find_iter(&code::live(text, language)).count()
}

/// Whether the number of checks says something: in tests and their helpers.
fn counts_checks(file: &ChangedText) -> bool {
    is_with_tests(&file.path) || is_test_file(&file.path, file.base.as_deref().unwrap_or_default())
}

fn checks_now(file: &ChangedText, language: Language) -> usize {
    file.changed.as_deref().map_or(0, |text| checks(text, language))
}

fn names(names: &[&str]) -> String {
    let shown =
        names.iter().take(MAX_NAMES).map(|name| domain::text::one_line(name, 80)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests_of_the_check {
    use super::*;
    use FindingKind::{
        AssertionsRemoved, DetectsTests, EndsProcess, ImitatesResults, SnapshotsChanged, TestsEdited, TestsRemoved,
        TestsSkipped, TouchesTestFramework, TrivialAssertions,
    };

    fn kinds(path: &str, base: &str, changed: &str) -> Vec<FindingKind> {
        let file =
            ChangedText { path: path.to_owned(), base: Some(base.to_owned()), changed: Some(changed.to_owned()) };
        check(&[file], &[]).into_iter().map(|finding| finding.kind).collect()
    }

    const JS: &str = "test('adds', () => {\n  assert.equal(add(1, 2), 3);\n  assert.equal(add(0, 0), 0);\n});\n\
                      test('negates', () => {\n  assert.equal(add(-1, -2), -3);\n});\n";

    #[test]
    fn weaker_tests_are_found() {
        let of = |from: &str, to: &str| kinds("test/a.test.js", JS, &JS.replace(from, to));
        assert_eq!(of("", ""), []);
        assert_eq!(of("  assert.equal(add(0, 0), 0);\n", ""), [AssertionsRemoved]);
        assert_eq!(of("  assert.equal(add(0, 0), 0);\n", "  // assert.equal(add(0, 0), 0);\n"), [AssertionsRemoved]);
        assert_eq!(of("test('negates'", "test.skip('negates'"), [TestsSkipped, TestsRemoved]);
        assert_eq!(of("'negates'", "'other'"), [TestsRemoved]);
        assert_eq!(of("add(0, 0), 0", "0, 0"), [TrivialAssertions, TestsEdited]);
        assert_eq!(of("add(0, 0), 0", "add(0, 0), 1"), [TestsEdited]);
        assert_eq!(of("test('negates'", "/* test('negates'"), [TestsRemoved, AssertionsRemoved]);
        assert_eq!(kinds("test/a.test.js", JS, ""), [TestsRemoved, AssertionsRemoved]);
        assert_eq!(
            kinds("test/a.test.js", JS, &format!("{JS}test('more', () => {{\n  assert.ok(add(2, 2) > 3);\n}});\n")),
            []
        );
    }

    #[test]
    fn a_test_that_moves_to_another_changed_file_is_not_lost() {
        let (one, two) = JS.split_at(JS.find("test('negates'").unwrap());
        let file = |path: &str, base: Option<&str>, changed: &str| ChangedText {
            path: path.to_owned(),
            base: base.map(str::to_owned),
            changed: Some(changed.to_owned()),
        };
        assert_eq!(check(&[file("test/a.test.js", Some(JS), one), file("test/b.test.js", None, two)], &[]), []);
    }

    #[test]
    fn signs_in_sources_are_found() {
        for (path, line, kind) in [
            ("src/a.js", "process.exit(0);", EndsProcess),
            ("src/a.js", "require('node:assert').strictEqual = () => {};", TouchesTestFramework),
            ("src/a.js", "if (process.env.NODE_TEST_CONTEXT) return 3;", DetectsTests),
            ("src/a.js", "console.log('# pass 12');", ImitatesResults),
            ("src/a.py", "import os; os._exit(0)", EndsProcess),
            ("src/a.py", "import unittest", TouchesTestFramework),
            ("src/lib.rs", "fn f() { std::process::exit(0) }", EndsProcess),
        ] {
            let changed = kinds(path, "", line);
            assert!(changed.contains(&kind), "{line}: {changed:?}");
            assert_eq!(kinds(path, line, &format!("{line}\n")), [], "{line}: it was there before");
        }
        assert_eq!(kinds("src/cli.js", "", "process.exit(main());\nprocess.exitCode = 1;\n"), []);
        assert_eq!(kinds("src/cli.py", "", "import sys\nsys.exit(main())\n"), []);
    }

    #[test]
    fn snapshots_may_grow() {
        assert_eq!(kinds("__snapshots__/a.snap", "one\n", "one\ntwo\n"), []);
        assert_eq!(kinds("__snapshots__/a.snap", "one\n", "two\n"), [SnapshotsChanged]);
    }
}
