//! `cargo xtask lock`: the lock files that are made from other files.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use toolchain::Toolchain;

use crate::{cargo, ui};

const FUZZERS_LOCK: &str = "dev/fuzz/libfuzzer/Cargo.lock";
const NAMES: [&str; 3] = ["requirements", "requirements-schemathesis", "requirements-tools"];
/// The oldest Python that the locks cover; newer ones and all platforms are covered too.
const OLDEST_PYTHON: &str = "3.10";

/// Of the fuzzers and of Python.
pub(crate) fn run(toolchain: &Toolchain) -> Result<ExitCode> {
    fuzzers(toolchain.root())?;
    python(toolchain)?;
    Ok(ExitCode::SUCCESS)
}

/// The fuzzers are a workspace of their own, and must be built of the versions that ship.
fn fuzzers(root: &Path) -> Result<()> {
    let lock = root.join(FUZZERS_LOCK);
    let before = fs::read_to_string(&lock).unwrap_or_default();
    fs::copy(root.join("Cargo.lock"), &lock).with_context(|| format!("writing {}", lock.display()))?;
    // Cargo takes out what is not needed, and adds what is missing.
    let folder = lock.parent().context("a lock is in a folder")?;
    cargo::must(cargo::command(folder).args(["update", "--workspace", "--quiet"]))?;
    say_changed(FUZZERS_LOCK, fs::read_to_string(&lock)? != before);
    Ok(())
}

/// Uses `uv` from the search path: only it resolves for every platform at once.
fn python(toolchain: &Toolchain) -> Result<()> {
    let Ok(uv) = which::which("uv") else {
        bail!("`uv` is not on the search path; install it (pipx install uv), then run this again");
    };
    let folder = toolchain.root().join("dev/python");
    for name in NAMES {
        let lock = folder.join(format!("{name}.txt"));
        let before = fs::read_to_string(&lock).unwrap_or_default();
        cargo::must(
            Command::new(&uv)
                .current_dir(&folder)
                .args(["pip", "compile", "--quiet", "--no-config", "--universal"])
                .args(["--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header"])
                .args([format!("{name}.in"), "--output-file".to_owned(), format!("{name}.txt")]),
        )?;
        let text = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
        let text = with_header(name, &text);
        fs::write(&lock, &text).with_context(|| format!("writing {}", lock.display()))?;
        say_changed(&format!("dev/python/{name}.txt"), text != before);
    }
    Ok(())
}

fn say_changed(name: &str, changed: bool) {
    ui::say(format_args!("{name} {}", if changed { "changed" } else { "unchanged" }));
}

/// The lock with a line about its origin, and without any about where packages come from:
/// that is the business of the machine that installs.
fn with_header(name: &str, lock: &str) -> String {
    let mut text = format!("# Locked from {name}.in by `cargo xtask lock`. Do not edit.\n");
    for line in lock.lines() {
        let is_source = ["--index-url", "--extra-index-url", "--find-links", "# Locked from"]
            .iter()
            .any(|option| line.starts_with(option));
        if !is_source {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_origin_and_no_index() {
        insta::assert_snapshot!(
            with_header("requirements", "--find-links /wheels\nattrs==26.1.0 \\\n    --hash=sha256:c6\n"),
            @r"
        # Locked from requirements.in by `cargo xtask lock`. Do not edit.
        attrs==26.1.0 \
            --hash=sha256:c6
        "
        );
    }
}
