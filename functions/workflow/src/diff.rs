//! Makes the diff of a verified change set: what people read of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::Digest;
use domain::diff::{ChangeDiff, DIFF_VERSION, DiffBody, FileDiff, Hunk, NO_NEWLINE};
use domain::path::RepoPath;
use domain::spec::Spec;
use domain::verify::{BaseFiles, VerifiedChange, VerifiedChangeSet, VerifiedKind, is_binary};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices, group_diff_ops};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Largest file that is compared, bytes, before or after.
pub(crate) const MAX_FILE_BYTES: usize = 512 * 1024;
/// Most lines of one file.
const MAX_LINES: usize = 3_000;
/// Most bytes of all lines, as they are stored: what JSON makes longer counts as that.
const MAX_TOTAL_BYTES: usize = 1024 * 1024;
/// Longest line, characters.
const MAX_LINE: usize = 2_000;
/// Most lines, before and after together, among which the smallest difference is looked for: that takes the square of it.
/// More are told as gone and new. A limit on time would do as well, but give another diff each time.
const MAX_COMPARED: usize = 6_000;

/// What the SPEC's files were before a run, as far as they are texts to be compared.
pub(crate) type Before = BTreeMap<String, String>;

/// The diff of a change set whose archive has this digest.
pub(crate) fn make(
    set: &VerifiedChangeSet,
    digest: Digest,
    spec: &Spec,
    base: &BaseFiles,
    before: &Before,
) -> ChangeDiff {
    let (added, _) = spec.added_first();
    let amended: BTreeSet<&RepoPath> = match &spec.amendment {
        Some(_) => added.iter().map(|file| &file.path).collect(),
        None => BTreeSet::new(),
    };
    let mut left = MAX_TOTAL_BYTES;
    let (protected, ordinary): (Vec<_>, Vec<_>) = set.changes().iter().partition(|it| it.protection().is_some());
    let files = protected.into_iter().chain(ordinary).map(|change| FileDiff {
        by_amendment: amended.contains(change.path()),
        ..file(change, base, before, &mut left)
    });
    ChangeDiff {
        version: DIFF_VERSION,
        workflow_id: set.workflow_id().clone(),
        attempt: set.attempt(),
        base_commit: set.base_commit().clone(),
        change_set: digest,
        files: files.collect(),
    }
}

fn file(change: &VerifiedChange, base: &BaseFiles, before: &Before, left: &mut usize) -> FileDiff {
    let (added, removed, body) = match texts(change, base, before) {
        Ok((old, new)) => lines(old, new, left),
        Err(body) => (0, 0, body),
    };
    FileDiff {
        path: change.path().clone(),
        action: change.action(),
        protection: change.protection(),
        by_amendment: false,
        executable: matches!(change.kind(), VerifiedKind::Write { executable: true, .. }),
        added,
        removed,
        body,
    }
}

/// Both texts of a file, or why they are not compared.
fn texts<'a>(change: &'a VerifiedChange, base: &BaseFiles, before: &'a Before) -> Result<(&'a str, &'a str), DiffBody> {
    let path = change.path().as_str();
    let known = base.files.get(path).and_then(|file| file.content.as_ref());
    if known.is_some_and(|content| !content.credentials.is_empty()) {
        return Err(DiffBody::Withheld);
    }
    if known.is_some_and(|content| content.binary) {
        return Err(DiffBody::Binary);
    }
    let new = match change.kind() {
        VerifiedKind::Delete => "",
        VerifiedKind::Write { content, .. } if content.len() > MAX_FILE_BYTES => return Err(DiffBody::TooLarge),
        VerifiedKind::Write { content, .. } if is_binary(content) => return Err(DiffBody::Binary),
        VerifiedKind::Write { content, .. } => std::str::from_utf8(content).map_err(|_| DiffBody::Binary)?,
    };
    match (base.files.contains_key(path), before.get(path)) {
        (false, _) => Ok(("", new)),
        (true, Some(old)) => Ok((old, new)),
        (true, None) => Err(DiffBody::Unknown),
    }
}

/// Counts all lines, and takes those that fit.
fn lines(old: &str, new: &str, left: &mut usize) -> (u32, u32, DiffBody) {
    // As Git does: a carriage return alone ends no line.
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let (mut added, mut removed, mut omitted) = (0, 0, 0);
    let (mut hunks, mut taken) = (Vec::new(), 0);
    for group in group_diff_ops(operations(&old, &new), CONTEXT) {
        let mut hunk: Option<Hunk> = None;
        for change in group.iter().flat_map(|op| op.iter_changes(old.as_slice(), new.as_slice())) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
            };
            added += u32::from(mark == '+');
            removed += u32::from(mark == '-');
            let text = shorten(change.value().strip_suffix('\n').unwrap_or(change.value()));
            let stored = stored_bytes(&text);
            // Nothing after the first line that is left out is shown: a hole between lines would make other code of them.
            if omitted > 0 || taken >= MAX_LINES || stored > *left {
                omitted += 1;
                continue;
            }
            taken += 1;
            *left -= stored;
            let number = |index: Option<usize>| index.map(|index| u32::try_from(index + 1).unwrap_or(u32::MAX));
            let hunk = hunk.get_or_insert_with(|| Hunk { old_start: 0, new_start: 0, lines: Vec::new() });
            if hunk.old_start == 0 {
                hunk.old_start = number(change.old_index()).unwrap_or(0);
            }
            if hunk.new_start == 0 {
                hunk.new_start = number(change.new_index()).unwrap_or(0);
            }
            hunk.lines.push(format!("{mark}{text}"));
            if !change.value().ends_with('\n') {
                hunk.lines.push(NO_NEWLINE.to_owned());
            }
        }
        hunks.extend(hunk);
    }
    (added, removed, DiffBody::Lines { hunks, omitted })
}

/// What turns one list of lines into the other.
fn operations(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same..], &new[same..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_len, new_len) = (old_rest.len() - end, new_rest.len() - end);
    if old_len + new_len <= MAX_COMPARED {
        return capture_diff_slices(Algorithm::Myers, old, new);
    }
    let replaced = DiffOp::Replace { old_index: same, old_len, new_index: same, new_len };
    let equal = |old_index, new_index, len| DiffOp::Equal { old_index, new_index, len };
    let all = [equal(0, 0, same), replaced, equal(same + old_len, same + new_len, end)];
    all.into_iter().filter(|op| !op.old_range().is_empty() || !op.new_range().is_empty()).collect()
}

/// How many bytes a line takes in the document, with its mark, quotes and comma.
fn stored_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 4
}

fn shorten(line: &str) -> String {
    let mut rest = line.chars();
    let kept: String = rest.by_ref().take(MAX_LINE).collect();
    match rest.count() {
        0 => kept,
        more => format!("{kept}… ({more} characters more)"),
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
