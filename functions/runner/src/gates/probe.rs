//! Planted failures: does a gate still notice when a test fails?
//!
//! Counts and exit codes come out of processes in which the change's code runs too, and that code can end them, replace
//! the framework's functions, or print what it likes. So failing tests are put at the end of test files, first at the
//! base commit, where we learn which of them the gate notices, then on base + change. A file whose failure was noticed
//! and no longer is has become deaf. Names and messages have a part that is chosen at random for each run, and messages
//! are put together only when the test fails, so that neither a listing nor source lines in the output count.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use camino::Utf8Path;
use regex::Regex;

use super::counts::pattern;
use super::language::Language;

/// Most files with planted failures: each prints a stack trace or two.
pub const MAX_FILES: usize = 30;

/// One round of planted failures.
#[derive(Debug)]
pub struct Probes {
    nonce: String,
    files: Vec<String>,
}

/// A planted failure: the file's place in the list, and which of its failures.
pub type Failure = (usize, usize);

impl Probes {
    /// Failures for these files.
    pub fn new(nonce: String, mut files: Vec<String>) -> Self {
        files.truncate(MAX_FILES);
        Self { nonce, files }
    }

    /// The files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The file with its failures at the end. `None`: nothing is known about its language.
    pub fn plant(&self, file: usize, text: &str) -> Option<String> {
        let path = self.files.get(file)?;
        let plant = Plant { nonce: &self.nonce, file };
        Some(match Language::of(path)? {
            Language::JavaScript => plant.javascript(path, text),
            Language::Python => plant.python(text),
            Language::Rust => plant.rust(text),
            Language::Go => plant.go(text),
        })
    }

    /// The failures that an output shows.
    pub fn noticed(&self, output: &str) -> BTreeSet<Failure> {
        static MESSAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"planted-([0-9a-f]+)-(\d+)-(\d+)"));
        MESSAGE
            .captures_iter(output)
            .filter(|found| found[1] == self.nonce)
            .filter_map(|found| Some((found[2].parse().ok()?, found[3].parse().ok()?)))
            .filter(|(file, _)| *file < self.files.len())
            .collect()
    }
}

struct Plant<'a> {
    nonce: &'a str,
    file: usize,
}

