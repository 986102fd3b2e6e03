//! Makes the diff of a verified change set: what people read of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::diff::{ChangeDiff, DIFF_VERSION, DiffBody, FileDiff, Hunk, NO_NEWLINE};
use domain::path::RepoPath;
use domain::spec::Spec;
use domain::verify::{BaseFiles, VerifiedChange, VerifiedChangeSet, VerifiedKind, is_binary};
use domain::{Digest, verify};
use similar::{Algorithm, ChangeTag, TextDiff};

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
/// How long the smallest diff of one file is looked for; then a longer one does.
const PATIENCE: Duration = Duration::from_millis(300);

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
    let files = protected.into_iter().chain(ordinary).map(|change| {
        let mut file = file(change, base, before, &mut left);
        file.by_amendment = amended.contains(change.path());
        file
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
    let known: Option<&verify::BaseContent> = base.files.get(path).and_then(|file| file.content.as_ref());
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
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_slices(&old, &new);
    let (mut added, mut removed, mut omitted) = (0, 0, 0);
    let (mut hunks, mut taken) = (Vec::new(), 0);
    for group in diff.grouped_ops(CONTEXT) {
        let mut hunk: Option<Hunk> = None;
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
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
mod whole;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diff(old: &str, new: &str) -> (u32, u32, DiffBody) {
        lines(old, new, &mut MAX_TOTAL_BYTES.clone())
    }

    /// A text of whole lines.
    fn text(lines: impl IntoIterator<Item = String>) -> String {
        let lines: Vec<String> = lines.into_iter().collect();
        if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
    }

    /// What a diff makes of a text: the reader's side of it.
    fn apply(old: &str, body: &DiffBody) -> String {
        let DiffBody::Lines { hunks, omitted: 0 } = body else { panic!("not whole: {body:?}") };
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let (mut at, mut out) = (0, String::new());
        for hunk in hunks {
            // Where nothing of the old text is in a hunk, it stands at the old text's beginning.
            let start = (hunk.old_start as usize).saturating_sub(1);
            out.extend(old[at..start].iter().copied());
            at = start;
            for line in &hunk.lines {
                match line.split_at(1) {
                    (" ", _) => {
                        out.push_str(old[at]);
                        at += 1;
                    }
                    ("-", text) => {
                        assert_eq!(old[at].trim_end_matches('\n'), text);
                        at += 1;
                    }
                    ("+", text) => {
                        out.push_str(text);
                        out.push('\n');
                    }
                    _ => {
                        if out.ends_with('\n')
                            && hunk
                                .lines
                                .iter()
                                .rev()
                                .find(|it| *it != NO_NEWLINE)
                                .is_some_and(|it| !it.starts_with('-'))
                        {
                            out.pop();
                        }
                    }
                }
            }
        }
        out.extend(old[at..].iter().copied());
        out
    }

    #[test]
    fn a_change_is_told_with_its_place() {
        let old = text((1..=20).map(|n| format!("line {n}")));
        let new = old.replace("line 10\n", "line ten\nline ten and a half\n");
        let (added, removed, body) = diff(&old, &new);
        assert_eq!((added, removed), (2, 1));
        let DiffBody::Lines { hunks, omitted: 0 } = body else { panic!() };
        assert_eq!((hunks.len(), hunks[0].old_start, hunks[0].new_start), (1, 7, 7));
        assert_eq!(hunks[0].lines[3..6], ["-line 10", "+line ten", "+line ten and a half"]);
    }

    #[test]
    fn a_missing_newline_is_told_as_git_does() {
        let (_, _, body) = diff("a\nb", "a\nb\n");
        let DiffBody::Lines { hunks, .. } = body else { panic!() };
        assert_eq!(hunks[0].lines, [" a", "-b", NO_NEWLINE, "+b"]);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let new = text((0..20_000).map(|n| n.to_string()));
        let (added, removed, body) = diff("", &new);
        let DiffBody::Lines { hunks, omitted } = body else { panic!() };
        assert_eq!((added, removed, omitted), (20_000, 0, 17_000));
        assert_eq!(hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), MAX_LINES);
        let (_, _, body) = diff("", &"x".repeat(MAX_FILE_BYTES));
        let DiffBody::Lines { hunks, .. } = body else { panic!() };
        assert!(hunks[0].lines[0].ends_with("… (522288 characters more)"));
    }

    #[test]
    fn all_files_together_have_a_limit() {
        let one = stored_bytes("12345678");
        let mut left = one + 2;
        let (added, _, body) = lines("", "12345678\n12345678\n", &mut left);
        assert_eq!((added, left), (2, 2));
        assert!(matches!(body, DiffBody::Lines { omitted: 1, .. }));
    }

    /// Else whoever fills the limit chooses which lines of a later file people read.
    #[test]
    fn no_line_is_left_out_between_others() {
        let mut left = 3 * stored_bytes("if (admin) {");
        let new =
            "if (admin) {\nexec(payload); // longer than what is left, and then some more of it to be sure\n}\nend\n";
        let (_, _, body) = lines("", new, &mut left);
        let DiffBody::Lines { hunks, omitted: 3 } = body else { panic!("{body:?}") };
        assert_eq!(hunks[0].lines, ["+if (admin) {"]);
    }

    proptest! {
        #[test]
        fn what_is_not_shortened_gives_the_new_text(
            old in proptest::collection::vec("[ab\\r\u{202e}]{0,2}", 0..30),
            new in proptest::collection::vec("[ab\\r\u{202e}]{0,2}", 0..30),
            ends in any::<bool>(),
        ) {
            let (old, mut new) = (text(old), text(new));
            if ends && new.ends_with('\n') && new.len() > 1 {
                new.push('z');
            }
            let (added, removed, body) = diff(&old, &new);
            prop_assert_eq!(apply(&old, &body), new.clone());
            let count = |text: &str| text.split_inclusive('\n').count();
            prop_assert_eq!(count(&old) + added as usize, count(&new) + removed as usize);
        }
    }
}
