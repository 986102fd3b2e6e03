//! Unpacking `workspace.tar.zst`, and recording what was in it.
//!
//! The archive holds a repository's files, so its author may be hostile. Only files, folders and symbolic links that stay
//! inside are taken; links are made last and nothing lies below one, so that nothing is ever written through one.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, symlink};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::path::{MAX_PATH_BYTES, fold};
use tar::EntryType;

use super::base::{BaseEntry, BaseTree};
use super::hashing::HashingReader;
use super::open::Folder;
use super::stamp::{Stamp, Stamps};

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

/// Most steps from a link to where it leads. Links that lead round in circles have no end.
const MAX_LINK_STEPS: usize = 1_000;

/// Longest target of a link, with what is left to follow of others, bytes. Linux follows no longer path.
const MAX_TARGET: usize = 4_095;

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Reading or writing failed, or the archive is damaged.
    #[error("the workspace archive could not be unpacked")]
    Io(#[from] io::Error),
    /// An entry is acceptable, but not to this machine's file system.
    #[error("`{path}` of the workspace archive could not be written")]
    Write {
        /// The entry's path, escaped.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
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
    let mut stamps = HashMap::new();
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
            EntryType::Directory => fs::create_dir_all(root.join(&path)).map_err(|error| not_written(&path, error))?,
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode()? & 0o111 != 0;
                let target = root.join(&path);
                let (size, digest, stamp) =
                    write_file(&mut entry, &target, executable).map_err(|error| not_written(&path, error))?;
                if path.file_name() == Some(".gitignore") && size <= MAX_IGNORE_BYTES {
                    ignore_files.insert(path.to_string(), fs::read(&target)?);
                }
                stamps.insert(path.to_string(), stamp);
                insert(&mut entries, path, BaseEntry::File { executable, size, digest })?;
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = String::from_utf8(target).map_err(|_| refuse(path.as_str(), "its target is not UTF-8"))?;
                links.push(path.clone());
                insert(&mut entries, path, BaseEntry::Link { target, unpacked: false })?;
            }
            _ => return Err(refuse(path.as_str(), "only files, folders and symbolic links are allowed")),
        }
    }
    for path in entries.keys().map(Utf8Path::new) {
        if path.ancestors().skip(1).any(|above| entries.contains_key(above.as_str())) {
            return Err(refuse(path.as_str(), "it lies below a link or a file"));
        }
    }
    for path in links {
        if let Some(target) = target_inside(&entries, &path) {
            make_link(root, &path, &target).map_err(|error| not_written(&path, error))?;
            entries.insert(path.into_string(), BaseEntry::Link { target, unpacked: true });
        }
    }
    let stamps = Stamps::believed(stamps, Folder::open(root)?);
    Ok(BaseTree::new(entries, &ignore_files).with_stamps(stamps))
}

fn insert(entries: &mut BTreeMap<String, BaseEntry>, path: Utf8PathBuf, entry: BaseEntry) -> Result<(), UnpackError> {
    match entries.insert(path.to_string(), entry) {
        None => Ok(()),
        Some(_) => Err(refuse(path.as_str(), "it occurs twice")),
    }
}

fn make_link(root: &Utf8Path, path: &Utf8Path, target: &str) -> io::Result<()> {
    let link = root.join(path);
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    symlink(target, link)
}

fn write_file(content: &mut impl Read, target: &Utf8Path, executable: bool) -> io::Result<(u64, Digest, Stamp)> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
    let mut hashing = HashingReader::new(content);
    let size = io::copy(&mut hashing, &mut file)?;
    let stamp = Stamp::from(&file.metadata()?);
    Ok((size, hashing.digest(), stamp))
}

/// The path from the root, or `None` for the root itself.
fn checked_path(bytes: &[u8]) -> Result<Option<Utf8PathBuf>, UnpackError> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(refuse(&String::from_utf8_lossy(bytes), "its name is not UTF-8"));
    };
    if bytes.len() > MAX_PATH_BYTES {
        return Err(refuse(text, "its path is longer than 1,024 bytes"));
    }
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
    UnpackError::Entry { path: shown(path), reason }
}

fn not_written(path: &Utf8Path, source: io::Error) -> UnpackError {
    UnpackError::Write { path: shown(path.as_str()), source }
}

fn shown(path: &str) -> String {
    path.escape_debug().take(200).collect()
}

/// The target of the link at `path` if it stays inside the root, and so does every link that it leads through: where
/// `..` leads from a folder that is a link cannot be told from the text. No kernel follows more than [`MAX_TARGET`] bytes.
fn target_inside(entries: &BTreeMap<String, BaseEntry>, path: &Utf8Path) -> Option<String> {
    let target = |path: &str| match entries.get(path) {
        Some(BaseEntry::Link { target, .. }) => Some(target.as_str()),
        _ => None,
    };
    let own = target(path.as_str()).filter(|target| !target.is_empty())?;
    if own.len() > MAX_TARGET {
        return None;
    }
    let mut place = path.parent()?.to_owned();
    let mut ahead: Vec<Utf8Component<'_>> = Utf8Path::new(own).components().rev().collect();
    for _ in 0..MAX_LINK_STEPS {
        let Some(component) = ahead.pop() else { return Some(own.to_owned()) };
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                if !place.pop() {
                    return None;
                }
            }
            Utf8Component::Normal(name) if fold(name) == ".git" => return None,
            Utf8Component::Normal(name) => {
                place.push(name);
                if let Some(target) = target(place.as_str()) {
                    if ahead.len() + target.len() > MAX_TARGET {
                        return None;
                    }
                    place.pop();
                    ahead.extend(Utf8Path::new(target).components().rev());
                }
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    None
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
            let (_folder, tree) = run(&[Item::Folder("d"), Item::Link(path, target)]);
            let expected = BaseEntry::Link { target: target.to_owned(), unpacked: inside };
            assert_eq!(tree.unwrap().get(path), Some(&expected), "{path} -> {target}");
        }
    }

    #[test]
    fn a_link_through_another_is_judged_by_where_both_lead() {
        let up = Item::Link("x/y/up", "../..");
        let links = [up, Item::Link("d", "x/y"), Item::Link("in", "d/up/x"), Item::Link("out", "x/y/up/../../etc")];
        let more = [Item::Link("round", "trip"), Item::Link("trip", "round"), Item::Link("out2", "d/up/up/../..")];
        let (_folder, tree) = run(&links.into_iter().chain(more).collect::<Vec<_>>());
        let tree = tree.unwrap();
        let unpacked = tree.iter().filter(|(_, entry)| matches!(entry, BaseEntry::Link { unpacked: true, .. }));
        assert_eq!(unpacked.map(|(path, _)| path).collect::<Vec<_>>(), ["d", "in", "x/y/up"]);
    }

    #[test]
    fn nothing_is_made_through_a_link() {
        for (link, below) in [("x/y/up", "x/y/up/a"), ("z", "z/a/b")] {
            let (folder, tree) = run(&[Item::Folder("x/y"), Item::Link(link, "../.."), Item::Link(below, "c")]);
            assert!(tree.unwrap_err().to_string().contains("below a link"));
            assert!(fs::symlink_metadata(folder.path().join("a")).is_err());
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
