//! `stack contain`: the end of a process and of everything that it started, as the end of a container would be.
//!
//! It stands between the stand-in for Fargate and a sandbox's program. It adopts what the program leaves behind, and
//! ends all of it when the program has ended, when it is told to stop, and when whoever started it is gone: then its
//! standard input, a pipe, comes to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// How long the program gets to end when nobody waits for it any more.
const ABANDONED: Duration = Duration::from_secs(5);
/// How long killed processes may take to vanish.
const VANISH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
/// Far enough away.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Runs `program` until it ends. `stop_after` is how long it gets between SIGTERM and SIGKILL, and `scratch` a folder
/// that nobody needs afterwards.
///
/// The exit code is the program's, or 128 and the signal that ended it.
///
/// # Errors
/// When the program cannot be started.
pub async fn run(program: &OsString, stop_after: Duration, scratch: Option<&Path>) -> Result<ExitCode> {
    prctl::set_child_subreaper(true).context("orphans cannot be adopted")?;
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = Command::new(program)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{} could not be started", program.display()))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let mut owner = owner_is_gone();
    let (mut abandoned, mut deadline) = (false, Instant::now() + NEVER);
    let status = loop {
        let grace = tokio::select! {
            status = child.wait() => break status.context("waiting for the program")?,
            _ = stop.recv() => stop_after,
            _ = interrupt.recv() => stop_after,
            _ = &mut owner, if !abandoned => {
                abandoned = true;
                ABANDONED
            }
            () = sleep_until(deadline) => {
                end_descendants();
                break child.wait().await.context("waiting for the program")?;
            }
        };
        deadline = deadline.min(Instant::now() + grace);
        if let Some(id) = id {
            // The only failure is that it has just ended.
            kill(id, Signal::SIGTERM).ok();
        }
    };
    end_descendants();
    if let Some(scratch) = scratch
        && let Err(error) = fs::remove_dir_all(scratch)
    {
        tracing::warn!(%error, "{} stays", scratch.display());
    }
    Ok(ExitCode::from(code(status)))
}

/// Ends when standard input does.
fn owner_is_gone() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    // A blocking read cannot be called off: this thread ends with the process.
    std::thread::spawn(move || {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).ok();
        drop(sender);
    });
    receiver
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Kills every descendant until there is none. What one of them starts meanwhile is found in the next round.
fn end_descendants() {
    let started = std::time::Instant::now();
    while started.elapsed() < VANISH {
        let descendants = descendants();
        if descendants.is_empty() {
            return;
        }
        for id in descendants {
            kill(id, Signal::SIGKILL).ok();
        }
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
        std::thread::sleep(POLL);
    }
    tracing::warn!("processes of a sandbox did not end");
}

fn descendants() -> BTreeSet<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that has just ended is no longer there to be read.
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(parent) = parent(&text) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = BTreeSet::new();
    let mut queue = vec![Pid::this().as_raw()];
    while let Some(id) = queue.pop() {
        for child in children.get(&id).into_iter().flatten() {
            if found.insert(Pid::from_raw(*child)) {
                queue.push(*child);
            }
        }
    }
    found
}

/// The parent in a line of `/proc/PID/stat`. The program's name, in parentheses, may contain anything.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process exists.
pub fn is_alive(id: i32) -> bool {
    kill(Pid::from_raw(id), None) != Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn a_name_with_parentheses_is_no_obstacle() {
        assert_eq!(parent("12 (a) S 9) R 7 12 12 0"), Some(7));
        assert_eq!(parent("12"), None);
    }
}
