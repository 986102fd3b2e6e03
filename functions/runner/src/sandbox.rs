//! Isolation of what the runner starts: the seam between the runs and [`isolation`].

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use domain::path::RepoPath;
use domain::task::Task;
use isolation::policy::Limits;
use isolation::sandbox::{Scope, Sockets};
use isolation::supervisor::{Control, Refused};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{User, getuid};
use tokio::process::Command;
use tokio::time::timeout;

use crate::environment::ToolEnvironment;
use crate::pi::launch::PiProgram;
use crate::process::Tree;

/// How long a launcher may outlive its command.
const LAUNCHER_GRACE: Duration = Duration::from_secs(5);

/// A set of isolation layers.
pub trait Sandbox: fmt::Debug + Send + Sync {
    /// The layers in words, and what the kernel said about those that are missing.
    fn layers(&self) -> Vec<String>;

    /// Divides a fresh tree before anything runs in it: only `writable` may be changed.
    ///
    /// # Errors
    /// A layer cannot be set up; nothing must be started.
    fn divide(&self, tree: &Utf8Path, writable: &BTreeSet<RepoPath>) -> io::Result<()>;

    /// Lets commands do as they like in a folder.
    ///
    /// # Errors
    /// A layer cannot be set up; nothing must be started.
    fn give(&self, folder: &Utf8Path) -> io::Result<()>;

    /// Ports on which a command reaches the supervisor.
    ///
    /// # Errors
    /// No port can be listened on.
    fn sockets(&self, count: u16) -> io::Result<Sockets>;

    /// The command line that starts `command` inside the layers.
    ///
    /// # Errors
    /// A layer cannot be added; the command must not be started.
    fn prepare(
        &self,
        scope: &Scope,
        ports: &[u16],
        command: &std::process::Command,
    ) -> io::Result<(Command, Option<Control>)>;
}

impl Sandbox for isolation::Sandbox {
    fn layers(&self) -> Vec<String> {
        self.report()
    }

    fn divide(&self, tree: &Utf8Path, writable: &BTreeSet<RepoPath>) -> io::Result<()> {
        let writable = writable.iter().map(|path| PathBuf::from(path.as_str())).collect();
        self.divide(tree.as_std_path(), &writable)
    }

    fn give(&self, folder: &Utf8Path) -> io::Result<()> {
        self.give(folder.as_std_path())
    }

    fn sockets(&self, count: u16) -> io::Result<Sockets> {
        self.sockets(count)
    }

    fn prepare(
        &self,
        scope: &Scope,
        ports: &[u16],
        command: &std::process::Command,
    ) -> io::Result<(Command, Option<Control>)> {
        let (command, control) = self.prepare(scope, ports, command)?;
        Ok((command, Some(control)))
    }
}

/// A command that runs inside the layers.
#[derive(Debug)]
pub struct Contained {
    /// Its processes.
    pub tree: Tree,
    /// The supervisor's sockets, in the order of their ports.
    pub listeners: Vec<TcpListener>,
    /// How many connections it asked for and did not get, as far as that can be seen.
    pub refused: Refused,
}

/// How many connections a run's commands asked for and did not get. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct RefusedCount(Arc<AtomicU64>);

impl RefusedCount {
    /// Adds those of a command that has ended.
    pub async fn count(&self, refused: Refused) {
        // Its launcher is gone, or is just going.
        if let Ok(count) = timeout(LAUNCHER_GRACE, refused.total()).await {
            self.add(count);
        } else {
            tracing::warn!("the sandbox's launcher lives longer than its command");
        }
    }

    /// Adds some.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// All so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Starts a command inside the layers, and waits until it runs.
///
/// # Errors
/// A layer cannot be built, or the program cannot be started: nothing of it has run.
pub async fn start(
    sandbox: &dyn Sandbox,
    scope: &Scope,
    sockets: Sockets,
    command: &std::process::Command,
    [stdin, stdout, stderr]: [Stdio; 3],
) -> io::Result<Contained> {
    let (mut command, control) = sandbox.prepare(scope, &sockets.ports, command)?;
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let tree = Tree::spawn(command)?;
    let Some(control) = control else {
        return Ok(Contained { tree, listeners: sockets.listeners, refused: Refused::default() });
    };
    let launched = control.listen()?;
    let gone = |_| io::Error::other("the sandbox's launcher is gone");
    let inside = launched.ready.await.map_err(gone)?.map_err(io::Error::other)?;
    launched.running.await.map_err(gone)?.map_err(io::Error::other)?;
    let listeners = if sockets.listeners.is_empty() { inside } else { sockets.listeners };
    Ok(Contained { tree, listeners, refused: launched.refused })
}

/// Limits of one process: it may use every processor for the whole run.
pub fn limits(task: &Task) -> Limits {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    Limits { cpu_seconds: task.limits.total_seconds.saturating_mul(processors), ..Limits::default() }
}

/// Closes this process to its equals: no privileges are gained, memory and environment cannot be read, no core files.
/// For the program, once, at its start.
pub fn harden_this_process() {
    let restrictions: [(&str, nix::Result<()>); 3] = [
        ("no-new-privileges", prctl::set_no_new_privs()),
        ("undumpable", prctl::set_dumpable(false)),
        ("no-core-files", setrlimit(Resource::RLIMIT_CORE, 0, 0)),
    ];
    for (name, result) in restrictions {
        if let Err(error) = result {
            tracing::warn!(name, %error, "the supervisor could not be hardened");
        }
    }
}

/// What commands need to see besides the system: toolchains on the search path, Pi, its Node.
pub fn programs(environment: &ToolEnvironment, pi: &PiProgram) -> BTreeSet<PathBuf> {
    let home = User::from_uid(getuid()).ok().flatten().map(|user| user.dir);
    let mut programs = isolation::toolchains::of_search_path(environment.path(), home.as_deref());
    programs.extend(environment.folders().map(PathBuf::from));
    // Node is `…/bin/node`; Pi is somewhere in a `node_modules` with all that it needs.
    programs.extend(pi.node.as_std_path().ancestors().nth(2).map(Path::to_owned));
    let packages = pi.entry.as_std_path().ancestors().filter(|folder| folder.ends_with("node_modules")).last();
    programs.extend(packages.map(Path::to_owned));
    programs.retain(|path| path.is_absolute());
    programs
}
