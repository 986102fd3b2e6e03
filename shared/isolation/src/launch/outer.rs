//! The process that the supervisor starts: builds what is outside the command, then waits for it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getuid};

use super::command::{self, Inner};
use super::{Launch, Layer, LayerError};
use crate::control::Message;
use crate::layers::notify::{Guard, Verdict};
use crate::layers::{identity, network, view};
use crate::{control, sys};

pub(super) fn run(launch: &Launch) -> Result<ExitCode, LayerError> {
    let policy = &launch.policy;
    sys::close_on_exec_from(3).layer("descriptors")?;
    // The supervisor ends a run by signals to all its processes: the command is to decide, not this one.
    SigSet::all().thread_block().map_err(io::Error::from).layer("signals")?;
    let mut listeners = Vec::new();
    let mut unroutable = None;
    if let Some(namespaces) = policy.namespaces {
        view::enter(namespaces).layer("namespaces")?;
        listeners = network::open(&policy.ports).layer("network")?;
        // Before this file tree ends.
        unroutable = Some(network::Unroutable::open());
        view::build(&policy.files).layer("files")?;
    }
    let sockets: Vec<_> = listeners.iter().map(AsRawFd::as_raw_fd).collect();
    launch.control.say(&Message::Ready, &sockets).layer("control")?;
    drop(listeners);

    let (started, starting) = UnixStream::pair().layer("control")?;
    let (ended, ending) = UnixStream::pair().layer("control")?;
    let notifications = if policy.notify { Some(control::pair().layer("notify")?) } else { None };
    let (hearer, speaker) = notifications.unzip();
    let child = sys::fork().layer("process")?;
    let Some(child) = child else {
        drop((started, ended, hearer));
        command::run(Inner { launch, started: starting, ended: ending, notifications: speaker });
    };
    drop((starting, ending, speaker));
    let guard = match hearer {
        Some(hearer) => Some(guard(launch, &hearer)?),
        None => None,
    };
    report_start(launch, started)?;
    let status = wait(launch, child, guard.as_ref())?;
    let count = unroutable.as_mut().map_or(0, network::Unroutable::count);
    if count > 0 {
        launch.control.say(&Message::Unroutable { count }, &[]).layer("control")?;
    }
    // The first process of a table cannot end by a signal, so it writes down how the command ended.
    end_like(read_end(ended).unwrap_or(status))
}

/// Becomes the command's user, so that the guard can do nothing that the command could not, and takes the listener.
fn guard(launch: &Launch, hearer: &control::Hearer) -> Result<Guard, LayerError> {
    identity::become_user(launch.policy.identity).layer("notify")?;
    // Of the same user as the command, but closed to it.
    prctl::set_dumpable(false).map_err(io::Error::from).layer("notify")?;
    // What loses its parent stays below this process, which may look into its descendants.
    prctl::set_child_subreaper(true).map_err(io::Error::from).layer("notify")?;
    let listener = match hearer.next().layer("notify")? {
        Some((Message::Ready, mut descriptors)) if descriptors.len() == 1 => descriptors.pop(),
        _ => None,
    };
    let listener = listener.ok_or_else(|| io::Error::other("the command's process ended early")).layer("notify")?;
    Ok(Guard::new(listener, launch.policy.ports.clone(), getuid().as_raw()))
}

/// Nothing but the end of the stream: the command runs. Otherwise: what went wrong in its process.
fn report_start(launch: &Launch, mut started: UnixStream) -> Result<(), LayerError> {
    let mut failure = String::new();
    started.read_to_string(&mut failure).layer("control")?;
    let message = match failure.split_once('\n') {
        Some((layer, message)) => Message::failed(layer, message),
        None => Message::Running,
    };
    launch.control.say(&message, &[]).layer("control")
}

fn wait(launch: &Launch, child: Pid, guard: Option<&Guard>) -> Result<End, LayerError> {
    let process = sys::open_process(child).layer("process")?;
    loop {
        match next(launch, &process, guard).layer("process")? {
            Event::Ended => break,
            Event::Abandoned => kill(child, Signal::SIGKILL).map_err(io::Error::from).layer("process")?,
            Event::Call => {
                if let Some(Verdict::Refused(address)) = guard.map(Guard::serve).transpose().layer("notify")? {
                    launch.control.say(&Message::Refused { address }, &[]).layer("control")?;
                }
            }
        }
    }
    End::of(waitpid(child, None).map_err(io::Error::from).layer("process")?).layer("process")
}

enum Event {
    Ended,
    Abandoned,
    Call,
}

fn next(launch: &Launch, process: &OwnedFd, guard: Option<&Guard>) -> io::Result<Event> {
    loop {
        let mut sources = vec![
            PollFd::new(process.as_fd(), PollFlags::POLLIN),
            // Nothing is ever sent this way: only the end of the supervisor can be seen here.
            PollFd::new(launch.control.as_fd(), PollFlags::empty()),
        ];
        sources.extend(guard.map(|guard| PollFd::new(guard.listener(), PollFlags::POLLIN)));
        match poll(&mut sources, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            result => result?,
        };
        let seen = |index: usize| sources.get(index).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        if seen(0).contains(PollFlags::POLLIN) {
            return Ok(Event::Ended);
        }
        if seen(1).intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            return Ok(Event::Abandoned);
        }
        if seen(2).contains(PollFlags::POLLIN) {
            return Ok(Event::Call);
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Code(u8),
    Signal(Signal),
}

impl End {
    /// Of a process that was waited for.
    pub(super) fn of(status: WaitStatus) -> io::Result<Self> {
        match status {
            // The kernel keeps eight bits of it.
            WaitStatus::Exited(_, code) => u8::try_from(code).map(Self::Code).map_err(io::Error::other),
            WaitStatus::Signaled(_, signal, _) => Ok(Self::Signal(signal)),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    pub(super) fn write(self, mut to: &UnixStream) -> io::Result<()> {
        match self {
            Self::Code(code) => to.write_all(&[0, code]),
            Self::Signal(signal) => to.write_all(&[1, signal as u8]),
        }
    }
}

fn read_end(mut from: UnixStream) -> Option<End> {
    let mut bytes = [0; 2];
    from.read_exact(&mut bytes).ok()?;
    match bytes {
        [0, code] => Some(End::Code(code)),
        [_, signal] => Some(End::Signal(Signal::try_from(i32::from(signal)).ok()?)),
    }
}

fn end_like(end: End) -> Result<ExitCode, LayerError> {
    match end {
        End::Code(code) => Ok(ExitCode::from(code)),
        End::Signal(signal) => {
            sys::die_by(signal);
            Err(io::Error::other(format!("{signal} ended the command, and not this process"))).layer("signals")
        }
    }
}

/// Tells the outer process which layer failed in this one.
pub(super) fn tell(mut started: &UnixStream, error: &LayerError) -> io::Result<()> {
    write!(started, "{}\n{}", error.layer, error.source)
}
