//! What a path is by the conventions of its language.

use std::sync::LazyLock;

use camino::Utf8Path;
use regex::Regex;

use super::counts::pattern;

/// A language whose tests are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// JavaScript and TypeScript.
    JavaScript,
    /// Python.
    Python,
    /// Rust.
    Rust,
    /// Go.
    Go,
}

impl Language {
    /// By the path's extension.
    pub fn of(path: &str) -> Option<Self> {
        match Utf8Path::new(path).extension()? {
            "js" | "cjs" | "mjs" | "jsx" | "ts" | "cts" | "mts" | "tsx" => Some(Self::JavaScript),
            "py" => Some(Self::Python),
            "rs" => Some(Self::Rust),
            "go" => Some(Self::Go),
            _ => None,
        }
    }
}

/// Folders whose files belong to tests, in any language.
const TEST_FOLDERS: &[&str] = &["test", "tests", "__tests__", "spec", "specs", "testing", "e2e", "testdata"];

/// Whether a path lies with the tests: a test file, a helper or data of one.
pub fn is_with_tests(path: &str) -> bool {
    let folders = Utf8Path::new(path).parent().map(Utf8Path::components).into_iter().flatten();
    folders.into_iter().any(|part| TEST_FOLDERS.contains(&part.as_str())) || is_test_name(path)
}

/// Whether a file holds tests, by its path; for Rust's unit tests, by its content.
pub fn is_test_file(path: &str, content: &str) -> bool {
    match Language::of(path) {
        None => false,
        Some(Language::Rust) => {
            content.contains("#[test]") || content.contains("::test]") || content.contains("#[rstest")
        }
        Some(Language::Go) => is_test_name(path),
        Some(Language::JavaScript) => is_test_name(path) || is_with_tests(path) && JS_TEST.is_match(content),
        Some(Language::Python) => is_test_name(path) || is_with_tests(path) && PYTHON_TEST.is_match(content),
    }
}

static JS_TEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:test|it|describe)(?:\.\w+)*\s*\("));
static PYTHON_TEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^\s*(?:async )?def test|\bTestCase\b"));
static TEST_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[._-])(?:test|tests|spec)\.[cm]?[jt]sx?$|^test[-_.].*\.[cm]?[jt]sx?$|^test.*\.py$|_tests?\.py$|_test\.go$",
    )
});

fn is_test_name(path: &str) -> bool {
    Utf8Path::new(path).file_name().is_some_and(|name| TEST_NAME.is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_recognised_by_convention() {
        for path in ["sum.test.js", "src/a.spec.tsx", "test-sum.mjs", "test_sum.py", "pkg/sum_test.py", "x_test.go"] {
            assert!(is_test_file(path, ""), "{path}");
        }
        assert!(is_test_file("test/sum.js", "test('adds', () => {})"));
        assert!(is_test_file("src/lib.rs", "#[cfg(test)]\nmod tests { #[test]\nfn a() {} }"));
        assert!(!is_test_file("test/helper.js", "module.exports = 1"));
        for path in ["src/latest.js", "src/contest.py", "src/lib.rs", "attest.go", "README.md"] {
            assert!(!is_test_file(path, "") && !is_with_tests(path), "{path}");
        }
        assert!(is_with_tests("tests/data/input.json") && is_with_tests("src/__tests__/x.snap"));
    }
}
