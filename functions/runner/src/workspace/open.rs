//! Opening what is below a folder without following any symbolic link on the way.
//!
//! Every step goes from a folder that is held open to one name in it, so that nothing that happens to the tree
//! meanwhile leads elsewhere: a folder that is swapped for a link cannot be opened, and one that is moved is still the
//! one that was looked at.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use camino::{Utf8Component, Utf8Path};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};

use super::stamp::Stamp;

const FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// Opening a pipe does not wait for its other end.
const FILE: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// A folder that is held open.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Special,
}

impl Folder {
    /// Opens a folder by its path, which is trusted but for its last part.
    ///
    /// # Errors
    /// It is not a folder, or is a symbolic link.
    pub fn open(path: &Utf8Path) -> io::Result<Self> {
        let folder = File::options().read(true).custom_flags(FOLDER.bits()).open(path)?;
        Ok(Self(folder.into()))
    }

    /// Every name in it except `.` and `..`, in the order of their bytes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        // Reading moves a position that duplicates of a descriptor share; another one is opened for it.
        let mut entries = Dir::from_fd(openat(&self.0, ".", FOLDER, Mode::empty())?)?;
        let mut names = Vec::new();
        for entry in entries.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(names)
    }

    /// What a name is at this moment, and its stamp.
    ///
    /// # Errors
    /// It is gone.
    pub fn look(&self, name: &OsStr) -> io::Result<(Kind, Stamp)> {
        let status: FileStat = fstatat(&self.0, single(name)?, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let kind = match SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFDIR => Kind::Folder,
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFLNK => Kind::Link,
            _ => Kind::Special,
        };
        Ok((kind, Stamp::from(&status)))
    }

    /// What a name is at this moment.
    ///
    /// # Errors
    /// It is gone.
    pub fn kind(&self, name: &OsStr) -> io::Result<Kind> {
        Ok(self.look(name)?.0)
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// It is gone, or something else by now; a symbolic link is `ELOOP` or `ENOTDIR`.
    pub fn folder(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(openat(&self.0, single(name)?, FOLDER, Mode::empty())?))
    }

    /// Opens a file in it for reading. What is opened may be a pipe or a device: look at its metadata.
    ///
    /// # Errors
    /// It is gone, or cannot be read; a symbolic link is `ELOOP`.
    pub fn file(&self, name: &OsStr) -> io::Result<File> {
        Ok(openat(&self.0, single(name)?, FILE, Mode::empty())?.into())
    }

    /// Where a symbolic link in it leads.
    ///
    /// # Errors
    /// It is gone, or no link by now.
    pub fn link(&self, name: &OsStr) -> io::Result<OsString> {
        Ok(readlinkat(&self.0, single(name)?)?)
    }

    /// Opens a file below it for reading. Neither the file nor a folder on the way may be a symbolic link.
    ///
    /// # Errors
    /// As for [`Folder::file`]; a path that leads outside.
    pub fn read(&self, relative: &Utf8Path) -> io::Result<File> {
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(FILE).mode(Mode::empty()).resolve(resolve);
        match openat2(self.0.as_fd(), relative.as_std_path(), how) {
            Ok(file) => Ok(file.into()),
            // A container runtime whose system call filter does not know openat2.
            Err(Errno::ENOSYS | Errno::EPERM) => self.read_by_steps(relative),
            Err(error) => Err(error.into()),
        }
    }

    fn read_by_steps(&self, relative: &Utf8Path) -> io::Result<File> {
        let mut names = Vec::new();
        for component in relative.components() {
            match component {
                Utf8Component::Normal(name) => names.push(OsStr::new(name)),
                Utf8Component::CurDir => {}
                _ => return Err(Errno::EXDEV.into()),
            }
        }
        let Some((last, folders)) = names.split_last() else { return Err(Errno::EISDIR.into()) };
        let mut below: Option<Self> = None;
        for name in folders {
            below = Some(below.as_ref().unwrap_or(self).folder(name)?);
        }
        below.as_ref().unwrap_or(self).file(last)
    }
}

/// A name of one component: anything else would lead elsewhere.
fn single(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || matches!(bytes, b"." | b"..") || bytes.contains(&b'/') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not one name"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        std::fs::create_dir_all(path.join("root/sub")).unwrap();
        std::fs::write(path.join("secret"), "secret").unwrap();
        std::fs::write(path.join("root/sub/a"), "a").unwrap();
        symlink("../secret", path.join("root/link")).unwrap();
        symlink("sub", path.join("root/folder-link")).unwrap();
        let root = Folder::open(&path.join("root")).unwrap();
        (folder, root)
    }

    #[test]
    fn links_are_not_followed() {
        let (_folder, root) = tree();
        for read in [Folder::read, Folder::read_by_steps] {
            let mut text = String::new();
            read(&root, "sub/a".into()).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "a");
            for bad in ["link", "folder-link/a", "../secret", "/etc/passwd", "sub/../../secret", "", "sub/none"] {
                assert!(read(&root, bad.into()).is_err(), "{bad}");
            }
        }
        assert!(root.file(OsStr::new("link")).is_err());
        assert!(root.folder(OsStr::new("folder-link")).is_err());
    }

    #[test]
    fn only_single_names_are_taken() {
        let (_folder, root) = tree();
        for bad in ["", ".", "..", "sub/a", "/etc"] {
            let name = OsStr::new(bad);
            assert!(root.folder(name).is_err() && root.file(name).is_err(), "{bad}");
            assert!(root.kind(name).is_err() && root.link(name).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_kinds_are_told_as_often_as_asked() {
        let (_folder, root) = tree();
        for _ in 0..2 {
            assert_eq!(root.names().unwrap(), ["folder-link", "link", "sub"]);
        }
        assert_eq!(root.kind(OsStr::new("sub")).unwrap(), Kind::Folder);
        assert_eq!(root.kind(OsStr::new("link")).unwrap(), Kind::Link);
        assert_eq!(root.link(OsStr::new("link")).unwrap(), "../secret");
        let sub = root.folder(OsStr::new("sub")).unwrap();
        assert_eq!(sub.kind(OsStr::new("a")).unwrap(), Kind::File);
        assert!(sub.kind(OsStr::new("b")).is_err());
    }

    #[test]
    fn a_folder_stays_the_one_that_was_opened() {
        let (folder, root) = tree();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        let sub = root.folder(OsStr::new("sub")).unwrap();
        std::fs::rename(path.join("root/sub"), path.join("moved")).unwrap();
        symlink("/etc", path.join("root/sub")).unwrap();
        assert_eq!(sub.names().unwrap(), ["a"]);
        assert!(root.read("sub/passwd".into()).is_err());
        assert!(Folder::open(&path.join("root/sub")).is_err());
    }
}
