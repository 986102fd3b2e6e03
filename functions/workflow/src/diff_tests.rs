//! Whole documents, from change sets that were verified.

use std::collections::BTreeMap;

use domain::change_set::{Change, MANIFEST_VERSION, Manifest, ManifestEntry};
use domain::diff::MAX_DIFF_BYTES;
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::path::ProtectedPaths;
use domain::secrets::KnownSecrets;
use domain::spec::{Amendment, FileAction, SPEC_VERSION, SpecFile, SpecText};
use domain::verify::{BaseContent, BaseFile, BaseKind, VerifyContext, VerifyPolicy, verify};

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
