//! Unpacking `workspace.tar.zst`, and recording what was in it.
//!
//! The archive holds a repository's files, so its author may be hostile. Only files, folders and symbolic links that stay
//! inside are taken; links are made last, so that nothing is ever written through one.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, symlink};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::path::fold;
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::base::{BaseEntry, BaseTree};

/// Limits of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Most entries.
    pub entries: u64,
    /// Most bytes of all files.
    pub bytes: u64,
}

impl Default for UnpackLimits {
    /// 200,000 entries, 4 GiB.
    fn default() -> Self {
        Self { entries: 200_000, bytes: 4 * 1024 * 1024 * 1024 }
    }
}

/// Largest `.gitignore` that is read.
const MAX_IGNORE_BYTES: u64 = 256 * 1024;

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Reading or writing failed, or the archive is damaged.
    #[error("the workspace archive could not be unpacked")]
    Io(#[from] io::Error),
    /// An entry is not acceptable.
    #[error("the workspace archive has an unacceptable entry `{path}`: {reason}")]
    Entry {
        /// The entry's path, escaped.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Over a limit.
    #[error("the workspace archive is over the limit of {entries} entries or {bytes} bytes", entries = .0.entries, bytes = .0.bytes)]
    TooLarge(UnpackLimits),
}

/// Unpacks a `tar.zst` into the existing, empty folder `root`.
///
/// # Errors
/// See [`UnpackError`]; the folder's content is then unspecified.
pub fn unpack(archive: impl Read, root: &Utf8Path, limits: UnpackLimits) -> Result<BaseTree, UnpackError> {
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(archive)?);
    let mut entries = BTreeMap::new();
    let mut ignore_files = BTreeMap::new();
    let mut links = Vec::new();
    let (mut count, mut bytes) = (0u64, 0u64);
    for entry in archive.entries()? {
        let mut entry = entry?;
        count += 1;
        bytes = bytes.saturating_add(entry.size());
        if count > limits.entries || bytes > limits.bytes {
            return Err(UnpackError::TooLarge(limits));
        }
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            continue;
        }
        let Some(path) = checked_path(&entry.path_bytes())? else { continue };
        match kind {
            EntryType::Directory => fs::create_dir_all(root.join(&path))?,
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode()? & 0o111 != 0;
                let target = root.join(&path);
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent)?;
                }
                let (size, digest) = write_file(&mut entry, &target, executable)?;
                if path.file_name() == Some(".gitignore") && size <= MAX_IGNORE_BYTES {
                    ignore_files.insert(path.to_string(), fs::read(&target)?);
                }
                insert(&mut entries, path, BaseEntry::File { executable, size, digest })?;
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = String::from_utf8(target).map_err(|_| refuse(path.as_str(), "its target is not UTF-8"))?;
                let unpacked = stays_inside(&path, &target);
                if unpacked {
                    links.push((path.clone(), target.clone()));
                }
                insert(&mut entries, path, BaseEntry::Link { target, unpacked })?;
            }
            _ => return Err(refuse(path.as_str(), "only files, folders and symbolic links are allowed")),
        }
    }
    for (path, target) in links {
        let link = root.join(&path);
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink(&target, &link)?;
    }
    Ok(BaseTree::new(entries, &ignore_files))
}

fn insert(entries: &mut BTreeMap<String, BaseEntry>, path: Utf8PathBuf, entry: BaseEntry) -> Result<(), UnpackError> {
    match entries.insert(path.to_string(), entry) {
        None => Ok(()),
        Some(_) => Err(refuse(path.as_str(), "it occurs twice")),
    }
}

fn write_file(content: &mut impl Read, target: &Utf8Path, executable: bool) -> io::Result<(u64, Digest)> {
    let mode = if executable { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
    let mut hashing = HashingReader { inner: content, hash: Sha256::new() };
    let size = io::copy(&mut hashing, &mut file)?;
    Ok((size, Digest::from_bytes(hashing.hash.finalize().into())))
}

struct HashingReader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}

/// The path from the root, or `None` for the root itself.
fn checked_path(bytes: &[u8]) -> Result<Option<Utf8PathBuf>, UnpackError> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(refuse(&String::from_utf8_lossy(bytes), "its name is not UTF-8"));
    };
    let mut path = Utf8PathBuf::new();
    for component in Utf8Path::new(text).components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::Normal(name) if fold(name) == ".git" => {
                return Err(refuse(text, "a component stands for `.git`"));
            }
            Utf8Component::Normal(name) => path.push(name),
            Utf8Component::ParentDir | Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                return Err(refuse(text, "it leads outside"));
            }
        }
    }
    Ok((!path.as_str().is_empty()).then_some(path))
}

fn refuse(path: &str, reason: &'static str) -> UnpackError {
    UnpackError::Entry { path: path.escape_debug().take(200).collect(), reason }
}

