//! Listing and reading files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::path::folders;
use github::{EntryKind, SnapshotFile};
use schemars::JsonSchema;
use serde::Deserialize;

use super::MAX_RESULT_BYTES;
use crate::repository::{Base, is_regular};
use crate::text::{line, revealed};

/// Most entries of one listing.
const MAX_LISTED: usize = 400;
/// Most lines of one reading.
const MAX_LINES: usize = 2_000;
/// Longest line that is shown whole, bytes.
const MAX_LINE_BYTES: usize = 1_000;
/// Bytes that are looked at to tell text from other data, as Git does.
const SNIFFED: usize = 8_000;

/// Input of `list_files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFiles {
    /// Folder, from the repository's root. Absent: the root.
    path: Option<String>,
}

/// Input of `read_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFile {
    /// Path from the repository's root.
    path: String,
    /// First line, from 1. Absent: the first.
    start_line: Option<usize>,
    /// Last line, included. Absent: as many as fit.
    end_line: Option<usize>,
}

/// What a path names.
pub(super) enum Place<'a> {
    Folder(String),
    File(String, &'a SnapshotFile),
}

/// Finds a path as a model writes it: `./src/`, `/src` and `src` are one.
pub(super) fn find<'a>(base: &'a Base, path: &str) -> Result<Place<'a>, String> {
    let path = path.trim().trim_start_matches("./").trim_matches('/');
    if path.is_empty() || path == "." {
        return Ok(Place::Folder(String::new()));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("`{}` leads out of its folder; paths begin at the repository's root", line(path)));
    }
    if let Some(file) = base.snapshot.files.get(path) {
        return Ok(Place::File(path.to_owned(), file));
    }
    if base.snapshot.submodules.iter().any(|submodule| path == submodule || is_below(path, submodule)) {
        return Err(format!("`{}` is in a submodule, which is another repository and cannot be read", line(path)));
    }
    if below(base, path).next().is_some() {
        return Ok(Place::Folder(path.to_owned()));
    }
    for folder in folders(path) {
        match base.snapshot.files.get(folder) {
            Some(link) if link.kind == EntryKind::Symlink => {
                return Err(format!(
                    "`{}` is a symbolic link to `{}`; links are not followed",
                    line(folder),
                    line(&String::from_utf8_lossy(&link.content))
                ));
            }
            Some(_) => return Err(format!("`{}` is a file and has nothing below it", line(folder))),
            None => {}
        }
    }
    Err(unknown(base, path))
}

/// Says that a path does not exist, and which similar ones do.
fn unknown(base: &Base, path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let similar: Vec<String> = base
        .snapshot
        .files
        .keys()
        .filter(|known| known.rsplit('/').next().is_some_and(|other| other.to_lowercase() == name))
        .take(5)
        .map(|known| format!("`{}`", line(known)))
        .collect();
    let hint = if similar.is_empty() { String::new() } else { format!("; there is {}", similar.join(", ")) };
    format!("`{}` does not exist at the base commit{hint}", line(path))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The files below a folder; the empty path is the root.
pub(super) fn below<'a>(base: &'a Base, folder: &str) -> impl Iterator<Item = (&'a str, &'a SnapshotFile)> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let from = prefix.clone();
    base.snapshot
        .files
        .range::<String, _>(from..)
        .take_while(move |(path, _)| path.starts_with(&prefix))
        .map(|(path, file)| (path.as_str(), file))
}

pub(super) fn list_files(base: &Base, input: &ListFiles) -> Result<String, String> {
    match find(base, input.path.as_deref().unwrap_or_default())? {
        Place::File(path, file) => Ok(describe(&path, file)),
        Place::Folder(folder) => Ok(listing(base, &folder)),
    }
}

