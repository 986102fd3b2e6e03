//! The supervisor's side: starts commands through the launcher.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tokio::process::Command;
use tokio::sync::oneshot;

use crate::Policy;
use crate::control::{self, Hearer, Message};
use crate::launch;

/// Starts commands by means of a program that calls [`launch::if_asked`].
#[derive(Debug, Clone)]
pub struct Launcher {
    program: PathBuf,
}

/// The supervisor's end of a launcher that is about to be started.
#[derive(Debug)]
pub struct Control {
    hearer: Hearer,
    theirs: OwnedFd,
}

/// What a launcher tells.
#[derive(Debug)]
pub struct Launched {
    /// How many connections were refused so far.
    pub refused: Refused,
    /// The supervisor's sockets in the command's network, once the layers stand.
    pub ready: oneshot::Receiver<Result<Vec<TcpListener>, NotStarted>>,
    /// Whether the command runs.
    pub running: oneshot::Receiver<Result<(), NotStarted>>,
}

/// Counts the connections that the command asked for and did not get.
#[derive(Debug, Default)]
pub struct Refused {
    count: Arc<AtomicU64>,
    /// Ends with the launcher.
    ended: Option<oneshot::Receiver<()>>,
}

impl Refused {
    /// How many so far. In a network of the command's own they are counted at its end.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How many there were, when the launcher has ended.
    pub async fn total(mut self) -> u64 {
        if let Some(ended) = self.ended.take() {
            // Nothing is ever sent: the other side goes away.
            drop(ended.await);
        }
        self.count()
    }
}

/// Why a command was not started. Nothing of it has run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox could not be built ({layer}): {message}")]
pub struct NotStarted {
    /// The layer, or `command` when the program itself could not be started.
    pub layer: String,
    /// Why.
    pub message: String,
}

impl NotStarted {
    pub(crate) fn early() -> Self {
        Self { layer: "launcher".to_owned(), message: "it ended before the command began".to_owned() }
    }
}

impl Launcher {
    /// Uses the running program itself.
    ///
    /// # Errors
    /// Its file cannot be found.
    pub fn this_program() -> io::Result<Self> {
        std::env::current_exe().map(Self::of)
    }

    /// Uses another program.
    pub const fn of(program: PathBuf) -> Self {
        Self { program }
    }

    /// The command line that starts `command` under `policy`: its program, arguments and environment, in the policy's
    /// folder. The pipes that it is given are the command's; its exit status is the command's. The environment holds
    /// what the command was given by name, and nothing else.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn prepare(&self, policy: &Policy, command: &std::process::Command) -> io::Result<(Command, Control)> {
        let (hearer, theirs) = control::pair()?;
        // A process that another thread starts at this moment may inherit the socket too; it can only talk nonsense.
        fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let mut launcher = Command::new(&self.program);
        launcher.arg(launch::COMMAND).arg(theirs.as_raw_fd().to_string()).arg(serde_json::to_string(policy)?);
        launcher.arg(command.get_program()).args(command.get_args());
        launcher.env_clear().kill_on_drop(true);
        launcher.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ok((launcher, Control { hearer, theirs }))
    }
}

impl Control {
    /// To be called when the launcher was started: listens to it.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn listen(self) -> io::Result<Launched> {
        drop(self.theirs);
        let (ready_sender, ready) = oneshot::channel();
        let (running_sender, running) = oneshot::channel();
        let (alive, ended) = oneshot::channel();
        let refused = Refused { count: Arc::default(), ended: Some(ended) };
        let listening = Listening {
            ready: Some(ready_sender),
            running: Some(running_sender),
            refused: Arc::clone(&refused.count),
            _alive: alive,
        };
        let hearer = self.hearer;
        std::thread::Builder::new().name("launcher".to_owned()).spawn(move || listening.until_the_end(&hearer))?;
        Ok(Launched { refused, ready, running })
    }
}

struct Listening {
    ready: Option<oneshot::Sender<Result<Vec<TcpListener>, NotStarted>>>,
    running: Option<oneshot::Sender<Result<(), NotStarted>>>,
    refused: Arc<AtomicU64>,
    _alive: oneshot::Sender<()>,
}

impl Listening {
    fn until_the_end(mut self, hearer: &Hearer) {
        loop {
            match hearer.next() {
                Ok(Some((Message::Ready, sockets))) => {
                    self.ready(Ok(sockets.into_iter().map(TcpListener::from).collect()));
                }
                Ok(Some((Message::Running, _))) => self.running(Ok(())),
                Ok(Some((Message::Failed { layer, message }, _))) => self.failed(&NotStarted { layer, message }),
                Ok(Some((Message::Refused { address }, _))) => {
                    tracing::info!(address, "a connection was refused");
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Some((Message::Unroutable { count }, _))) => {
                    tracing::info!(count, "packets for other networks had no way to go");
                    self.refused.fetch_add(count, Ordering::Relaxed);
                }
                Ok(None) => return self.failed(&NotStarted::early()),
                Err(error) => {
                    return self.failed(&NotStarted { layer: "launcher".to_owned(), message: error.to_string() });
                }
            }
        }
    }

    fn failed(&mut self, why: &NotStarted) {
        self.ready(Err(why.clone()));
        self.running(Err(why.clone()));
    }

    /// Whoever waited for it may have given up.
    fn ready(&mut self, result: Result<Vec<TcpListener>, NotStarted>) {
        if let Some(sender) = self.ready.take() {
            drop(sender.send(result));
        }
    }

    fn running(&mut self, result: Result<(), NotStarted>) {
        if let Some(sender) = self.running.take() {
            drop(sender.send(result));
        }
    }
}