impl Plant<'_> {
    /// The message of a failure as an expression; `list` is how the language writes and joins a list.
    fn message(&self, list: (&str, &str), failure: usize) -> String {
        let (before, after) = list;
        format!("{before}\"planted\", \"{}\", \"{}\", \"{failure}\"{after}", self.nonce, self.file)
    }

    fn javascript(&self, path: &str, text: &str) -> String {
        static MODULE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^\s*(?:import[\s{*\x22']|export\s)"));
        let module = matches!(Utf8Path::new(path).extension(), Some("mjs" | "mts")) || MODULE.is_match(text);
        let id = format!("planted_{}_{}", self.nonce, self.file);
        let take = |name: &str, from: &str| match (module, name) {
            (true, "default") => format!("import {id}_{} from '{from}';\n", identifier(from)),
            (true, _) => format!("import {{ {name} as {id}_{name} }} from '{from}';\n"),
            (false, "default") => format!("const {id}_{} = require('{from}');\n", identifier(from)),
            (false, _) => format!("const {{ {name}: {id}_{name} }} = require('{from}');\n"),
        };
        let message = |failure| self.message(("[", "].join('-')"), failure);
        let asserts = ["node:assert", "node:assert/strict"];
        let with_asserts = |first: usize| {
            let calls = ["equal(1, 2, ", "strictEqual(1, 2, ", "deepEqual([1], [2], ", "ok(false, "];
            let names = asserts.iter().flat_map(|from| calls.map(|call| format!("{id}_{}.{call}", identifier(from))));
            names.enumerate().map(|(n, call)| format!("{call}{})", message(first + n))).collect::<Vec<_>>()
        };
        let with_expect = |expect: &str, first: usize| {
            let calls = ["toBe('')", "toEqual('')", "toBeFalsy()"];
            let calls = calls.iter().enumerate();
            calls.map(|(n, call)| format!("{expect}({}).{call}", message(first + n))).collect::<Vec<_>>()
        };
        let raise = format!("throw new Error({})", message(0));
        let (prelude, test, checks) = if text.contains("node:test") {
            let prelude =
                [take("test", "node:test"), take("default", asserts[0]), take("default", asserts[1])].concat();
            (prelude, format!("{id}_test"), with_asserts(1))
        } else if text.contains("'vitest'") || text.contains("\"vitest\"") {
            let prelude = [take("test", "vitest"), take("expect", "vitest")].concat();
            (prelude, format!("{id}_test"), with_expect(&format!("{id}_expect"), 1))
        } else {
            let expect = "(globalThis.expect ?? ((found) => { throw new Error(found); }))";
            (String::new(), "(globalThis.test ?? globalThis.it)".to_owned(), with_expect(expect, 1))
        };
        let test = |(n, check)| format!("{test}('{id} {n}', () => {{ {check}; }});\n");
        let tests: String = std::iter::once(raise).chain(checks).enumerate().map(test).collect();
        format!("{text}\n;\n{prelude}{tests}")
    }

    fn python(&self, text: &str) -> String {
        static MAIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^if __name__ ==|^unittest\.main\("));
        let message = |failure| self.message(("\"-\".join([", "])"), failure);
        let id = format!("Planted_{}_{}", self.nonce, self.file);
        let checks = [
            format!("raise RuntimeError({})", message(0)),
            format!("self.assertEqual(1, 2, {})", message(1)),
            format!("self.assertTrue(False, {})", message(2)),
            format!("self.assertIn(1, [], {})", message(3)),
            format!("assert 1 == 2, {}", message(4)),
        ];
        let test = |(n, check): (usize, &String)| format!("    def test_{n}(self):\n        {check}\n\n");
        let tests: String = checks.iter().enumerate().map(test).collect();
        let planted =
            format!("\n\nimport unittest as {id}_unittest\n\n\nclass {id}({id}_unittest.TestCase):\n{tests}\n");
        let at = MAIN.find(text).map_or(text.len(), |found| found.start());
        let (before, after) = text.split_at(at);
        format!("{before}{planted}{after}")
    }

    fn rust(&self, text: &str) -> String {
        let message = |failure| self.message(("[", "].join(\"-\")"), failure);
        format!(
            "{text}\n#[cfg(test)]\nmod planted_{}_{} {{\n    #[test]\n    fn a() {{\n        panic!(\"{{}}\", {});\n    }}\n\n    \
             #[test]\n    fn b() {{\n        assert_eq!(1, 2, \"{{}}\", {});\n    }}\n}}\n",
            self.nonce,
            self.file,
            message(0),
            message(1)
        )
    }

    fn go(&self, text: &str) -> String {
        format!(
            "{text}\nfunc TestPlanted_{}_{}(t *testing.T) {{\n\tparts := []string{{{}}}\n\t\
             t.Fatal(parts[0] + \"-\" + parts[1] + \"-\" + parts[2] + \"-\" + parts[3])\n}}\n",
            self.nonce,
            self.file,
            self.message(("", ""), 0)
        )
    }
}

fn identifier(module: &str) -> String {
    module.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(files: &[&str]) -> Probes {
        Probes::new("0123abcd".to_owned(), files.iter().map(|file| (*file).to_owned()).collect())
    }

    #[test]
    fn no_message_stands_in_the_planted_text() {
        let probes = probes(&["a.test.js", "a.test.mjs", "b.test.ts", "test_a.py", "tests/a.rs", "a_test.go", "a.txt"]);
        for file in 0..6 {
            for text in ["", "import { test } from 'vitest'", "const test = require('node:test')"] {
                let planted = probes.plant(file, text).unwrap();
                assert!(planted.contains("0123abcd") && probes.noticed(&planted).is_empty(), "{planted}");
            }
        }
        assert_eq!(probes.plant(6, ""), None);
        assert_eq!(probes.plant(7, ""), None);
    }

    #[test]
    fn only_messages_of_this_round_count() {
        let probes = probes(&["a.test.js", "b.test.js"]);
        let output = "Error: planted-0123abcd-1-0\nplanted-0123abcd-7-0 planted-ffff-0-0 'planted-0123abcd-0-1'";
        assert_eq!(probes.noticed(output), [(1, 0), (0, 1)].into());
    }

    #[test]
    fn python_tests_that_run_themselves_are_planted_before_that() {
        let planted =
            probes(&["test_a.py"]).plant(0, "import unittest\nif __name__ == '__main__':\n    unittest.main()\n");
        let planted = planted.unwrap();
        assert!(planted.find("class Planted").unwrap() < planted.find("__main__").unwrap());
    }
}
