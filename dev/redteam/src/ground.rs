//! What surrounds a sandbox: secrets, servers, a folder that anybody may write to. All of it is the battery's own.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::attack::Attack;

/// Every secret begins with it.
pub const CANARY: &str = "rt-canary-";
/// A secret in the supervisor's environment.
pub const ENVIRONMENT: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "rt-canary-environment");
/// How long a server waits for what a visitor says.
const PATIENCE: Duration = Duration::from_millis(300);

/// The surroundings of one mode.
#[derive(Debug)]
pub struct Ground {
    folder: tempfile::TempDir,
    port: u16,
    /// The process that holds a secret: the supervisor, or one in its place.
    victim: u32,
    heard: Arc<Mutex<String>>,
}

impl Ground {
    /// Makes them in a folder that every user may pass through.
    ///
    /// # Errors
    /// No file or port can be had.
    pub fn make() -> Result<Self> {
        let open = fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("pi-tickets-redteam-").permissions(open).tempdir()?;
        let root = folder.path();
        for (name, mode) in [("outside", 0o1777), ("secrets", 0o755)] {
            fs::create_dir(root.join(name))?;
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode))?;
        }
        fs::write(root.join("secrets/credentials"), format!("aws_secret_access_key = {CANARY}file\n"))?;
        let heard = Arc::new(Mutex::new(String::new()));
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let port = tcp.local_addr()?.port();
        serve_tcp(tcp, &heard);
        // A machine without IPv6 has less to attack.
        if let Ok(six) = TcpListener::bind(("::1", port)) {
            serve_tcp(six, &heard);
        }
        serve_udp(UdpSocket::bind(("127.0.0.1", port))?, &heard);
        if let Ok(six) = UdpSocket::bind(("::1", port)) {
            serve_udp(six, &heard);
        }
        let socket = root.join("outside/socket");
        let unix = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777))?;
        let noted = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in unix.incoming().flatten() {
                drop(stream.set_read_timeout(Some(PATIENCE)));
                note(&noted, stream);
            }
        });
        Ok(Self { folder, port, victim: std::process::id(), heard })
    }

    /// The same, but another process is attacked.
    #[must_use]
    pub fn with_victim(self, victim: u32) -> Self {
        Self { victim, ..self }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The attack's script in these surroundings.
    pub fn script(&self, attack: &Attack) -> String {
        let path = |name: &str| self.root().join(name).display().to_string();
        attack
            .script
            .replace("@ID@", &attack.word())
            .replace("@PORT@", &self.port.to_string())
            .replace("@OUT@", &path("outside"))
            .replace("@SECRETS@", &path("secrets"))
            .replace("@PID@", &self.victim.to_string())
    }

    /// Whether a server heard of the attack.
    pub fn heard(&self, attack: &Attack) -> bool {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).contains(&format!("{}.", attack.word()))
    }

    /// Whether the attack has left a file outside.
    pub fn left(&self, attack: &Attack) -> bool {
        self.root().join("outside").join(attack.word()).exists()
    }

    /// Forgets what attacks have left behind.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<()> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for entry in fs::read_dir(self.root().join("outside"))? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != "socket") {
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }
}

/// Living processes with this word in their command line.
pub fn alive(word: &str) -> BTreeSet<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeSet::new() };
    let named = |path: PathBuf| {
        let pid: i32 = path.file_name()?.to_str()?.parse().ok()?;
        let command = fs::read(path.join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).split('\0').any(|part| part == word).then_some(pid)
    };
    entries.flatten().filter_map(|entry| named(entry.path())).collect()
}

fn note(heard: &Mutex<String>, mut stream: impl std::io::Read) {
    let mut buffer = [0; 4_096];
    if let Ok(length) = stream.read(&mut buffer) {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        heard.push('\n');
    }
}

fn serve_tcp(listener: TcpListener, heard: &Arc<Mutex<String>>) {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            thread::spawn(move || {
                drop(stream.set_read_timeout(Some(PATIENCE)));
                note(&heard, &mut stream);
                let body = format!("{{\"SecretAccessKey\":\"{CANARY}endpoint\"}}");
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()));
                drop(stream.read(&mut [0; 16]));
            });
        }
    });
}

fn serve_udp(socket: UdpSocket, heard: &Arc<Mutex<String>>) {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            note(&heard, &buffer[..length]);
        }
    });
}