/// All files of a folder, or, where they are too many, its own entries with a count for each subfolder.
pub(crate) fn listing(base: &Base, folder: &str) -> String {
    let inside = |submodule: &&String| folder.is_empty() || is_below(submodule, folder);
    let submodules = base.snapshot.submodules.iter().filter(inside);
    let submodules = submodules.map(|path| format!("{} (submodule: another repository)", line(path)));
    let count = below(base, folder).count();
    let mut lines: Vec<String> = if count <= MAX_LISTED {
        below(base, folder).map(|(path, file)| describe(path, file)).collect()
    } else {
        summary(base, folder)
    };
    lines.extend(submodules);
    if lines.is_empty() {
        return "The repository has no files at this commit.".to_owned();
    }
    let left_out = lines.len().saturating_sub(MAX_LISTED);
    lines.truncate(MAX_LISTED);
    if left_out > 0 {
        lines.push(format!("… and {left_out} more entries. Use search_text to find files by what is in them."));
    }
    lines.join("\n")
}

fn summary(base: &Base, folder: &str) -> Vec<String> {
    let skip = if folder.is_empty() { 0 } else { folder.len() + 1 };
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = Vec::new();
    for (path, file) in below(base, folder) {
        match path[skip..].find('/') {
            Some(end) => *folders.entry(&path[..skip + end]).or_default() += 1,
            None => files.push(describe(path, file)),
        }
    }
    let mut lines: Vec<String> =
        folders.into_iter().map(|(path, count)| format!("{}/ ({count} files)", line(path))).collect();
    lines.append(&mut files);
    lines
}

fn describe(path: &str, file: &SnapshotFile) -> String {
    let path = line(path);
    match file.kind {
        EntryKind::Symlink => {
            format!("{path} (symbolic link to {})", line(&String::from_utf8_lossy(&file.content)))
        }
        _ if text_of(file).is_none() => format!("{path} ({} bytes, binary)", file.content.len()),
        _ => format!("{path} ({} bytes)", file.content.len()),
    }
}

/// The file's text; none of a link or of binary data. Bytes that are not UTF-8 show as replacement characters.
pub(super) fn text_of(file: &SnapshotFile) -> Option<std::borrow::Cow<'_, str>> {
    let head = &file.content[..file.content.len().min(SNIFFED)];
    (is_regular(file) && !head.contains(&0)).then(|| String::from_utf8_lossy(&file.content))
}

pub(super) fn read_file(base: &Base, input: &ReadFile) -> Result<String, String> {
    let (path, file) = match find(base, &input.path)? {
        Place::File(path, file) => (path, file),
        Place::Folder(folder) => return Err(format!("`{}` is a folder; use list_files", line(&folder))),
    };
    if file.kind == EntryKind::Symlink {
        let target = String::from_utf8_lossy(&file.content);
        return Err(format!("`{path}` is a symbolic link to `{}`; links are not followed", line(&target)));
    }
    let Some(text) = text_of(file) else {
        return Err(format!("`{path}` is a binary file of {} bytes and is not shown", file.content.len()));
    };
    let total = text.lines().count();
    if total == 0 {
        return Ok(format!("`{path}` is empty."));
    }
    let start = input.start_line.unwrap_or(1).max(1);
    let end = input.end_line.unwrap_or(total).min(total);
    if start > total || end < start {
        return Err(format!("`{path}` has the lines 1 to {total}; {start} to {end} is no range of them"));
    }
    let mut body = String::new();
    let mut last = start;
    for (index, content) in text.lines().enumerate().skip(start - 1).take((end - start + 1).min(MAX_LINES)) {
        let shown = numbered(index + 1, content);
        if body.len() + shown.len() > MAX_RESULT_BYTES && !body.is_empty() {
            break;
        }
        body.push_str(&shown);
        last = index + 1;
    }
    let mut head = format!("`{path}`, lines {start} to {last} of {total}");
    if last < end {
        // Writing to a String cannot fail.
        write!(head, " (cut: continue with start_line {})", last + 1).unwrap_or_default();
    }
    Ok(format!("{head}:\n{body}"))
}

fn numbered(number: usize, content: &str) -> String {
    format!("{number:>5}  {}\n", shortened(content, MAX_LINE_BYTES))
}

/// A line of a file, cut to size.
pub(super) fn shortened(content: &str, max: usize) -> String {
    let end = content.floor_char_boundary(max);
    let rest =
        if end < content.len() { format!(" [{} more bytes in this line]", content.len() - end) } else { String::new() };
    format!("{}{rest}", revealed(&content[..end]))
}
