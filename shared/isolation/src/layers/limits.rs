//! Resource limits, inherited by every process of the command.

use std::fs;
use std::io;

use nix::sys::resource::{Resource, setrlimit};

use crate::policy::Limits;

/// Sets the limits of this process for good. Called while it is still privileged, as some may be raised by it.
///
/// # Errors
/// A limit cannot be set.
pub fn apply(limits: Limits) -> io::Result<()> {
    for (resource, value) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NPROC, limits.processes),
        (Resource::RLIMIT_NOFILE, limits.open_files),
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_CPU, limits.cpu_seconds),
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_RTPRIO, 0),
    ] {
        // Never above what this process has: a caller without privileges could not set it.
        let (_, most) = nix::sys::resource::getrlimit(resource)?;
        let value = value.min(most);
        setrlimit(resource, value, value)?;
    }
    Ok(())
}

/// Makes the kernel end the command, not the supervisor, when memory runs out.
///
/// # Errors
/// /proc is not there.
pub fn be_first_out_of_memory() -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", "1000")
}
