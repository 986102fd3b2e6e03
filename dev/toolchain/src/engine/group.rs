//! Ending a process group.

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a group gets between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

fn signal(child: &Child, signal: Signal) {
    if let Ok(group) = i32::try_from(child.id()) {
        // The only failure here is that no process of the group is left.
        killpg(Pid::from_raw(group), signal).ok();
    }
}

/// Kills what is left of the group that `child` leads or led.
pub(super) fn kill(child: &Child) {
    signal(child, Signal::SIGKILL);
}

/// Asks the group to end, kills it if it does not, and waits for its leader.
pub(super) fn end(child: &mut Child) {
    drop(child.stdin.take());
    signal(child, Signal::SIGTERM);
    let start = Instant::now();
    while start.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(POLL);
    }
    kill(child);
    // After SIGKILL the wait ends; an error would mean that somebody else has waited for it.
    child.wait().ok();
}
