//! `cargo xtask test`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::HumanDuration;
use toolchain::{Component, Toolchain};

use crate::cargo::{TestTarget, Workspace};
use crate::cli::TestOptions;
use crate::{cargo, fuzz, lint, setup, ui};

/// Crates whose integration tests all need a local stack.
const STACK_CRATES: [&str; 2] = ["e2e", "stack"];

pub(crate) fn run(toolchain: &Toolchain, options: TestOptions) -> Result<ExitCode> {
    let start = Instant::now();
    let mut tools = vec![Component::NodeRuntime, Component::Pi, Component::NodeDev];
    if !options.fast {
        tools.extend([Component::Engine, Component::ApiFuzzer]);
    }
    setup::ensure(toolchain, &tools)?;
    ui::step("state machine");
    let mut good = lint::state_machine(toolchain).inspect_err(ui::error).is_ok();

    let root = toolchain.root();
    let selection = selection(&Workspace::read(root)?.tests, options);
    ui::step("building the tests");
    cargo::must(cargo::command(root).args(["test", "--workspace", "--locked", "--no-run"]).args(&selection))?;
    if !options.fast {
        // Local stacks start them; a test that finds them built is a test that is timed for what it does.
        ui::step("building the programs");
        cargo::must(cargo::command(root).args(["build", "--workspace", "--locked", "--bins"]))?;
    }
    let mut count = Count::default();
    ui::step("documentation tests");
    let mut docs = cargo::command(root);
    docs.args(["test", "--workspace", "--locked", "--doc", "--quiet", "--no-fail-fast"]);
    good &= count.run(&mut docs)?;
    ui::step("tests");
    if which::which("cargo-nextest").is_ok() {
        let mut tests = cargo::command(root);
        tests.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]).args(&selection);
        good &= tests.status().context("`cargo nextest` could not be started")?.success();
        ui::say(format_args!("and {count} in documentation"));
    } else {
        let mut tests = cargo::command(root);
        tests.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(&selection);
        good &= count.run(&mut tests)?;
        let took = HumanDuration(start.elapsed());
        ui::say(format_args!("tests: {count}, in {took}"));
    }
    if !options.fast {
        ui::step("fuzzing, shortly");
        good &= fuzz::short(toolchain).inspect_err(ui::error).unwrap_or(false);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The arguments that choose the targets, for `cargo test` and for `cargo nextest run`.
fn selection(tests: &[TestTarget], options: TestOptions) -> Vec<String> {
    let mut arguments = vec!["--lib".to_owned(), "--bins".to_owned()];
    for test in tests.iter().filter(|test| wanted(test, options)) {
        arguments.extend(["--test".to_owned(), test.name.clone()]);
    }
    arguments
}

fn wanted(test: &TestTarget, options: TestOptions) -> bool {
    let needs_browser = test.name.starts_with("browser_");
    let needs_stack = needs_browser || test.name.starts_with("local_") || STACK_CRATES.contains(&test.package.as_str());
    (options.browser || !needs_browser) && !(options.fast && needs_stack)
}

/// What the summaries of the test harness add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Count {
    /// Runs a test command, shows its output and adds up its summaries.
    fn run(&mut self, command: &mut Command) -> Result<bool> {
        let shown = cargo::shown(command);
        let mut child =
            command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{shown}` could not be started"))?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line.with_context(|| format!("reading the output of `{shown}`"))?;
                let line = String::from_utf8_lossy(&line);
                self.add(&line);
                ui::say(&line);
            }
        }
        let status = child.wait().with_context(|| format!("waiting for `{shown}`"))?;
        Ok(status.success())
    }

    /// Takes `test result: ok. 3 passed; 0 failed; 1 ignored; …` into account.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in numbers.split("; ") {
            let Some((number, what)) = part.split_once(' ') else { continue };
            let number: u64 = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, ignored } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} ignored")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(package: &str, name: &str) -> TestTarget {
        TestTarget { package: package.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn summaries_add_up() {
        let mut count = Count::default();
        for line in [
            "running 5 tests",
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            count.add(line);
        }
        assert_eq!(count.to_string(), "6 passed, 3 failed, 1 ignored");
    }

    #[test]
    fn what_needs_a_stack_or_a_browser_is_chosen_by_name() {
        let tests = [
            target("domain", "transitions"),
            target("toolchain", "local_engine"),
            target("stack", "walk"),
            target("console", "browser_gate"),
        ];
        let chosen = |fast, browser| {
            selection(&tests, TestOptions { fast, browser })
                .into_iter()
                .filter(|argument| !argument.starts_with("--"))
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen(false, false), ["transitions", "local_engine", "walk"]);
        assert_eq!(chosen(true, false), ["transitions"]);
        assert_eq!(chosen(false, true), ["transitions", "local_engine", "walk", "browser_gate"]);
    }
}
