//! Files that decide which tests run, and how.

use std::sync::LazyLock;

use camino::Utf8Path;
use regex::Regex;
use serde_json::Value;

use crate::gates::counts::pattern;
use crate::gates::language::{Language, is_with_tests};

/// Parts of `package.json` besides `scripts` that reach tests: runners' configuration, and what modules are.
const NPM_KEYS: &[&str] = &[
    "jest",
    "vitest",
    "mocha",
    "ava",
    "tap",
    "nyc",
    "c8",
    "babel",
    "imports",
    "exports",
    "type",
    "workspaces",
    "config",
    "packageManager",
];
/// Tables of `pyproject.toml` that reach tests.
const PYTHON_TABLES: &[&[&str]] = &[
    &["tool", "pytest"],
    &["tool", "coverage"],
    &["tool", "tox"],
    &["tool", "nox"],
    &["tool", "hatch"],
    &["tool", "pdm", "scripts"],
    &["tool", "poe"],
    &["tool", "setuptools"],
    &["build-system"],
    &["project", "entry-points"],
];
/// Tables of `Cargo.toml` that reach tests.
const CARGO_TABLES: &[&[&str]] = &[
    &["lib"],
    &["test"],
    &["bin"],
    &["example"],
    &["bench"],
    &["profile"],
    &["features"],
    &["patch"],
    &["workspace", "members"],
    &["workspace", "exclude"],
    &["workspace", "default-members"],
    &["package", "autotests"],
    &["package", "autobins"],
    &["package", "build"],
    &["package", "edition"],
    &["package", "default-run"],
    &["lints"],
];

/// What is different in a file that decides how tests run; `None`: it is no such file, or nothing of that is different.
/// `base`, `changed`: `None` where the file does not exist.
pub(super) fn difference(path: &str, base: Option<&str>, changed: Option<&str>, commands: &[&str]) -> Option<String> {
    static ALWAYS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?i)^(?:conftest\.py|pytest\.ini|\.?tox\.ini|noxfile\.py|sitecustomize\.py|usercustomize\.py|.*\.pth|",
            r"manage\.py|\.coveragerc|makefile|gnumakefile|.*\.mk|justfile|taskfile\.ya?ml|rakefile|build\.rs|",
            r"(?:jest|vitest|vite|karma|playwright|cypress|ava|wdio|nightwatch|rollup|webpack|esbuild|babel)\.(?:config|conf|setup|workspace)\..*|",
            r"\.mocharc.*|\.taprc|\.nycrc.*|\.c8rc.*|\.babelrc.*|\.swcrc|\.npmrc|\.yarnrc.*|\.pnp\..*|\.node-version|\.nvmrc|",
            r"jest\.setup\..*|(?:test[-_.]?)?setup[-_.]?tests?\..*|rust-toolchain(?:\.toml)?|\.pi-tickets\.toml|gradle\.properties|build\.gradle.*|pom\.xml|phpunit\.xml.*|\.rspec|",
            r"(?:unittest|pytest|_pytest|doctest)(?:\.py)?)$"
        ))
    });
    let name = Utf8Path::new(path).file_name().unwrap_or(path);
    if base == changed {
        return None;
    }
    match name {
        "package.json" => return npm(base, changed),
        "pyproject.toml" => return toml_tables(base, changed, PYTHON_TABLES),
        "Cargo.toml" => return toml_tables(base, changed, CARGO_TABLES),
        "setup.cfg" => return setup_cfg(base, changed),
        _ => {}
    }
    let shadows = Utf8Path::new(path).components().any(|part| {
        matches!(
            part.as_str(),
            "node_modules" | "unittest" | "pytest" | "_pytest" | "site-packages" | "target" | ".cargo" | ".venv"
        )
    });
    // Python runs it before any test below.
    let package = name == "__init__.py" && is_with_tests(path) && changed.is_some_and(has_code);
    let named = is_script(path) && commands.iter().any(|command| mentions(command, path));
    (ALWAYS.is_match(name) || shadows || package || named).then(|| match (base, changed) {
        (None, _) => "is new and decides how tests run".to_owned(),
        (_, None) => "decides how tests run and is deleted".to_owned(),
        _ if named => "is run by a gate and is different".to_owned(),
        _ => "decides how tests run and is different".to_owned(),
    })
}

fn has_code(text: &str) -> bool {
    text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// Whether a file that a command names decides about the command: no part of the program, and no test.
fn is_script(path: &str) -> bool {
    let path = Utf8Path::new(path);
    match Language::of(path.as_str()) {
        Some(_) => {
            let program = |part: &str| matches!(part, "src" | "lib" | "app" | "pkg" | "internal");
            !is_with_tests(path.as_str()) && !path.components().any(|part| program(part.as_str()))
        }
        None => matches!(path.extension(), Some("sh" | "bash" | "zsh" | "rb" | "pl" | "mk" | "bats")),
    }
}

/// Whether a command line names this file.
fn mentions(command: &str, path: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || "'\"=;&|()<>".contains(c));
    words.map(|word| word.strip_prefix("./").unwrap_or(word)).any(|word| word == path)
}

