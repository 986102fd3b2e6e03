//! Change sets as a sandbox uploads them.

use domain::Digest;
use domain::change_set::{
    COMPLETE_MEMBER, Change, FILES_PREFIX, MANIFEST_MEMBER, MANIFEST_VERSION, Manifest, ManifestEntry,
};
use domain::ids::{Attempt, CommitSha, WorkflowId};

/// A written file of a change set.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where.
    pub path: &'a str,
    /// Its new content.
    pub text: &'a str,
    /// Whether the base commit had it.
    pub existed: bool,
}

/// Packs a change set.
pub fn pack(id: &WorkflowId, attempt: Attempt, base: &CommitSha, files: &[File<'_>]) -> Vec<u8> {
    let entry = |file: &File<'_>| ManifestEntry {
        path: file.path.to_owned(),
        change: Change::Written {
            mode: 0o644,
            size: file.text.len() as u64,
            digest: Digest::of(file.text),
            existed: file.existed,
        },
    };
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        workflow_id: id.clone(),
        attempt,
        base_commit: base.clone(),
        entries: files.iter().map(entry).collect(),
        dropped: vec![],
        dropped_count: 0,
    };
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let end = Digest::of(&manifest).to_string();
    let mut members = vec![(MANIFEST_MEMBER.to_owned(), manifest.as_slice())];
    let content = |file: &File<'_>| format!("{FILES_PREFIX}{}", Digest::of(file.text));
    members.extend(files.iter().map(|file| (content(file), file.text.as_bytes())));
    members.push((COMPLETE_MEMBER.to_owned(), end.as_bytes()));
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    zstd::encode_all(tar.into_inner().unwrap().as_slice(), 3).unwrap()
}
