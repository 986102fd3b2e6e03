//! Comparing a tree with the base commit, without following links.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use camino::Utf8Path;
use domain::Digest;
use domain::change_set::{Change, ManifestEntry, RejectReason};
use domain::path::{MAX_PATH_BYTES, RepoPath};
use sha2::{Digest as _, Sha256};

use crate::workspace::git::GIT_FOLDER;
use crate::workspace::open::{Folder, Kind};
use crate::workspace::{BaseEntry, BaseTree};

/// Most dropped paths that are named.
const MAX_DROPPED_NAMES: usize = 1_000;
/// Most entries, whatever they are: beyond it the manifest itself would be too large.
const MAX_ENTRIES: usize = 20_000;

/// Limits of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeLimits {
    /// Largest file, bytes.
    pub file_bytes: u64,
    /// All files together, bytes.
    pub total_bytes: u64,
    /// Most written files.
    pub files: u64,
}

/// What differs from the base tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In path order.
    pub entries: Vec<ManifestEntry>,
    /// New paths that the base commit's ignore rules cover; a folder stands for all below it. At most 1,000.
    pub dropped: Vec<String>,
    /// How many were dropped.
    pub dropped_count: u64,
    /// The contents of the written files.
    pub contents: BTreeMap<String, Vec<u8>>,
}

/// Walks the tree at `root` and compares it with `base`. The paths in `named` are never build products, whatever the
/// ignore rules say: the SPEC asks for them.
///
/// Nothing of it is followed: should something still write to the tree meanwhile, the worst that happens is a rejected
/// entry.
///
/// # Errors
/// The root itself cannot be read. Whatever cannot be read below it becomes a rejected entry.
pub fn find_changes(
    root: &Utf8Path,
    base: &BaseTree,
    named: &BTreeSet<RepoPath>,
    limits: ChangeLimits,
) -> io::Result<Changes> {
    let mut walk = Walk {
        base,
        named: named.iter().map(RepoPath::as_str).collect(),
        limits,
        found: BTreeMap::new(),
        seen: BTreeSet::new(),
        changes: Changes::default(),
        bytes: 0,
        files: 0,
    };
    walk.folder(&Folder::open(root)?, Utf8Path::new(""), false)?;
    Ok(walk.finish())
}

struct Walk<'a> {
    base: &'a BaseTree,
    named: BTreeSet<&'a str>,
    limits: ChangeLimits,
    found: BTreeMap<String, Change>,
    /// Base paths that still exist in some form.
    seen: BTreeSet<String>,
    changes: Changes,
    bytes: u64,
    files: u64,
}

/// A name in a folder that is held open, and its path from the root.
#[derive(Clone, Copy)]
struct Place<'a> {
    folder: &'a Folder,
    name: &'a OsStr,
    path: &'a Utf8Path,
}

