//! The best isolation that this machine offers, found out by building it.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::getuid;
use tokio::process::Command;

use crate::ownership;
use crate::policy::{Files, Frozen, Identity, Limits, Namespaces, Policy};
use crate::supervisor::{Control, Launcher, NotStarted};

/// The port of the first of the supervisor's sockets in a command's own network, where every port is free.
const FIRST_PORT: u16 = 8_471;
/// Size of a command's `/tmp`, bytes.
const TEMPORARY_BYTES: u64 = 512 << 20;

/// Which layers may be used. All, but in tests that show what each is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// Files belong to root, approved ones to another user; or every file is a read-only mount.
    pub ownership: bool,
    /// Namespaces: a file tree, a network and a process table of its own.
    pub namespaces: bool,
    /// The guard of `connect`, where there is no network of its own.
    pub guard: bool,
    /// Landlock.
    pub landlock: bool,
    /// The filter of system calls.
    pub seccomp: bool,
    /// Resource limits.
    pub limits: bool,
}

impl Layers {
    /// Every layer that the machine offers.
    pub const ALL: Self =
        Self { ownership: true, namespaces: true, guard: true, landlock: true, seccomp: true, limits: true };
}

/// What a supervisor wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The user that commands become, when the supervisor is root.
    pub user: Identity,
    /// Which layers may be used.
    pub layers: Layers,
    /// What surrounds this machine keeps it from every network, so that no layer here has to.
    pub surrounded: bool,
    /// Go on without a layer that the promises need. Loudly.
    pub weak: bool,
    /// Programs and toolchains to be shown, besides the system's.
    pub programs: BTreeSet<PathBuf>,
    /// An empty folder on which file trees are built.
    pub mount_point: PathBuf,
}

/// Why there is no isolation worth the name here.
#[derive(Debug, thiserror::Error)]
pub enum NoSandbox {
    /// A layer that the promises need is missing.
    #[error(
        "this machine cannot keep a sandbox's promises: {missing}. Nothing was started. As root, or with user \
         namespaces and Landlock switched on, it could"
    )]
    Missing {
        /// What, and the kernel's answer.
        missing: String,
    },
    /// Not even the first command could be started.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// The launcher's program cannot be started.
    #[error("the sandbox's launcher cannot be started")]
    Io(#[from] io::Error),
}

/// The isolation of this machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    launcher: Launcher,
    wanted: Wanted,
    layers: Layers,
    root: bool,
    /// What the kernel said about layers that are missing.
    answers: Vec<String>,
}

/// What one command may touch.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Where it starts.
    pub folder: PathBuf,
    /// Folders and files that it may read, besides programs.
    pub read: Vec<PathBuf>,
    /// Folders that it may write in.
    pub write: Vec<PathBuf>,
    /// The divided tree among them, with the files in it that it may change.
    pub tree: Option<Frozen>,
    /// Resource limits.
    pub limits: Limits,
}

impl Sandbox {
    /// Finds the best set of layers: tries all, and leaves out what the kernel refuses.
    ///
    /// # Errors
    /// See [`NoSandbox`].
    pub async fn probe(launcher: Launcher, wanted: Wanted) -> Result<Self, NoSandbox> {
        let layers = wanted.layers;
        let mut sandbox = Self { launcher, wanted, layers, root: getuid().is_root(), answers: Vec::new() };
        // With a network of its own, a command needs no guard.
        sandbox.layers.guard = layers.guard && !layers.namespaces;
        while let Err(refused) = sandbox.try_out().await? {
            match refused.layer.as_str() {
                "namespaces" | "network" | "files" if sandbox.layers.namespaces => {
                    sandbox.layers.namespaces = false;
                    sandbox.layers.guard = layers.guard;
                }
                "notify" if sandbox.layers.guard => sandbox.layers.guard = false,
                "landlock" if sandbox.layers.landlock => sandbox.layers.landlock = false,
                "seccomp" if sandbox.layers.seccomp => sandbox.layers.seccomp = false,
                "identity" if sandbox.root => sandbox.root = false,
                _ => return Err(refused.into()),
            }
            sandbox.answers.push(format!("{}: {}", refused.layer, refused.message));
        }
        sandbox.judge()?;
        Ok(sandbox)
    }

    async fn try_out(&self) -> Result<Result<(), NotStarted>, NoSandbox> {
        let policy = self.policy(&Scope { folder: "/".into(), ..Scope::default() }, vec![]);
        let (mut launcher, control) = self.launcher.prepare(&policy, &std::process::Command::new("true"))?;
        let mut child = launcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let launched = control.listen()?;
        let result = launched.running.await.unwrap_or_else(|_| Err(NotStarted::early()));
        child.wait().await?;
        Ok(result)
    }

