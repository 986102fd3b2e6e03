//! The change set as bytes: a `tar.zst` whose last member says that it is whole. The form is [`domain::change_set`]'s.

use std::collections::BTreeMap;
use std::io::{self, Read};

use domain::Digest;
use domain::change_set::{
    COMPLETE_MEMBER, FILES_PREFIX, MANIFEST_MEMBER, MANIFEST_VERSION, MAX_ARCHIVE_BYTES, MAX_MANIFEST_BYTES, Manifest,
};
use domain::ids::{Attempt, CommitSha, WorkflowId};
use domain::task::RunLimits;

use super::walk::Changes;

/// A packed change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The `tar.zst`.
    pub bytes: Vec<u8>,
    /// Its digest.
    pub digest: Digest,
}

/// Why bytes are not a change set, or changes cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Damaged.
    #[error("the change set is damaged")]
    Io(#[from] io::Error),
    /// Another form than expected.
    #[error("the change set is not whole or has another form: {0}")]
    Form(&'static str),
    /// The manifest is not the JSON that is expected.
    #[error("the change set's manifest cannot be read")]
    Manifest(#[from] serde_json::Error),
    /// Over the limit.
    #[error("the change set is larger than {MAX_ARCHIVE_BYTES} bytes")]
    TooLarge,
}

/// Which run a change set belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commit below the changes.
    pub base_commit: CommitSha,
}

/// Packs changes. The same changes always give the same bytes.
///
/// # Errors
/// [`ArchiveError::TooLarge`]; nothing else in practice.
pub fn pack(changes: Changes, origin: Origin) -> Result<Archive, ArchiveError> {
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        workflow_id: origin.workflow_id,
        attempt: origin.attempt,
        base_commit: origin.base_commit,
        entries: changes.entries,
        dropped: changes.dropped,
        dropped_count: changes.dropped_count,
    };
    let manifest = serde_json::to_vec(&manifest)?;
    let mut tar = tar::Builder::new(zstd::stream::write::Encoder::new(Vec::new(), 3)?);
    append(&mut tar, MANIFEST_MEMBER, &manifest)?;
    for (digest, content) in &changes.contents {
        append(&mut tar, &format!("{FILES_PREFIX}{digest}"), content)?;
    }
    append(&mut tar, COMPLETE_MEMBER, Digest::of(&manifest).to_string().as_bytes())?;
    let bytes = tar.into_inner()?.finish()?;
    if bytes.len() as u64 > MAX_ARCHIVE_BYTES || manifest.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(ArchiveError::TooLarge);
    }
    Ok(Archive { digest: Digest::of(&bytes), bytes })
}

fn append(tar: &mut tar::Builder<impl io::Write>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, name, content)
}

/// Most bytes that a change set may have unpacked: its contents, its manifest, and the archive's own.
pub const fn unpacked_limit(limits: RunLimits) -> u64 {
    limits.max_total_bytes + MAX_MANIFEST_BYTES + limits.max_files * 2_048 + 65_536
}

