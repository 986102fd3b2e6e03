//! The process that becomes the command, and, in a process table of its own, the first process above it.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::wait;
use nix::unistd::{Pid, chdir, setsid};

use super::outer::{End, tell};
use super::{Launch, Layer, LayerError, NOT_STARTED};
use crate::control::{Message, Speaker};
use crate::layers::{calls, files, identity, limits, view};
use crate::sys;

/// What the command's process has besides its orders.
pub(super) struct Inner<'a> {
    pub launch: &'a Launch,
    /// Closed by the start of the command; a failure before is written here.
    pub started: UnixStream,
    /// How the command ended, when that cannot be seen from outside.
    pub ended: UnixStream,
    /// Where the listener for `connect` goes.
    pub notifications: Option<OwnedFd>,
}

/// Becomes the command; or the first process of the table, which ends when the command has ended.
#[expect(clippy::exit, reason = "this process is half of a fork: nothing of the caller's may run in it")]
pub(super) fn run(inner: Inner<'_>) -> ! {
    let first = if inner.launch.policy.namespaces.is_some() { first_process() } else { Ok(None) };
    let result = match first {
        Ok(Some(command)) => {
            // The start of the command is to be the end of this stream.
            drop(inner.started);
            let reaped = reap_until(command).and_then(|end| end.write(&inner.ended));
            std::process::exit(if reaped.is_ok() { 0 } else { i32::from(NOT_STARTED) })
        }
        Ok(None) => start(&inner),
        Err(error) => Err(error),
    };
    let Err(error) = result;
    // When nobody listens any more, the exit code alone has to say it.
    let told = tell(&inner.started, &error);
    std::process::exit(i32::from(NOT_STARTED) + i32::from(told.is_err()))
}

/// Prepares the first process of a process table, and splits off the command's: `None` in that one.
fn first_process() -> Result<Option<Pid>, LayerError> {
    die_with_parent().layer("process")?;
    match view::mount_process_table() {
        // Refused inside containers that hide parts of /proc. The outer table stays visible; that nothing in it may
        // be read or signalled holds there too.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        result => result.layer("files")?,
    }
    sys::fork().layer("process")
}

/// Adopts and reaps all others; takes them along at its end.
fn reap_until(command: Pid) -> io::Result<End> {
    loop {
        match wait() {
            Ok(status) if status.pid() == Some(command) => return End::of(status),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Puts the inner layers on and becomes the command.
fn start(inner: &Inner<'_>) -> Result<Infallible, LayerError> {
    let Launch { policy, program, arguments, .. } = inner.launch;
    setsid().map_err(io::Error::from).layer("process")?;
    limits::apply(policy.limits).layer("limits")?;
    limits::be_first_out_of_memory().layer("limits")?;
    identity::become_user(policy.identity).layer("identity")?;
    die_with_parent().layer("process")?;
    if let Some(folder) = &policy.folder {
        chdir(folder).map_err(io::Error::from).layer("folder")?;
    }
    if policy.landlock {
        files::apply(&policy.files, policy.namespaces.is_some()).layer("landlock")?;
    }
    if let Some(notifications) = &inner.notifications {
        let listener = sys::install_listener(&calls::listener_program().layer("notify")?).layer("notify")?;
        let notifications = notifications.try_clone().layer("notify")?;
        Speaker::new(notifications).say(&Message::Ready, &[listener.as_raw_fd()]).layer("notify")?;
    }
    if policy.seccomp {
        calls::apply(policy.notify).layer("seccomp")?;
    }
    SigSet::all().thread_unblock().map_err(io::Error::from).layer("signals")?;
    Err(Command::new(program).args(arguments).exec()).layer("command")
}

/// A change of user takes this back, so it is asked for anew after each.
fn die_with_parent() -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(Into::into)
}