    fn judge(&self) -> Result<(), NoSandbox> {
        let Layers { ownership, namespaces, guard, landlock, seccomp, .. } = self.layers;
        let mut missing = Vec::new();
        if !ownership || !(self.root || namespaces) {
            missing.push("nothing keeps the files that the SPEC does not name");
        }
        if !self.root && !landlock {
            missing.push("nothing keeps your own files and processes");
        }
        if !namespaces && !guard && !self.wanted.surrounded {
            missing.push("nothing keeps the network");
        }
        if !seccomp {
            missing.push("there is no filter of system calls");
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing = format!("{} ({})", missing.join(", "), self.answers.join("; "));
        if self.wanted.weak {
            tracing::warn!(missing, "THE SANDBOX IS WEAK, and was told to go on");
            return Ok(());
        }
        Err(NoSandbox::Missing { missing })
    }

    /// The layers in words, and what the kernel said about those that are missing.
    pub fn report(&self) -> Vec<String> {
        let Layers { ownership, namespaces, guard, landlock, seccomp, limits } = self.layers;
        let active = [
            (self.root, "unprivileged-user"),
            (ownership && self.root, "file-ownership"),
            (ownership && !self.root && namespaces, "read-only-mounts"),
            (namespaces, "own-file-tree"),
            (namespaces, "own-process-table"),
            (namespaces, "network-namespace"),
            (guard, "connect-guard"),
            (!namespaces && !guard && self.wanted.surrounded, "network-by-surroundings"),
            (landlock, "landlock"),
            (seccomp, "seccomp"),
            (limits, "resource-limits"),
            (true, "no-new-privileges"),
            (true, "cleared-environment"),
        ];
        let active = active.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned());
        active.chain(self.answers.iter().map(|answer| format!("missing {answer}"))).collect()
    }

    /// Divides a fresh tree: the command may change `writable` and nothing else.
    ///
    /// # Errors
    /// The tree cannot be walked.
    pub fn divide(&self, tree: &Path, writable: &BTreeSet<PathBuf>) -> io::Result<()> {
        match self.user() {
            Some(user) if self.layers.ownership => ownership::divide(tree, writable, user),
            Some(user) => ownership::give(tree, user),
            None => Ok(()),
        }
    }

    /// Gives a folder that the command may fill to its user.
    ///
    /// # Errors
    /// The folder cannot be walked.
    pub fn give(&self, folder: &Path) -> io::Result<()> {
        self.user().map_or(Ok(()), |user| ownership::give(folder, user))
    }

    /// The command line that starts a command, and the end of its launcher. See [`Launcher::prepare`].
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn prepare(
        &self,
        scope: &Scope,
        ports: &[u16],
        command: &std::process::Command,
    ) -> io::Result<(Command, Control)> {
        self.launcher.prepare(&self.policy(scope, ports.to_vec()), command)
    }

    /// Ports for a command's access to the supervisor.
    ///
    /// # Errors
    /// No port can be listened on.
    pub fn sockets(&self, count: u16) -> io::Result<Sockets> {
        if self.layers.namespaces {
            return Ok(Sockets { ports: (FIRST_PORT..FIRST_PORT + count).collect(), listeners: vec![] });
        }
        let listeners: Vec<_> =
            (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<_>>()?;
        let ports = listeners.iter().map(|socket| Ok(socket.local_addr()?.port())).collect::<io::Result<_>>()?;
        Ok(Sockets { ports, listeners })
    }

    fn user(&self) -> Option<Identity> {
        self.root.then_some(self.wanted.user)
    }

    fn policy(&self, scope: &Scope, ports: Vec<u16>) -> Policy {
        let unlimited = Limits { processes: u64::MAX, open_files: 65_536, file_bytes: u64::MAX, cpu_seconds: u64::MAX };
        let frozen = scope.tree.iter().filter(|_| self.layers.ownership && !self.root).cloned().collect();
        Policy {
            identity: self.user(),
            namespaces: self.layers.namespaces.then_some(Namespaces { user: !self.root }),
            files: Files {
                read: self.wanted.programs.iter().chain(&scope.read).cloned().collect(),
                write: scope.write.clone(),
                frozen,
                mount_point: self.wanted.mount_point.clone(),
                temporary_bytes: TEMPORARY_BYTES,
            },
            ports,
            notify: self.layers.guard,
            landlock: self.layers.landlock,
            seccomp: self.layers.seccomp,
            limits: if self.layers.limits { scope.limits } else { unlimited },
            folder: Some(scope.folder.clone()),
        }
    }
}

/// Ports on which a command reaches the supervisor.
#[derive(Debug)]
pub struct Sockets {
    /// The ports, on the command's loopback.
    pub ports: Vec<u16>,
    /// The listening sockets, where the command shares the supervisor's network; otherwise they come from the
    /// launcher.
    pub listeners: Vec<TcpListener>,
}
