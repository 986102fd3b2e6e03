//! The tree of the base commit as the archive that both sandboxes start from.

use std::collections::BTreeSet;

use domain::failure::{Failure, FailureKind};
use domain::path::ProtectedPaths;
use domain::spec::Spec;
use domain::verify::{BaseContent, BaseFile, BaseFiles, BaseKind};
use github::{EntryKind, Snapshot};

use crate::diff::{Before, MAX_FILE_BYTES};

/// Compression level: the archive is read once or twice, soon.
const LEVEL: i32 = 3;

/// Most bytes of texts that changes are compared with.
const MAX_BEFORE_BYTES: usize = 8 * 1024 * 1024;

/// Packs a commit's files as `tar.zst`. The same commit always gives the same bytes.
pub(crate) fn pack(snapshot: &Snapshot) -> Result<Vec<u8>, Failure> {
    let broken = |error: std::io::Error| {
        Failure::new(FailureKind::Internal, format!("the workspace could not be packed: {error}"))
    };
    let encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(broken)?;
    let mut archive = tar::Builder::new(encoder);
    archive.mode(tar::HeaderMode::Deterministic);
    for (path, file) in &snapshot.files {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        match file.kind {
            EntryKind::Symlink => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                let target = String::from_utf8_lossy(&file.content).into_owned();
                archive.append_link(&mut header, path, target).map_err(broken)?;
            }
            EntryKind::Submodule => {}
            EntryKind::File | EntryKind::Executable => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_mode(if file.kind == EntryKind::Executable { 0o755 } else { 0o644 });
                header.set_size(file.content.len() as u64);
                archive.append_data(&mut header, path, file.content.as_slice()).map_err(broken)?;
            }
        }
    }
    archive.into_inner().map_err(broken)?.finish().map_err(broken)
}

/// Every path of the commit, submodules too, and what is in those that the SPEC names: what a change set is judged
/// against.
pub(crate) fn base_files(snapshot: &Snapshot, spec: &Spec, protected: &ProtectedPaths) -> BaseFiles {
    let submodules = snapshot.submodules.iter().map(|path| (path.clone(), BaseFile::of(BaseKind::Submodule)));
    let files = snapshot.files.iter().map(|(path, file)| (path.clone(), BaseFile::of(file.kind.into())));
    let mut base = BaseFiles { files: files.chain(submodules).collect(), protected: protected.clone() };
    for path in spec.files.iter().map(|file| file.path.as_str()) {
        if let (Some(entry), Some(file)) = (base.files.get_mut(path), snapshot.files.get(path)) {
            entry.content = Some(BaseContent::of(path, &file.content));
        }
    }
    base
}

/// What the SPEC's files were at the commit: the texts that a change can be compared with.
pub(crate) fn before(snapshot: &Snapshot, spec: &Spec) -> Before {
    let mut left = MAX_BEFORE_BYTES;
    let texts = spec.files.iter().filter_map(|file| {
        let path = file.path.as_str();
        let text = text(snapshot, path).filter(|text| text.len() <= MAX_FILE_BYTES.min(left))?;
        left -= text.len();
        Some((path.to_owned(), text.to_owned()))
    });
    texts.collect()
}

/// Every path of the commit, submodules too.
pub(crate) fn paths(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.files.keys().chain(&snapshot.submodules).cloned().collect()
}

/// A text file of the commit.
pub(crate) fn text<'a>(snapshot: &'a Snapshot, path: &str) -> Option<&'a str> {
    let file = snapshot.files.get(path).filter(|file| matches!(file.kind, EntryKind::File | EntryKind::Executable))?;
    std::str::from_utf8(&file.content).ok()
}