impl Walk<'_> {
    /// Reads one folder. `ignored`: it lies in an ignored folder that also holds files of the base commit or the SPEC.
    fn folder(&mut self, folder: &Folder, path: &Utf8Path, ignored: bool) -> io::Result<()> {
        for name in folder.names()? {
            match name.to_str() {
                Some(GIT_FOLDER) if path.as_str().is_empty() => {}
                Some(text) => {
                    let path = path.join(text);
                    self.entry(Place { folder, name: &name, path: &path }, ignored);
                }
                None => {
                    let path = path.join(name.to_string_lossy().as_ref());
                    self.reject(path.into_string(), RejectReason::NotUtf8, false);
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, place: Place<'_>, ignored: bool) {
        let path = place.path;
        let existed = self.base.get(path.as_str()).is_some();
        let (kind, stamp) = match place.folder.look(place.name) {
            Ok(seen) => seen,
            Err(error) => return self.unreadable(path, existed, &error),
        };
        if kind == Kind::Folder {
            return self.subfolder(place, ignored);
        }
        if existed {
            self.seen.insert(path.to_string());
        } else if !self.named.contains(path.as_str()) && (ignored || self.base.ignores(path.as_str(), false)) {
            return self.drop_path(path.to_string());
        }
        match kind {
            // What the agent may change is read in any case.
            Kind::File if !self.named.contains(path.as_str()) && self.base.is_untouched(path.as_str(), &stamp) => {}
            Kind::Link => self.link(place, existed),
            Kind::File => self.file(place, existed),
            Kind::Special | Kind::Folder => self.reject(path.to_string(), RejectReason::SpecialFile, existed),
        }
    }

    fn subfolder(&mut self, place: Place<'_>, ignored: bool) {
        let path = place.path;
        let ignored = ignored || self.base.ignores(path.as_str(), true);
        if ignored && !self.base.has_below(path.as_str()) && !self.names_below(path.as_str()) {
            return self.drop_path(format!("{path}/"));
        }
        // No path in a repository is longer, and so deep a tree is made to break whoever walks it.
        let result = if path.as_str().len() > MAX_PATH_BYTES {
            Err(io::Error::other("its path is too long"))
        } else {
            place.folder.folder(place.name).and_then(|folder| self.folder(&folder, path, ignored))
        };
        if let Err(error) = result {
            self.unreadable(path, false, &error);
        }
    }

    /// Whether the SPEC names a path below this folder.
    fn names_below(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.named.range(prefix.as_str()..).next().is_some_and(|path| path.starts_with(&prefix))
    }

    fn link(&mut self, place: Place<'_>, existed: bool) {
        if let Some(BaseEntry::Link { target, .. }) = self.base.get(place.path.as_str())
            && place.folder.link(place.name).is_ok_and(|now| now == target.as_str())
        {
            return;
        }
        self.reject(place.path.to_string(), RejectReason::SymbolicLink, existed);
    }

    fn file(&mut self, place: Place<'_>, existed: bool) {
        let path = place.path;
        let read = match self.read(place) {
            Ok(Some(read)) => read,
            Ok(None) => return self.reject(path.to_string(), RejectReason::TooLarge, existed),
            Err(error) => return self.unreadable(path, existed, &error),
        };
        let executable = read.metadata.mode() & 0o111 != 0;
        let now = BaseEntry::File { executable, size: read.size, digest: read.digest };
        if self.base.get(path.as_str()) == Some(&now) {
            return;
        }
        let rejected = if read.metadata.nlink() > 1 {
            Some(RejectReason::HardLink)
        } else if read.content.is_none() {
            Some(RejectReason::TooLarge)
        } else if self.files >= self.limits.files || self.bytes.saturating_add(read.size) > self.limits.total_bytes {
            Some(RejectReason::TooMuch)
        } else {
            None
        };
        let (Some(content), None) = (read.content, rejected) else {
            return self.reject(path.to_string(), rejected.unwrap_or(RejectReason::TooLarge), existed);
        };
        self.files += 1;
        self.bytes += read.size;
        self.changes.contents.insert(read.digest.to_string(), content);
        let mode = if executable { 0o755 } else { 0o644 };
        self.record(path.to_string(), Change::Written { mode, size: read.size, digest: read.digest, existed });
    }

    /// Reads a file once: its digest, and its content when it is not too large. `None`: it is over the limit and so
    /// surely not what it was, which can be said without reading it. Sparse files are quickly made very large.
    fn read(&self, place: Place<'_>) -> io::Result<Option<ReadFile>> {
        let mut file = place.folder.file(place.name)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file any more"));
        }
        let before = self.base.get(place.path.as_str());
        let same_size = matches!(before, Some(BaseEntry::File { size, .. }) if *size == metadata.len());
        if metadata.len() > self.limits.file_bytes && !same_size {
            return Ok(None);
        }
        let mut hash = Sha256::new();
        let (mut size, mut content) = (0u64, Some(Vec::new()));
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            size += length as u64;
            if size > metadata.len() {
                break;
            }
            hash.update(&buffer[..length]);
            if size > self.limits.file_bytes {
                content = None;
            } else if let Some(content) = &mut content {
                content.extend_from_slice(&buffer[..length]);
            }
        }
        if size != metadata.len() {
            return Err(io::Error::other("its size changed while it was read"));
        }
        Ok(Some(ReadFile { metadata, size, digest: Digest::from_bytes(hash.finalize().into()), content }))
    }

    fn unreadable(&mut self, path: &Utf8Path, existed: bool, error: &io::Error) {
        tracing::warn!(%path, %error, "a path of the workspace could not be read");
        self.reject(path.to_string(), RejectReason::Unreadable, existed);
    }

    fn reject(&mut self, path: String, reason: RejectReason, existed: bool) {
        self.record(path, Change::Rejected { reason, existed });
    }

    fn record(&mut self, path: String, change: Change) {
        if matches!(self.found.get(&path), Some(Change::Rejected { .. })) {
            // Two names that are not UTF-8, or one and its replacement, have the same text: what is wrong stays.
            return;
        }
        if self.found.len() < MAX_ENTRIES {
            self.found.insert(path, change);
        } else if let Some(mut last) = self.found.last_entry() {
            // The verifier refuses the whole change set; naming more than this many paths would tell nobody more.
            last.insert(Change::Rejected { reason: RejectReason::TooMuch, existed: false });
        }
    }

    fn drop_path(&mut self, path: String) {
        self.changes.dropped_count += 1;
        if self.changes.dropped.len() < MAX_DROPPED_NAMES {
            self.changes.dropped.push(path);
        }
    }

    fn finish(mut self) -> Changes {
        for (path, entry) in self.base.iter() {
            let was_there = !matches!(entry, BaseEntry::Link { unpacked: false, .. });
            if was_there && !self.seen.contains(path) && !self.found.contains_key(path) {
                self.record(path.to_owned(), Change::Deleted);
            }
        }
        let entry = |(path, change)| ManifestEntry { path, change };
        self.changes.entries = self.found.into_iter().map(entry).collect();
        self.changes
    }
}

struct ReadFile {
    metadata: Metadata,
    size: u64,
    digest: Digest,
    /// `None`: over the limit.
    content: Option<Vec<u8>>,
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
