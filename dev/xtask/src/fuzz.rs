//! `cargo xtask fuzz`: looking for new inputs with libFuzzer.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use toolchain::Toolchain;

use crate::cli::FuzzOptions;
use crate::{cargo, ui};

/// The coverage that libFuzzer goes by; the compiler knows it without its nightly options.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// Longest input, bytes: beyond every limit of what is read.
const MAX_BYTES: u32 = 2_048;
/// Runs of each target in `cargo xtask test`.
const SHORT_RUN: u64 = 20_000;

/// Runs one target or all, from the kept inputs. What is new stays in the target folder, what fails too.
pub(crate) fn run(toolchain: &Toolchain, options: &FuzzOptions) -> Result<ExitCode> {
    every(toolchain, options, "inputs")
}

/// The same, with what is new in this folder beside the programs.
fn every(toolchain: &Toolchain, options: &FuzzOptions, inputs: &str) -> Result<ExitCode> {
    let Some(compiler) = compiler() else {
        anyhow::bail!("libFuzzer is compiled from C++, and there is neither c++, g++ nor clang++ (or set CXX)");
    };
    let root = toolchain.root();
    let folder = cargo::Workspace::read(root)?.target_directory.join("fuzz");
    let programs = build(root, &folder, &compiler)?;
    let names = names(root)?;
    let chosen: Vec<&String> =
        names.iter().filter(|name| options.target.as_ref().is_none_or(|target| target == *name)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; there are: {}", names.join(", "));
    let mut good = true;
    for name in chosen {
        ui::step(format_args!("fuzzing {name}"));
        let (new, failed) = (folder.join(inputs).join(name), folder.join("failures").join(name));
        for folder in [&new, &failed] {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let mut command = Command::new(programs.join(name));
        command
            .current_dir(&failed)
            .arg(format!("-runs={}", options.runs))
            .arg(format!("-max_len={MAX_BYTES}"))
            .args(["-print_final_stats=1", "-verbosity=0"])
            .arg(&new)
            .arg(corpus(root).join(name));
        if !command.status().with_context(|| format!("`{name}` could not be started"))?.success() {
            good = false;
            let (failed, program) = (failed.display(), programs.join(name));
            ui::say(format_args!("{name}: a failing input is in {failed}; `{} FILE` runs it again", program.display()));
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The step of `cargo xtask test`: every target for some seconds, where libFuzzer can be built.
pub(crate) fn short(toolchain: &Toolchain) -> Result<bool> {
    if compiler().is_none() {
        ui::say("skipped: libFuzzer needs a C++ compiler, and there is none; the kept inputs are run all the same");
        return Ok(true);
    }
    // Kept inputs count as runs, so those that earlier runs left would leave none for new ones.
    let inputs = "inputs-of-the-short-run";
    let old = cargo::Workspace::read(toolchain.root())?.target_directory.join("fuzz").join(inputs);
    if old.exists() {
        std::fs::remove_dir_all(&old).with_context(|| format!("removing {}", old.display()))?;
    }
    Ok(every(toolchain, &FuzzOptions { runs: SHORT_RUN, target: None }, inputs)? == ExitCode::SUCCESS)
}

/// The C++ compiler that the build would take, if there is one.
fn compiler() -> Option<String> {
    let wanted = env::var("CXX").ok();
    wanted.into_iter().chain(["c++", "g++", "clang++"].map(str::to_owned)).find(|name| which::which(name).is_ok())
}

fn corpus(root: &Path) -> std::path::PathBuf {
    root.join("dev/fuzz/corpus")
}

/// Every target, by its folder of kept inputs.
fn names(root: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(corpus(root)).context("reading dev/fuzz/corpus")?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Builds for a named machine, so that the coverage is not asked of build scripts too; says where the programs are.
fn build(root: &Path, folder: &Path, compiler: &str) -> Result<std::path::PathBuf> {
    let output = Command::new("rustc").arg("-vV").current_dir(root).output().context("`rustc` could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    cargo::must(
        cargo::command(&root.join("dev/fuzz/libfuzzer"))
            .args(["build", "--quiet", "--locked", "--release", "--target", host, "--target-dir"])
            .arg(folder)
            .env("CXX", compiler)
            .env("RUSTFLAGS", COVERAGE)
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
    )?;
    Ok(folder.join(host).join("release"))
}
