//! What surrounds a sandbox: secrets, servers, a folder that anybody may write to. All of it is the battery's own.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::attack::Attack;
use crate::listeners::Listeners;

/// Every secret begins with it.
pub const CANARY: &str = "rt-canary-";
/// A secret in the supervisor's environment.
pub const ENVIRONMENT: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "rt-canary-environment");

/// The surroundings of one mode.
#[derive(Debug)]
pub struct Ground {
    folder: tempfile::TempDir,
    listeners: Listeners,
    /// The process that holds a secret: the supervisor, or one in its place.
    victim: u32,
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
        let socket = root.join("outside/socket");
        let listeners = Listeners::start(&socket)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777))?;
        Ok(Self { folder, listeners, victim: std::process::id() })
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
            .replace("@PORT@", &self.listeners.port().to_string())
            .replace("@OUT@", &path("outside"))
            .replace("@SECRETS@", &path("secrets"))
            .replace("@PID@", &self.victim.to_string())
    }

    /// Whether a server heard of the attack, whose commands have ended.
    ///
    /// # Errors
    /// It cannot be known.
    pub fn heard(&self, attack: &Attack) -> Result<bool> {
        self.listeners.heard(&format!("{}.", attack.word()))
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
        self.listeners.clear();
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