/// Reads a change set: its manifest, and the contents by digest. Every content has the digest that names it.
///
/// # Errors
/// See [`ArchiveError`].
pub fn read(bytes: &[u8], limit: u64) -> Result<(Manifest, BTreeMap<Digest, Vec<u8>>), ArchiveError> {
    let decoded = zstd::stream::read::Decoder::new(bytes)?.take(limit);
    let mut tar = tar::Archive::new(decoded);
    let mut manifest: Option<Vec<u8>> = None;
    let mut contents = BTreeMap::new();
    let mut complete = false;
    for entry in tar.entries()? {
        let mut entry = entry?;
        if complete {
            return Err(ArchiveError::Form("it goes on after its end"));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        match (&manifest, name.as_str()) {
            (None, MANIFEST_MEMBER) => manifest = Some(content),
            (None, _) => return Err(ArchiveError::Form("the manifest is not first")),
            (Some(manifest), COMPLETE_MEMBER) => {
                if content != Digest::of(manifest).to_string().as_bytes() {
                    return Err(ArchiveError::Form("the manifest has another digest than the end says"));
                }
                complete = true;
            }
            (Some(_), name) => {
                let digest = Digest::of(&content);
                if name.strip_prefix(FILES_PREFIX) != Some(digest.to_string().as_str()) {
                    return Err(ArchiveError::Form("a content has another digest than its name says"));
                }
                contents.insert(digest, content);
            }
        }
    }
    match (manifest, complete) {
        (Some(manifest), true) => Ok((serde_json::from_slice(&manifest)?, contents)),
        _ => Err(ArchiveError::Form("its end is missing")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use domain::change_set::{Change, ManifestEntry};
    use domain::ids::{Generation, TicketKey};

    pub(crate) fn origin() -> Origin {
        Origin {
            workflow_id: WorkflowId::derive(&TicketKey::flux_lens("FL-1"), Generation::FIRST),
            attempt: Attempt::FIRST,
            base_commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        }
    }

    /// A change set that writes these files (path, content, mode) and deletes those.
    pub(crate) fn changes(written: &[(&str, &str, u32)], deleted: &[&str]) -> Changes {
        let mut changes = Changes::default();
        for (path, content, mode) in written {
            let digest = Digest::of(content);
            changes.contents.insert(digest.to_string(), content.as_bytes().to_vec());
            let change = Change::Written { mode: *mode, size: content.len() as u64, digest, existed: false };
            changes.entries.push(ManifestEntry { path: (*path).to_owned(), change });
        }
        let entry = |path: &&str| ManifestEntry { path: (*path).to_owned(), change: Change::Deleted };
        changes.entries.extend(deleted.iter().map(entry));
        changes
    }

    fn sample() -> Archive {
        pack(changes(&[("a", "one", 0o644), ("b", "two", 0o755)], &["c"]), origin()).unwrap()
    }

    #[test]
    fn what_is_packed_is_read_and_the_bytes_are_always_the_same() {
        let archive = sample();
        assert_eq!(archive, sample());
        let (manifest, contents) = read(&archive.bytes, 1 << 20).unwrap();
        assert_eq!(manifest.entries, changes(&[("a", "one", 0o644), ("b", "two", 0o755)], &["c"]).entries);
        assert_eq!(contents[&Digest::of("two")], b"two");
    }

    #[test]
    fn a_cut_archive_is_never_a_change_set() {
        let bytes = sample().bytes;
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 1 << 20).is_err(), "{length} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn an_archive_without_its_end_or_with_false_content_is_refused() {
        let pack_raw = |members: &[(&str, &[u8])]| {
            let mut tar = tar::Builder::new(Vec::new());
            for (name, content) in members {
                append(&mut tar, name, content).unwrap();
            }
            zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap()
        };
        let digest = Digest::of("{}").to_string();
        for members in [
            vec![(MANIFEST_MEMBER, b"{}".as_slice())],
            vec![(COMPLETE_MEMBER, digest.as_bytes())],
            vec![(MANIFEST_MEMBER, b"{}"), (COMPLETE_MEMBER, b"00")],
            vec![(MANIFEST_MEMBER, b"{}"), ("files/00", b"x"), (COMPLETE_MEMBER, digest.as_bytes())],
            vec![(MANIFEST_MEMBER, b"{}"), (COMPLETE_MEMBER, digest.as_bytes()), ("files/x", b"x")],
        ] {
            assert!(matches!(read(&pack_raw(&members), 1 << 20), Err(ArchiveError::Form(_))));
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let archive = pack(changes(&[("a", &"0".repeat(100_000), 0o644)], &[]), origin()).unwrap();
        assert!(archive.bytes.len() < 2_000);
        assert!(read(&archive.bytes, 50_000).is_err());
    }
}
