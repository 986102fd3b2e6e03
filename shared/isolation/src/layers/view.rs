//! A file tree of its own: what the policy does not name does not exist in it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, getgid, getuid, pivot_root, sethostname};
use walkdir::WalkDir;

use crate::policy::{Files, Frozen, Namespaces, SYSTEM};
use crate::sys;

const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// The name that programs see.
const HOST_NAME: &str = "sandbox";
/// Most paths that are frozen one by one. The kernel allows 100,000 mounts.
const MAX_FROZEN: usize = 60_000;

const CLOSED: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// Enters new namespaces. The next child is the first process of its own process table.
///
/// # Errors
/// The kernel refuses: no `CAP_SYS_ADMIN`, or user namespaces are switched off.
pub fn enter(namespaces: Namespaces) -> io::Result<()> {
    let (uid, gid) = (getuid(), getgid());
    let mut flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if namespaces.user {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(flags)?;
    if namespaces.user {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    }
    sethostname(HOST_NAME)?;
    // Nothing that is mounted from here on is seen outside.
    remount(Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE)
}

/// Builds the tree and moves into it.
///
/// # Errors
/// A mount is refused.
pub fn build(files: &Files) -> io::Result<()> {
    let root = &files.mount_point;
    temporary(root, "mode=755,size=1m")?;
    let tree = Tree { root };
    // Before what may lie below `/tmp`.
    tree.devices(files.temporary_bytes)?;
    for path in SYSTEM.iter().map(Path::new).chain(files.read.iter().map(PathBuf::as_path)) {
        tree.show(path)?;
    }
    tree.folder(Path::new("/proc"))?;
    bind(Path::new("/proc"), &tree.inside(Path::new("/proc")))?;
    for path in &files.write {
        tree.bind(path)?;
        sys::restrict_mount(&tree.inside(path), libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV)?;
    }
    for frozen in &files.frozen {
        tree.freeze(frozen)?;
    }
    chdir(root)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    remount(Path::new("/"), MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | CLOSED)
}

/// Shows only the processes of this process table. Called by its first process.
///
/// # Errors
/// The kernel refuses, as it does inside containers that hide parts of /proc; the old table then stays in place.
pub fn mount_process_table() -> io::Result<()> {
    mount(Some("proc"), "/proc", Some("proc"), CLOSED | MsFlags::MS_NOEXEC, None::<&str>).map_err(Into::into)
}

struct Tree<'a> {
    root: &'a Path,
}

impl Tree<'_> {
    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Read-only, if it exists. A link at the top is made again.
    fn show(&self, path: &Path) -> io::Result<()> {
        let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
        if metadata.is_symlink() {
            return match symlink(fs::read_link(path)?, self.inside(path)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            };
        }
        self.bind(path)?;
        let flags = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
        sys::restrict_mount(&self.inside(path), flags)
    }

    fn bind(&self, path: &Path) -> io::Result<()> {
        let target = self.inside(path);
        if fs::metadata(path)?.is_dir() {
            self.folder(path)?;
        } else if fs::symlink_metadata(&target).is_err() {
            self.folder(path.parent().unwrap_or(Path::new("/")))?;
            File::create(&target)?;
        }
        bind(path, &target)
    }

    fn folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(self.inside(path))
    }

    fn devices(&self, temporary_bytes: u64) -> io::Result<()> {
        for device in DEVICES {
            let path = Path::new("/dev").join(device);
            if path.exists() {
                self.bind(&path)?;
            }
        }
        for (name, target) in DEVICE_LINKS {
            symlink(target, self.inside(&Path::new("/dev").join(name)))?;
        }
        for folder in ["/tmp", "/dev/shm"] {
            let path = self.inside(Path::new(folder));
            fs::create_dir_all(&path)?;
            temporary(&path, &format!("mode=1777,size={temporary_bytes}"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o1777))?;
        }
        Ok(())
    }

    /// Every file and folder becomes a mount of its own: it can be neither renamed nor removed, and files cannot be
    /// written. Folders stay open for new files.
    fn freeze(&self, frozen: &Frozen) -> io::Result<()> {
        let mut count = 0;
        let mut entries = WalkDir::new(&frozen.folder).min_depth(1).follow_links(false).into_iter();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let path = entry.path();
            let relative = path.strip_prefix(&frozen.folder).map_err(io::Error::other)?;
            if frozen.except.iter().any(|except| except == relative) {
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
                continue;
            }
            // A link leads nowhere that could be written, and a mount would be one of its target.
            if entry.path_is_symlink() {
                continue;
            }
            count += 1;
            let target = self.inside(path);
            bind(path, &target)?;
            let whole = entry.file_type().is_dir() && count > MAX_FROZEN;
            if whole {
                entries.skip_current_dir();
            }
            if whole || !entry.file_type().is_dir() {
                sys::restrict_mount(&target, libc::MOUNT_ATTR_RDONLY)?;
            }
        }
        Ok(())
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).map_err(|error| at(to, error))
}

fn remount(path: &Path, flags: MsFlags) -> io::Result<()> {
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>).map_err(|error| at(path, error))
}

fn temporary(path: &Path, options: &str) -> io::Result<()> {
    mount(Some("tmpfs"), path, Some("tmpfs"), CLOSED, Some(options)).map_err(|error| at(path, error))
}

fn at(path: &Path, error: nix::Error) -> io::Error {
    io::Error::new(io::Error::from(error).kind(), format!("{}: {error}", path.display()))
}
