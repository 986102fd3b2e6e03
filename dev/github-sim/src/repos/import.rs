//! Files of a folder on disk as contents of a repository.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::edit;
use crate::error::{ApiError, ApiResult};
use crate::git::{EntrySource, Git, TreeEdit};

/// Stores all files of a folder as blobs: regular files, programs and symbolic links.
pub(super) async fn read_dir(git: &Git, dir: &Path) -> ApiResult<Vec<TreeEdit>> {
    let unreadable = |detail: String| ApiError::unprocessable(format!("{}: {detail}", dir.display()));
    let root = dir.canonicalize().map_err(|e| unreadable(e.to_string()))?;
    let (mut files, mut edits) = (Vec::new(), Vec::new());
    let walk = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(|e| e.file_name() != ".git");
    for entry in walk {
        let entry = entry.map_err(|e| unreadable(e.to_string()))?;
        let relative = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let not_text = || unreadable(format!("{} is not a UTF-8 name", relative.display()));
        let path = relative.to_str().ok_or_else(not_text)?;
        if entry.file_type().is_symlink() {
            let target = std::fs::read_link(entry.path()).map_err(|e| unreadable(e.to_string()))?;
            let bytes = target.to_string_lossy().into_owned().into_bytes();
            edits.push(edit(path, "120000", EntrySource::Content(bytes))?);
        } else if entry.file_type().is_file() {
            let meta = entry.metadata().map_err(|e| unreadable(e.to_string()))?;
            let mode = if meta.permissions().mode() & 0o111 == 0 { "100644" } else { "100755" };
            if path.contains('\n') {
                let bytes = std::fs::read(entry.path()).map_err(|e| unreadable(e.to_string()))?;
                edits.push(edit(path, mode, EntrySource::Content(bytes))?);
            } else {
                files.push((entry.path().to_path_buf(), path.to_owned(), mode));
            }
        }
    }
    let on_disk: Vec<PathBuf> = files.iter().map(|(disk, ..)| disk.clone()).collect();
    for ((_, path, mode), sha) in files.iter().zip(git.write_blobs_from_disk(&on_disk).await?) {
        edits.push(edit(path, mode, EntrySource::Object(sha))?);
    }
    Ok(edits)
}
