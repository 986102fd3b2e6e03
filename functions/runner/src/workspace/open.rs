//! Opening a file below a folder without following any symbolic link on the way.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use camino::Utf8Path;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

/// Opens folders and files below one root.
#[derive(Debug)]
pub struct Root {
    folder: File,
    path: camino::Utf8PathBuf,
}

impl Root {
    /// Opens the root itself.
    ///
    /// # Errors
    /// It is not a folder, or is a symbolic link.
    pub fn open(path: &Utf8Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let folder = File::options().read(true).custom_flags(flags.bits()).open(path)?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// Opens a file for reading. Neither the file nor a folder on the way may be a symbolic link; opening a pipe does
    /// not wait for its other end.
    ///
    /// # Errors
    /// As for opening a file; a symbolic link is `ELOOP`.
    pub fn read(&self, relative: &Utf8Path) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags).mode(Mode::empty()).resolve(resolve);
        match openat2(self.folder.as_fd(), relative.as_std_path(), how) {
            Ok(file) => Ok(file.into()),
            // A container runtime whose system call filter does not know openat2. The callers run when nothing else
            // writes to the tree, so this is defence in depth and not the only one.
            Err(Errno::ENOSYS | Errno::EPERM) => {
                File::options().read(true).custom_flags(flags.bits()).open(self.path.join(relative))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        std::fs::create_dir_all(path.join("root/sub")).unwrap();
        std::fs::write(path.join("secret"), "secret").unwrap();
        std::fs::write(path.join("root/sub/a"), "a").unwrap();
        symlink("../secret", path.join("root/link")).unwrap();
        symlink("sub", path.join("root/folder-link")).unwrap();
        let root = Root::open(&path.join("root")).unwrap();
        let mut text = String::new();
        root.read("sub/a".into()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a");
        for bad in ["link", "folder-link/a", "../secret", "/etc/passwd"] {
            assert!(root.read(bad.into()).is_err(), "{bad}");
        }
    }
}