fn npm(base: Option<&str>, changed: Option<&str>) -> Option<String> {
    let read = |text: Option<&str>| serde_json::from_str::<Value>(text.unwrap_or("{}")).ok();
    let (Some(base), Some(changed)) = (read(base), read(changed)) else {
        return Some("cannot be read as JSON".to_owned());
    };
    let mut different: Vec<String> = Vec::new();
    let empty = serde_json::Map::new();
    let scripts = |value: &Value| value.get("scripts").and_then(Value::as_object).cloned();
    let (old, new) = (scripts(&base).unwrap_or(empty.clone()), scripts(&changed).unwrap_or(empty));
    // A new script that is none of npm's hooks runs only if somebody calls it.
    for (name, command) in &new {
        let hook = name.starts_with("pre")
            || name.starts_with("post")
            || matches!(name.as_str(), "test" | "install" | "prepare");
        if old.get(name).map_or(hook, |before| before != command) {
            different.push(format!("scripts.{name}"));
        }
    }
    different.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("scripts.{name}")));
    let keys = NPM_KEYS.iter().filter(|key| base.get(**key) != changed.get(**key));
    different.extend(keys.map(|key| (*key).to_owned()));
    told(&different)
}

fn toml_tables(base: Option<&str>, changed: Option<&str>, tables: &[&[&str]]) -> Option<String> {
    let read = |text: Option<&str>| text.unwrap_or_default().parse::<toml::Table>().ok();
    let (Some(base), Some(changed)) = (read(base), read(changed)) else {
        return Some("cannot be read as TOML".to_owned());
    };
    let at = |table: &toml::Table, path: &[&str]| {
        let (name, above) = path.split_last()?;
        above.iter().try_fold(table, |table, key| table.get(*key)?.as_table())?.get(*name).cloned()
    };
    let different: Vec<String> =
        tables.iter().filter(|path| at(&base, path) != at(&changed, path)).map(|path| path.join(".")).collect();
    told(&different)
}

fn setup_cfg(base: Option<&str>, changed: Option<&str>) -> Option<String> {
    let sections = |text: Option<&str>| {
        let mut wanted = false;
        let lines = text.unwrap_or_default().lines().filter(|line| {
            if line.starts_with('[') {
                wanted = ["pytest", "coverage", "tox", "aliases", "unittest"].iter().any(|name| line.contains(name));
            }
            wanted && !line.trim().is_empty()
        });
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    (sections(base) != sections(changed)).then(|| "changes how tests run".to_owned())
}

fn told(different: &[String]) -> Option<String> {
    (!different.is_empty()).then(|| format!("changes how tests run: {}", different.join(", ")))
}

/// Whether a path holds recorded expectations.
pub(super) fn is_snapshot(path: &str) -> bool {
    static SNAPSHOT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:^|/)__snapshots__/|\.snap$|\.snapshot$|\.ambr$|\.golden$|\.approved\.\w+$|(?:^|/)(?:golden|goldens|expected|snapshots)/",
        )
    });
    SNAPSHOT.is_match(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_tests_is_told_and_nothing_else() {
        let package = |scripts: &str, more: &str| format!(r#"{{"name":"a","scripts":{{{scripts}}}{more}}}"#);
        let base = package(r#""test":"node --test""#, "");
        for (changed, expected) in [
            (package(r#""test":"exit 0""#, ""), Some("changes how tests run: scripts.test")),
            (package("", ""), Some("changes how tests run: scripts.test")),
            (
                package(r#""test":"node --test","pretest":"rm -r test""#, ""),
                Some("changes how tests run: scripts.pretest"),
            ),
            (package(r#""test":"node --test""#, r#","jest":{"testMatch":[]}"#), Some("changes how tests run: jest")),
            (package(r#""test":"node --test","build":"tsc""#, r#","dependencies":{"x":"1"}"#), None),
            ("{".to_owned(), Some("cannot be read as JSON")),
        ] {
            assert_eq!(difference("package.json", Some(&base), Some(&changed), &[]).as_deref(), expected, "{changed}");
        }
        let cargo = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n";
        assert_eq!(difference("Cargo.toml", Some(cargo), Some(&cargo.replace("b =", "c =")), &[]), None);
        let harness = format!("{cargo}[[test]]\nname = \"it\"\nharness = false\n");
        assert!(difference("Cargo.toml", Some(cargo), Some(&harness), &[]).unwrap().contains("test"));
        assert!(
            difference("pyproject.toml", Some(""), Some("[tool.pytest.ini_options]\naddopts = '-k x'"), &[]).is_some()
        );
        assert_eq!(difference("setup.cfg", Some("[metadata]\nname=a"), Some("[metadata]\nname=b"), &[]), None);
    }

    #[test]
    fn files_are_known_by_name_place_or_command() {
        for path in
            ["tests/conftest.py", "jest.config.ts", "Makefile", "build.rs", "node_modules/x/index.js", "unittest.py"]
        {
            assert!(difference(path, None, Some("x"), &[]).is_some(), "{path}");
        }
        assert!(difference("ci/check.sh", Some("a"), Some("b"), &["sh ./ci/check.sh --all"]).is_some());
        assert_eq!(difference("ci/check.sh", Some("a"), Some("b"), &["npm test"]), None);
        assert_eq!(difference("tests/__init__.py", None, Some("# tests\n"), &[]), None);
        assert!(difference("tests/__init__.py", Some(""), Some("import unittest"), &[]).is_some());
        assert_eq!(difference("src/__init__.py", Some(""), Some("from .a import b"), &[]), None);
    }
}
