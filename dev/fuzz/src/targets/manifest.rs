//! A change set's archive, and its verification. Input: a byte for the form, and then an archive; or a tar; or a manifest
//! and, with bytes `ff` between them, contents. In a manifest `@0` to `@7` stand for the digests of the contents, and `@w`
//! for the workflow of the SPEC.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::Digest;
use domain::change_set::{COMPLETE_MEMBER, FILES_PREFIX, MANIFEST_MEMBER};
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::path::ProtectedPaths;
use domain::secrets::KnownSecrets;
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};
use domain::verify::{BaseFile, BaseFiles, BaseKind, VerifiedKind, VerifyContext, VerifyPolicy, verify};
use serde_json::Value;

use crate::change_set::{ChangeSet, read};

/// Most contents of one input.
const MAX_CONTENTS: usize = 8;
/// Of two paths is known what the base commit has, the third is new.
const FILES: [(&str, FileAction); 3] =
    [("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete), ("src/new.js", FileAction::Create)];

/// Reads and verifies, and looks at what came out.
pub fn run(input: &[u8]) {
    let [form, rest @ ..] = input else { return };
    match form {
        0 => drop(read(rest)),
        1 => {
            if let Ok(set) = read(&frame(rest)) {
                judge(&set);
            }
        }
        _ => manifest(rest),
    }
}

/// The reader must take exactly what has the right form, and every content must be named.
fn manifest(input: &[u8]) {
    let mut parts = input.split(|byte| *byte == 0xff);
    let mut text = parts.next().unwrap_or_default().to_vec();
    let contents: Vec<&[u8]> = parts.take(MAX_CONTENTS).collect();
    for (at, content) in contents.iter().enumerate() {
        text = replace_all(&text, format!("@{at}").as_bytes(), Digest::of(content).to_string().as_bytes());
    }
    let text = replace_all(&text, b"@w", APPROVED.0.workflow_id.as_str().as_bytes());
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content).is_ok()
    };
    let mut written = add(MANIFEST_MEMBER, &text);
    let different: BTreeSet<&[u8]> = contents.into_iter().collect();
    for content in &different {
        written &= add(&format!("{FILES_PREFIX}{}", Digest::of(content)), content);
    }
    written &= add(COMPLETE_MEMBER, Digest::of(&text).to_string().as_bytes());
    assert!(written, "a tar could not be written to memory");
    let Ok(archive) = tar.into_inner() else { return };
    let found = read(&frame(&archive));
    let named = named(&text);
    let there: BTreeSet<String> = different.iter().map(|content| Digest::of(content).to_string()).collect();
    match &found {
        Ok(set) => {
            assert!(set.contents.keys().map(Digest::to_string).eq(there.iter().cloned()));
            let canonical = serde_json::to_vec(&set.manifest).unwrap_or_default();
            assert_eq!(self::named(&canonical), Some(there));
            judge(set);
        }
        // Whatever else is wrong with it, it is not that its contents are wrong.
        Err(error) => assert!(named != Some(there) || !error.to_string().contains("content"), "{error}"),
    }
}

/// The digests that a manifest names, read as plain JSON. `None`: no list of entries, or of another version.
fn named(text: &[u8]) -> Option<BTreeSet<String>> {
    let value: Value = serde_json::from_slice(text).ok()?;
    if value.get("version")?.as_u64()? != 1 {
        return None;
    }
    let digest = |entry: &Value| {
        let change = entry.get("change").filter(|change| change["kind"] == "written")?;
        Some(change.get("digest")?.as_str()?.to_owned())
    };
    Some(value.get("entries")?.as_array()?.iter().filter_map(digest).collect())
}

/// What holds for every change set that was read, and for every one that is verified.
fn judge(set: &ChangeSet) {
    for (digest, content) in &set.contents {
        assert_eq!(*digest, Digest::of(content));
    }
    let again = serde_json::to_vec(&set.manifest).ok().and_then(|text| serde_json::from_slice(&text).ok());
    assert_eq!(again.as_ref(), Some(&set.manifest));

    let (spec, base) = &*APPROVED;
    let policy = VerifyPolicy { max_file_bytes: 100, max_total_bytes: 150, allow_workflow_files: false };
    let known = KnownSecrets::default();
    let context =
        VerifyContext { spec, attempt: Attempt::FIRST, base_commit: &spec.base_commit, base, known: &known, policy };
    let Ok(verified) = verify(&set.manifest, &set.contents, context) else { return };
    let allowed: BTreeMap<&str, FileAction> = FILES.into_iter().collect();
    assert_eq!(verified.changes().len(), set.manifest.entries.len());
    let mut total = 0;
    for change in verified.changes() {
        assert_eq!(allowed.get(change.path().as_str()), Some(&change.action()), "{change:?}");
        if let VerifiedKind::Write { content, .. } = change.kind() {
            assert!(content.len() <= 100 && std::str::from_utf8(content).is_ok() && !content.contains(&0));
            total += content.len();
        }
    }
    assert!(total <= 150);
}

static APPROVED: LazyLock<(Spec, BaseFiles)> = LazyLock::new(|| {
    let ticket = TicketKey::flux_lens("FL-1");
    let file = |(path, action): (&str, FileAction)| {
        let path = path.parse().ok()?;
        Some(SpecFile { path, action, reason: String::new(), protection: None })
    };
    #[expect(clippy::unwrap_used, reason = "forty letters are a commit's name")]
    let base_commit = "a".repeat(40).parse().unwrap();
    let spec = Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("t"),
        base_commit,
        files: FILES.into_iter().filter_map(file).collect(),
        amendment: None,
        text: SpecText { confidence: 1.0, ..SpecText::default() },
    };
    let kept = ["README.md", "src/a.js", "src/b.js"];
    let files = kept.into_iter().map(|path| (path.to_owned(), BaseFile::of(BaseKind::File))).collect();
    (spec, BaseFiles { files, protected: ProtectedPaths::default() })
});

/// A frame of Zstandard (RFC 8878) whose blocks are not compressed: compressing would be most of the time.
fn frame(content: &[u8]) -> Vec<u8> {
    const WINDOW: usize = 128 * 1024;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3];
    let mut blocks = content.chunks(WINDOW).peekable();
    if blocks.peek().is_none() {
        frame.extend([1, 0, 0]);
    }
    while let Some(block) = blocks.next() {
        let last = usize::from(blocks.peek().is_none());
        frame.extend_from_slice(&(block.len() << 3 | last).to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

fn replace_all(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if text[at..].starts_with(what) {
            found.extend_from_slice(by);
            at += what.len();
        } else {
            found.push(text[at]);
            at += 1;
        }
    }
    found
}
