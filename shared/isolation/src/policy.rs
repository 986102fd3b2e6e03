//! What one command may do. Made by the supervisor, carried out by the launcher.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What one command may do. Holds no secret: it stands in the launcher's command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The unprivileged user to become. `None`: the caller is unprivileged already.
    pub identity: Option<Identity>,
    /// Namespaces of its own.
    pub namespaces: Option<Namespaces>,
    /// What can be seen and written.
    pub files: Files,
    /// Loopback ports on which the supervisor listens for this command, and for it alone.
    pub ports: Vec<u16>,
    /// Decide `connect` by address in a second process; needed where there is no network namespace.
    pub notify: bool,
    /// Landlock.
    pub landlock: bool,
    /// The filter of system calls.
    pub seccomp: bool,
    /// Resource limits.
    pub limits: Limits,
    /// Where the command starts. `None`: where the launcher does.
    pub folder: Option<PathBuf>,
}

/// A user without rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Namespaces of its own: files, network, processes, host name, IPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespaces {
    /// Made inside a user namespace, by a caller without privileges.
    pub user: bool,
}

/// What every Linux has and every program may read: programs, libraries, settings, the number of processors.
pub const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// What can be seen and written. Paths are absolute and without symbolic links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Toolchains and programs besides [`SYSTEM`]: readable and executable. Paths that do not exist are left out.
    pub read: Vec<PathBuf>,
    /// Folders that can be written as far as ownership allows.
    pub write: Vec<PathBuf>,
    /// Folders in [`Files::write`] whose present content is read-only, but for the paths of [`Frozen::except`]. For a
    /// caller without privileges, who cannot give files to another user.
    pub frozen: Vec<Frozen>,
    /// An empty folder on which the command's file tree is built.
    pub mount_point: PathBuf,
    /// Size of `/tmp` and `/dev/shm`, bytes each.
    pub temporary_bytes: u64,
}

/// A folder whose present content is read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// The folder.
    pub folder: PathBuf,
    /// Files, and whole folders, that stay writable, relative to it. They need not exist.
    pub except: Vec<PathBuf>,
}

/// Resource limits of each process, and of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processes and threads of the user.
    pub processes: u64,
    /// Open files.
    pub open_files: u64,
    /// Largest file, bytes.
    pub file_bytes: u64,
    /// Processor time of one process, seconds.
    pub cpu_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { processes: 2_048, open_files: 16_384, file_bytes: 2 << 30, cpu_seconds: 3_600 }
    }
}