/// Whether a link at `path` to `target` stays inside the root, by its text alone.
fn stays_inside(path: &Utf8Path, target: &str) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for component in Utf8Path::new(target).components() {
        match component {
            Utf8Component::Normal(name) if fold(name) == ".git" => return false,
            Utf8Component::Normal(_) => depth += 1,
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    !target.is_empty()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Entries for a test archive.
    pub(crate) enum Item<'a> {
        File(&'a str, &'a [u8], u32),
        Link(&'a str, &'a str),
        Folder(&'a str),
        Kind(&'a str, EntryType),
    }

    /// A `tar.zst` of the items, without any check of their paths.
    pub(crate) fn archive(items: &[Item<'_>]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for item in items {
            let (path, kind, mode, content, target) = match item {
                Item::File(path, content, mode) => (*path, EntryType::Regular, *mode, *content, None),
                Item::Link(path, target) => (*path, EntryType::Symlink, 0o777, &[][..], Some(*target)),
                Item::Folder(path) => (*path, EntryType::Directory, 0o755, &[][..], None),
                Item::Kind(path, kind) => (*path, *kind, 0o644, &[][..], None),
            };
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_size(content.len() as u64);
            if let Some(target) = target {
                header.set_link_name_literal(target).unwrap();
            }
            header.set_cksum();
            tar.append(&header, content).unwrap();
        }
        zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap()
    }

    fn run(items: &[Item<'_>]) -> (tempfile::TempDir, Result<BaseTree, UnpackError>) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let tree = unpack(archive(items).as_slice(), &root, UnpackLimits { entries: 20, bytes: 1000 });
        (folder, tree)
    }

    #[test]
    fn files_folders_and_inner_links_are_unpacked_and_recorded() {
        let (folder, tree) = run(&[
            Item::Folder("./"),
            Item::Folder("empty/"),
            Item::File("src/run.sh", b"#!", 0o775),
            Item::File("a.txt", b"abc", 0o600),
            Item::Link("src/link", "../a.txt"),
            Item::Link("out", "/etc/passwd"),
            Item::File(".gitignore", b"*.log", 0o644),
        ]);
        let tree = tree.unwrap();
        let file = |executable, content: &str| BaseEntry::File {
            executable,
            size: content.len() as u64,
            digest: Digest::of(content),
        };
        assert_eq!(tree.get("src/run.sh"), Some(&file(true, "#!")));
        assert_eq!(tree.get("a.txt"), Some(&file(false, "abc")));
        assert_eq!(tree.get("src/link"), Some(&BaseEntry::Link { target: "../a.txt".to_owned(), unpacked: true }));
        assert_eq!(tree.get("out"), Some(&BaseEntry::Link { target: "/etc/passwd".to_owned(), unpacked: false }));
        assert!(tree.ignores("x.log", false));
        assert!(fs::symlink_metadata(folder.path().join("out")).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("src/link")).unwrap(), "abc");
    }

    #[test]
    fn hostile_entries_are_refused() {
        for items in [
            vec![Item::File("../x", b"", 0o644)],
            vec![Item::File("/abs", b"", 0o644)],
            vec![Item::File("a/../../x", b"", 0o644)],
            vec![Item::File(".git/config", b"", 0o644)],
            vec![Item::File("sub/.GIT/config", b"", 0o644)],
            vec![Item::Kind("fifo", EntryType::Fifo)],
            vec![Item::Kind("dev", EntryType::Block)],
            vec![Item::Kind("hard", EntryType::Link)],
            vec![Item::File("twice", b"", 0o644), Item::Link("twice", "a")],
            vec![Item::Link("dir", "sub"), Item::File("dir/x", b"", 0o644)],
            vec![Item::File("big", &[0; 1001], 0o644)],
        ] {
            let (folder, tree) = run(&items);
            assert!(tree.is_err());
            assert!(!folder.path().parent().unwrap().join("x").exists());
        }
    }

    #[test]
    fn links_are_judged_by_where_they_lead() {
        for (path, target, inside) in [
            ("a", "b", true),
            ("d/a", "../b", true),
            ("a", "../b", false),
            ("d/a", "../../b", false),
            ("d/a", "./x/../../b", true),
            ("a", "/b", false),
            ("a", ".git/config", false),
        ] {
            assert_eq!(stays_inside(path.into(), target), inside, "{path} -> {target}");
        }
    }

    #[test]
    fn a_damaged_archive_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        assert!(unpack(&b"not zstd"[..], root, UnpackLimits::default()).is_err());
        let whole = archive(&[Item::File("a", b"abc", 0o644)]);
        assert!(unpack(&whole[..whole.len() / 2], root, UnpackLimits::default()).is_err());
    }
}
