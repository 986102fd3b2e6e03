//! Whole documents, from change sets that were verified, and the lines of single files.

use std::collections::BTreeMap;

use domain::change_set::{Change, MANIFEST_VERSION, Manifest, ManifestEntry};
use domain::diff::MAX_DIFF_BYTES;
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::path::ProtectedPaths;
use domain::secrets::KnownSecrets;
use domain::spec::{Amendment, FileAction, SPEC_VERSION, SpecFile, SpecText};
use domain::verify::{BaseContent, BaseFile, BaseKind, VerifyContext, VerifyPolicy, verify};
use proptest::prelude::*;

use super::*;

/// A file's path, what it was and what it is.
type Case = (String, Option<String>, Option<String>);

fn case(path: &str, old: Option<&str>, new: Option<&str>) -> Case {
    (path.to_owned(), old.map(str::to_owned), new.map(str::to_owned))
}

fn spec(files: &[Case], added: &[&str]) -> Spec {
    let ticket = TicketKey::flux_lens("1");
    let base_commit: domain::ids::CommitSha = "a".repeat(40).parse().unwrap();
    let file = |(path, old, new): &Case| SpecFile {
        path: path.parse().unwrap(),
        action: match (old, new) {
            (None, _) => FileAction::Create,
            (_, None) => FileAction::Delete,
            _ => FileAction::Modify,
        },
        reason: String::new(),
        protection: path.parse::<RepoPath>().unwrap().protection(),
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("t"),
        files: files.iter().map(file).collect(),
        amendment: (!added.is_empty()).then(|| Amendment {
            of: Revision::FIRST,
            of_base_commit: base_commit.clone(),
            asked_in: Attempt::FIRST,
            added: added.iter().map(|path| path.parse().unwrap()).collect(),
            agent_reason: String::new(),
        }),
        base_commit,
        text: SpecText { confidence: 1.0, ..SpecText::default() },
    }
}

fn entry((path, old, new): &Case) -> ManifestEntry {
    let change = match new {
        Some(text) => {
            let (size, digest) = (text.len() as u64, Digest::of(text));
            Change::Written { mode: 0o644, size, digest, existed: old.is_some() }
        }
        None => Change::Deleted,
    };
    ManifestEntry { path: path.clone(), change }
}

/// The document of a change, where all that was before is at hand as `workspace` packs it.
fn made(files: &[Case], added: &[&str]) -> ChangeDiff {
    let spec = spec(files, added);
    let mut base = BaseFiles { files: BTreeMap::new(), protected: ProtectedPaths::default() };
    let mut before = Before::new();
    for (path, old, _) in files {
        let Some(old) = old else { continue };
        let content = Some(BaseContent::of(path, old.as_bytes()));
        base.files.insert(path.clone(), BaseFile { kind: BaseKind::File, content });
        if old.len() <= MAX_FILE_BYTES {
            before.insert(path.clone(), old.clone());
        }
    }
    let contents = files.iter().filter_map(|(_, _, new)| new.as_ref());
    let contents = contents.map(|text| (Digest::of(text), text.clone().into_bytes())).collect();
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        workflow_id: spec.workflow_id.clone(),
        attempt: Attempt::FIRST,
        base_commit: spec.base_commit.clone(),
        entries: files.iter().map(entry).collect(),
        dropped: vec![],
        dropped_count: 0,
    };
    let context = VerifyContext {
        spec: &spec,
        attempt: Attempt::FIRST,
        base_commit: &spec.base_commit,
        base: &base,
        known: &KnownSecrets::default(),
        policy: VerifyPolicy::new(false),
    };
    let set = verify(&manifest, &contents, context).unwrap();
    make(&set, Digest::of("archive"), &spec, &base, &before)
}

fn body<'a>(diff: &'a ChangeDiff, path: &str) -> &'a DiffBody {
    &diff.files.iter().find(|file| file.path.as_str() == path).unwrap().body
}

