//! Landlock: files by path, and no reach to processes outside. It holds whoever owns the files.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

use crate::policy::{Files, SYSTEM};

/// The newest version that this code knows; an older kernel enforces what it knows of it.
const NEWEST: ABI = ABI::V7;
/// The oldest kernel whose Landlock is worth having: truncation is a write since then.
const OLDEST: ABI = ABI::V3;

/// What every program reads or writes.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// Folders for small temporary files.
const TEMPORARY: &[&str] = &["/tmp", "/dev/shm"];
/// The kernel's own table of processes. What is secret in it is kept by the ban on ptrace.
const PROCESSES: &str = "/proc";

/// Restricts this process. `own_tree`: it has a file tree of its own, where all that exists may be read.
///
/// # Errors
/// The kernel has no Landlock, or one that is too old.
pub fn apply(files: &Files, own_tree: bool) -> io::Result<()> {
    restrict(files, own_tree).map_err(io::Error::other)
}

fn restrict(files: &Files, own_tree: bool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let everything = AccessFs::from_all(NEWEST);
    // Writing to a device file is not creating one.
    let write = everything & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let read = AccessFs::from_read(NEWEST);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(OLDEST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    rules = if own_tree {
        rules.add_rules(beneath(["/"], read))?.add_rules(beneath(TEMPORARY, write))?
    } else {
        rules.add_rules(beneath(SYSTEM.iter().chain([&PROCESSES]), read))?.add_rules(beneath(&files.read, read))?
    };
    rules = rules.add_rules(beneath(&files.write, write))?;
    for device in DEVICES {
        if let Ok(opened) = PathFd::new(device) {
            rules = rules.add_rule(PathBeneath::new(opened, AccessFs::from_file(NEWEST) & !AccessFs::Execute))?;
        }
    }
    let status = rules.restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("the kernel has no Landlock".into());
    }
    Ok(())
}

/// Rules for the paths that exist.
fn beneath<I, P>(
    paths: I,
    access: BitFlags<AccessFs>,
) -> impl Iterator<Item = Result<PathBeneath<PathFd>, landlock::RulesetError>>
where
    I: IntoIterator<Item = P>,
    P: AsRef<Path>,
{
    path_beneath_rules(paths, access)
}
