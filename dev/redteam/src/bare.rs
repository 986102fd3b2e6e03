//! The same scripts without any control: each must succeed, or it proves nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::attack::{Attack, Escape};
use crate::ground::{CANARY, ENVIRONMENT, Ground, alive};
use crate::repository;

/// How long a process may take to appear.
const APPEARANCE: Duration = Duration::from_secs(2);

/// Runs an attack by `sh` in a tree that its user may write in; whether it succeeded.
///
/// # Errors
/// The tree cannot be made.
pub fn succeeds(attack: &Attack, ground: &Ground) -> Result<bool> {
    let folder = tempfile::tempdir_in(ground.root().join("outside"))?;
    let tree = folder.path().join("workspace");
    fs::create_dir(&tree)?;
    repository::write_open(&tree)?;
    // Not a pipe, which what outlives the script would hold open.
    let told = folder.path().join("told");
    Command::new("timeout")
        .args(["-k", "1", "20", "sh", "-c", &ground.script(attack)])
        .current_dir(&tree)
        .env(ENVIRONMENT.0, ENVIRONMENT.1)
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(fs::File::create(&told)?)
        .stderr(Stdio::null())
        .status()
        .context("`timeout` and `sh`")?;
    let told = String::from_utf8_lossy(&fs::read(told)?).into_owned();
    // A process that has just been forked has its command line a moment later.
    let deadline = Instant::now() + APPEARANCE;
    let mut living = alive(&attack.word());
    while attack.escape == Escape::Alive && living.is_empty() && Instant::now() < deadline {
        living = alive(&attack.word());
    }
    let succeeded = match attack.escape {
        Escape::Changed => is_changed(&tree, &attack.target),
        // Whoever adds everything in the tree publishes it.
        Escape::Published => {
            fs::symlink_metadata(tree.join(&attack.target)).is_ok() && is_changed(&tree, &attack.target)
                || !living.is_empty()
        }
        Escape::Heard => ground.heard(attack)?,
        Escape::Outside => ground.left(attack),
        Escape::Told => told.contains(CANARY),
        Escape::Alive => !living.is_empty(),
    };
    for pid in living.into_iter().chain(alive(&attack.word())) {
        // It may just have ended.
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }
    Ok(succeeded)
}

fn is_changed(tree: &Path, path: &str) -> bool {
    let base = repository::FILES.iter().find(|(known, _)| *known == path).map(|(_, content)| *content);
    let path = tree.join(path);
    let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
    is_link || fs::read(&path).ok().as_deref() != base.map(str::as_bytes)
}
