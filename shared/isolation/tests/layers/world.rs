//! A workspace, what lies outside it, and commands in it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use isolation::Sandbox;
use isolation::policy::{Frozen, Identity, Limits};
use isolation::sandbox::{Layers, NoSandbox, Scope, Wanted};
use isolation::supervisor::{Launcher, NotStarted};
use tokio::io::AsyncReadExt as _;

const USER: Identity = Identity { uid: 10_001, gid: 10_001 };

#[derive(Debug)]
pub(crate) struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
}

#[derive(Debug)]
pub(crate) struct Ran {
    /// Standard output.
    pub(crate) output: String,
    pub(crate) status: Option<i32>,
    pub(crate) raw: ExitStatus,
    pub(crate) refused: u64,
}

impl World {
    pub(crate) async fn new(layers: Layers) -> Self {
        Self::try_new(layers, true).await.unwrap()
    }

    pub(crate) async fn try_new(layers: Layers, weak: bool) -> Result<Self, NoSandbox> {
        let open = fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        for path in ["tree/src/deep", "home", "root", "outside", "read"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let files = [("tree/src/approved", "approved"), ("tree/src/other", "other"), ("tree/src/deep/er", "er")];
        for (path, content) in files.into_iter().chain([("outside/secret", "canary"), ("read/me", "instructions")]) {
            fs::write(folder.path().join(path), content).unwrap();
        }
        let mount_point = folder.path().join("root");
        let wanted = Wanted { user: USER, layers, surrounded: false, weak, programs: BTreeSet::new(), mount_point };
        let sandbox = Sandbox::probe(Launcher::this_program().unwrap(), wanted).await?;
        sandbox.divide(&folder.path().join("tree"), &["src/approved".into()].into()).unwrap();
        sandbox.give(&folder.path().join("home")).unwrap();
        Ok(Self { folder, sandbox })
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("tree").join(path)
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Reached by anybody who can get there.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join("outside").join(name)
    }

    /// Readable by anybody who can get there.
    pub(crate) fn secret_file(&self) -> PathBuf {
        self.folder.path().join("outside/secret")
    }

    pub(crate) fn readable_file(&self) -> PathBuf {
        self.folder.path().join("read/me")
    }

    pub(crate) async fn run(&self, script: &str) -> Ran {
        self.start(Path::new("sh"), &["-c", script]).await.unwrap()
    }

    pub(crate) async fn start_program(&self, program: &str) -> Result<Ran, NotStarted> {
        self.start(Path::new(program), &[]).await
    }

    async fn start(&self, program: &Path, arguments: &[&str]) -> Result<Ran, NotStarted> {
        let tree = self.folder.path().join("tree");
        let home = self.folder.path().join("home");
        let scope = Scope {
            write: vec![tree.clone(), home.clone()],
            read: vec![self.folder.path().join("read")],
            tree: Some(Frozen { folder: tree.clone(), except: vec!["src/approved".into()] }),
            limits: Limits { cpu_seconds: 60, ..Limits::default() },
            folder: tree,
        };
        let sockets = self.sandbox.sockets(1).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", home);
        command.env("PORT", sockets.ports[0].to_string());
        let (mut command, control) = self.sandbox.prepare(&scope, &sockets.ports, &command).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let launched = control.listen().unwrap();
        let mut listeners = launched.ready.await.unwrap()?;
        listeners.extend(sockets.listeners);
        for listener in listeners {
            std::thread::spawn(move || {
                while let Ok((mut visitor, _)) = listener.accept() {
                    visitor.write_all(b"hello").unwrap();
                }
            });
        }
        launched.running.await.unwrap()?;
        let mut output = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut output).await.unwrap();
        let raw = child.wait().await.unwrap();
        let output = String::from_utf8_lossy(&output).into_owned();
        Ok(Ran { output, status: raw.code(), raw, refused: launched.refused.total().await })
    }
}

/// What a command must not reach: a server of somebody else on this machine, by TCP and UDP.
pub(crate) struct Outside {
    tcp: TcpListener,
    udp: UdpSocket,
}

impl Outside {
    pub(crate) fn open() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        Self { tcp, udp }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.tcp.local_addr().unwrap()
    }

    /// How many messages came.
    pub(crate) fn heard(&self) -> usize {
        let mut count = 0;
        while let Ok((mut visitor, _)) = self.tcp.accept() {
            visitor.set_nonblocking(false).unwrap();
            let mut message = String::new();
            visitor.read_to_string(&mut message).unwrap();
            count += usize::from(message == "canary");
        }
        let mut buffer = [0; 16];
        while let Ok(length) = self.udp.recv(&mut buffer) {
            count += usize::from(&buffer[..length] == b"canary");
        }
        count
    }
}

/// A process of the supervisor's user.
pub(crate) struct Victim(Child);

impl Victim {
    pub(crate) fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn lives(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.id())).is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