#[test]
fn each_file_says_what_allows_it_and_protected_ones_come_first() {
    let files = [
        case("a.js", Some("one\n"), Some("two\n")),
        case("b.js", None, Some("new\n")),
        case("c.js", Some("gone\n"), None),
        case("package-lock.json", Some("{}\n"), Some("{ }\n")),
    ];
    let diff = made(&files, &["b.js"]);
    let told =
        diff.files.iter().map(|file| (file.path.as_str(), file.action, file.protection.is_some(), file.by_amendment));
    let expected = [
        ("package-lock.json", FileAction::Modify, true, false),
        ("a.js", FileAction::Modify, false, false),
        ("b.js", FileAction::Create, false, true),
        ("c.js", FileAction::Delete, false, false),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(diff.totals(), (3, 3));
}

#[test]
fn what_held_a_credential_is_withheld_and_in_no_document() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let old = format!("token = '{token}'\n");
    let diff = made(&[case("t.js", Some(&old), Some("token = env()\n"))], &[]);
    assert_eq!(body(&diff, "t.js"), &DiffBody::Withheld);
    assert!(!serde_json::to_string(&diff).unwrap().contains(&token));
    // Without the check the line that is gone would carry it.
    let (_, _, lines) = lines(&old, "token = env()\n", &mut MAX_TOTAL_BYTES.clone());
    assert!(serde_json::to_string(&lines).unwrap().contains(&token));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let large = "line\n".repeat(MAX_FILE_BYTES / 5 + 1);
    let files = [
        case("binary.png", Some("\0"), Some("text\n")),
        case("large.txt", Some("a\n"), Some(&large)),
        case("was-large.txt", Some(&large), Some("a\n")),
    ];
    let diff = made(&files, &[]);
    assert_eq!(body(&diff, "binary.png"), &DiffBody::Binary);
    assert_eq!(body(&diff, "large.txt"), &DiffBody::TooLarge);
    assert_eq!(body(&diff, "was-large.txt"), &DiffBody::Unknown);
}

#[test]
fn a_name_in_another_case_is_a_file_gone_and_a_file_new() {
    let diff = made(&[case("Readme.md", Some("a\n"), None), case("readme2.md", None, Some("a\n"))], &[]);
    let counts: Vec<_> = diff.files.iter().map(|file| (file.added, file.removed)).collect();
    assert_eq!(counts, [(0, 1), (1, 0)]);
}

/// Else the console takes the document for none, and whoever writes the code chooses that.
#[test]
fn whatever_is_in_the_lines_the_document_is_small_enough_to_be_read() {
    let hostile = [format!("{}\n", "\u{1}".repeat(1_000)), "\n".to_owned(), "\"\\\t\r\u{8}\n".to_owned()];
    for line in hostile {
        let text = line.repeat(3_000.min(100_000 / line.len()));
        let files: Vec<_> = (0..100).map(|n| case(&format!("f/{n}.txt"), None, Some(&format!("{text}{n}")))).collect();
        let stored = serde_json::to_vec(&made(&files, &[])).unwrap().len();
        assert!(stored as u64 <= MAX_DIFF_BYTES, "{stored} bytes of {line:?}");
    }
    for text in ["", "a\tb", "\u{1}\u{7f}\u{202e}ä\"\\", "\u{8}\u{c}\r\u{1f}"] {
        assert!(serde_json::to_string(text).unwrap().len() <= stored_bytes(text), "{text:?}");
    }
}

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
                        && hunk.lines.iter().rev().find(|it| *it != NO_NEWLINE).is_some_and(|it| !it.starts_with('-'))
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

/// The smallest difference of two long texts takes too long to be looked for.
#[test]
fn long_texts_that_differ_are_gone_and_new_and_what_they_share_around_stays() {
    let long = |what: &str| text((0..MAX_COMPARED).map(|n| format!("{what} {n}")));
    let (old, new) = (format!("head\n{}end\n", long("old")), format!("head\n{}end\n", long("new")));
    let (added, removed, _) = diff(&old, &new);
    assert_eq!((added as usize, removed as usize), (MAX_COMPARED, MAX_COMPARED));
    let ops = operations(&["a", "b", "z"], &["a", "c", "z"]);
    assert_eq!(ops.len(), 3);
    let split = |text: &'static str| text.split_inclusive('\n').collect::<Vec<_>>();
    let (old, new): (&'static str, &'static str) = (old.leak(), new.leak());
    let [first, middle, last] = operations(&split(old), &split(new))[..] else { panic!("not three") };
    assert_eq!((first.old_range(), last.new_range()), (0..1, MAX_COMPARED + 1..MAX_COMPARED + 2));
    assert_eq!((middle.old_range(), middle.new_range()), (1..MAX_COMPARED + 1, 1..MAX_COMPARED + 1));
}

/// Else whoever fills the limit chooses which lines of a later file people read.
#[test]
fn no_line_is_left_out_between_others() {
    let mut left = 3 * stored_bytes("if (admin) {");
    let new = "if (admin) {\nexec(payload); // longer than what is left, and then some more of it to be sure\n}\nend\n";
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
