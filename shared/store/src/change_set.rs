//! Reads the archive of a change set, whose form is [`domain::change_set`]'s.
//!
//! The archive comes out of a sandbox. Reading it establishes only that it is whole and says one thing; whether what
//! it says may be published is [`domain::verify`]'s to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use domain::Digest;
use domain::change_set::{
    COMPLETE_MEMBER, Change, FILES_PREFIX, MANIFEST_MEMBER, MANIFEST_VERSION, MAX_ARCHIVE_BYTES, MAX_MANIFEST_BYTES,
    Manifest,
};
use domain::failure::{Failure, FailureKind};
use tar::{Archive, Entry, EntryType};
use zstd::stream::read::Decoder;

/// Most bytes that the contents of one change set may have together, unpacked.
pub const MAX_CONTENT_BYTES: u64 = 64 * 1024 * 1024;
/// What a member of an archive needs besides its content, bytes: header, padding and a long name.
const MEMBER_OVERHEAD: u64 = 4 * 512;
/// Room for the archive's own end.
const ARCHIVE_OVERHEAD: u64 = 64 * 1024;

/// A change set as it was packed, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Digest of the archive.
    pub digest: Digest,
    /// The list of changes.
    pub manifest: Manifest,
    /// The contents that the manifest names, by the digest that was computed here.
    pub contents: BTreeMap<Digest, Vec<u8>>,
}

/// Why an archive is not a change set.
#[derive(Debug, thiserror::Error)]
pub enum ChangeSetError {
    /// It is cut off, or not `tar.zst` at all.
    #[error("the change set's archive is damaged or cut off")]
    Damaged(#[from] io::Error),
    /// It has another form than [`domain::change_set`] says.
    #[error("the change set's archive has another form than it should: {0}")]
    Form(String),
    /// Its manifest is not the JSON that it should be.
    #[error("the change set's manifest cannot be read")]
    Manifest(#[from] serde_json::Error),
    /// It is larger than is read.
    #[error("the change set is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

impl From<ChangeSetError> for Failure {
    fn from(error: ChangeSetError) -> Self {
        Self::new(FailureKind::Inconsistent, error.to_string())
    }
}

/// Reads an archive. Neither a damaged archive nor one made to unpack without end takes more memory than
/// [`MAX_ARCHIVE_BYTES`] and [`MAX_CONTENT_BYTES`] allow.
///
/// # Errors
/// [`ChangeSetError`].
pub fn read(archive: &[u8]) -> Result<ChangeSet, ChangeSetError> {
    ChangeSet::read(archive, MAX_CONTENT_BYTES)
}

impl ChangeSet {
    fn read(archive: &[u8], max_total_bytes: u64) -> Result<Self, ChangeSetError> {
        if archive.len() as u64 > MAX_ARCHIVE_BYTES {
            return Err(ChangeSetError::TooLarge { limit: MAX_ARCHIVE_BYTES });
        }
        // The manifest alone says how many members there can be, so their overhead is bounded by its size.
        let members = MAX_MANIFEST_BYTES / 100;
        let limit = max_total_bytes
            .saturating_add(MAX_MANIFEST_BYTES)
            .saturating_add(members * MEMBER_OVERHEAD)
            .saturating_add(ARCHIVE_OVERHEAD);
        let mut tar = Archive::new(Decoder::new(archive)?.take(limit));
        let read = read_members(&mut tar, max_total_bytes);
        let mut rest = tar.into_inner();
        let read = read.and_then(|read| only_zeros(&mut rest).map(|()| read));
        if rest.limit() == 0 {
            return Err(ChangeSetError::TooLarge { limit: max_total_bytes });
        }
        let (manifest, contents) = read?;
        Ok(Self { digest: Digest::of(archive), manifest, contents })
    }
}

fn form(reason: impl Into<String>) -> ChangeSetError {
    ChangeSetError::Form(reason.into())
}

fn read_members(
    tar: &mut Archive<impl Read>,
    max_total_bytes: u64,
) -> Result<(Manifest, BTreeMap<Digest, Vec<u8>>), ChangeSetError> {
    let mut members = tar.entries()?;
    let mut first = members.next().ok_or_else(|| form("it is empty"))??;
    if name_of(&first)? != MANIFEST_MEMBER {
        return Err(form(format!("its first member is not `{MANIFEST_MEMBER}`")));
    }
    let manifest_bytes = content_of(&mut first, MAX_MANIFEST_BYTES)?;
    let manifest: Manifest = serde_json::from_slice(&manifest_bytes)?;
    if manifest.version != MANIFEST_VERSION {
        return Err(form(format!("its manifest has version {}", manifest.version)));
    }
    let named = named_contents(&manifest);
    let mut contents = BTreeMap::new();
    let mut total = 0_u64;
    let mut complete = false;
    for member in members {
        let mut member = member?;
        if complete {
            return Err(form("it goes on after its end"));
        }
        let name = name_of(&member)?;
        if name == COMPLETE_MEMBER {
            let end = content_of(&mut member, 64)?;
            if end != Digest::of(&manifest_bytes).to_string().as_bytes() {
                return Err(form("its end does not name its manifest"));
            }
            complete = true;
            continue;
        }
        let digest: Digest = name
            .strip_prefix(FILES_PREFIX)
            .and_then(|digest| digest.parse().ok())
            .ok_or_else(|| form("it has a member that is neither a content nor its end"))?;
        if !named.contains(&digest) {
            return Err(form("it has a content that its manifest does not name"));
        }
        let content = content_of(&mut member, max_total_bytes - total)?;
        total += content.len() as u64;
        if Digest::of(&content) != digest {
            return Err(form("a content has another digest than its name says"));
        }
        if contents.insert(digest, content).is_some() {
            return Err(form("it has a content twice"));
        }
    }
    if !complete {
        return Err(form("it has no end"));
    }
    if contents.len() != named.len() {
        return Err(form("it lacks a content that its manifest names"));
    }
    Ok((manifest, contents))
}

fn named_contents(manifest: &Manifest) -> BTreeSet<Digest> {
    manifest
        .entries
        .iter()
        .filter_map(|entry| match entry.change {
            Change::Written { digest, .. } => Some(digest),
            Change::Deleted | Change::Rejected { .. } => None,
        })
        .collect()
}

fn name_of(member: &Entry<'_, impl Read>) -> Result<String, ChangeSetError> {
    if member.header().entry_type() != EntryType::Regular {
        return Err(form("it has a member that is not a regular file"));
    }
    String::from_utf8(member.path_bytes().into_owned()).map_err(|_| form("it has a member with an unreadable name"))
}

fn content_of(member: &mut Entry<'_, impl Read>, limit: u64) -> Result<Vec<u8>, ChangeSetError> {
    let size = member.size();
    if size > limit {
        return Err(ChangeSetError::TooLarge { limit });
    }
    let mut content = Vec::new();
    member.read_to_end(&mut content)?;
    if content.len() as u64 == size { Ok(content) } else { Err(form("a member is cut off")) }
}

/// After the end of a tar archive come zeros.
fn only_zeros(rest: &mut impl Read) -> Result<(), ChangeSetError> {
    let mut buffer = [0; 8192];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(()),
            n if buffer[..n].iter().any(|byte| *byte != 0) => return Err(form("it goes on after its end")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::change_set::ManifestEntry;
    use domain::ids::{Attempt, Generation, TicketKey, WorkflowId};

    use super::*;

    fn manifest(contents: &[&[u8]]) -> Manifest {
        let entry = |(n, content): (usize, &&[u8])| ManifestEntry {
            path: format!("file-{n}"),
            change: Change::Written {
                mode: 0o644,
                size: content.len() as u64,
                digest: Digest::of(content),
                existed: false,
            },
        };
        Manifest {
            version: MANIFEST_VERSION,
            workflow_id: WorkflowId::derive(&TicketKey::flux_lens("1"), Generation::FIRST),
            attempt: Attempt::FIRST,
            base_commit: "a".repeat(40).parse().unwrap(),
            entries: contents.iter().enumerate().map(entry).collect(),
            dropped: vec![],
            dropped_count: 0,
        }
    }

    fn file(content: &[u8]) -> (String, Vec<u8>) {
        (format!("{FILES_PREFIX}{}", Digest::of(content)), content.to_vec())
    }

    /// The members of a good archive with these contents.
    fn members(contents: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let manifest = serde_json::to_vec(&manifest(contents)).unwrap();
        let end = Digest::of(&manifest).to_string().into_bytes();
        let mut members = vec![(MANIFEST_MEMBER.to_owned(), manifest)];
        members.extend(contents.iter().map(|content| file(content)));
        members.push((COMPLETE_MEMBER.to_owned(), end));
        members
    }

    fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn pack(members: &[(String, Vec<u8>)]) -> Vec<u8> {
        zstd::encode_all(tar(members).as_slice(), 3).unwrap()
    }

    fn refused(members: &[(String, Vec<u8>)]) -> String {
        ChangeSet::read(&pack(members), 1 << 20).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_archive_is_read() {
        let bytes = pack(&members(&[b"one", b"two"]));
        let read = ChangeSet::read(&bytes, 6).unwrap();
        assert_eq!(read.digest, Digest::of(&bytes));
        assert_eq!(read.manifest, manifest(&[b"one", b"two"]));
        assert_eq!(read.contents[&Digest::of("two")], b"two");
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = pack(&members(&[b"one", b"two"]));
        for end in 0..bytes.len() {
            assert!(ChangeSet::read(&bytes[..end], 100).is_err(), "cut at {end} of {}", bytes.len());
        }
        let plain = tar(&members(&[b"one", b"two"]));
        // The last two blocks are the end of the tar itself; a cut before them loses a member.
        for end in (0..plain.len() - 1024).step_by(512) {
            let bytes = zstd::encode_all(&plain[..end], 3).unwrap();
            assert!(ChangeSet::read(&bytes, 100).is_err(), "cut at {end} of {}", plain.len());
        }
    }

    #[test]
    fn missing_extra_and_double_members_are_refused() {
        let good = members(&[b"one", b"two"]);
        let without = |n: usize| {
            let mut members = good.clone();
            members.remove(n);
            members
        };
        let with = |n: usize, member: (String, Vec<u8>)| {
            let mut members = good.clone();
            members.insert(n, member);
            members
        };
        assert!(refused(&without(0)).contains("first member"));
        assert!(refused(&without(2)).contains("lacks a content"));
        assert!(refused(&without(3)).contains("no end"));
        assert!(refused(&with(1, good[1].clone())).contains("twice"));
        assert!(refused(&with(1, file(b"three"))).contains("does not name"));
        assert!(refused(&with(1, good[0].clone())).contains("neither a content"));
        assert!(refused(&with(1, ("files/x".to_owned(), vec![]))).contains("neither a content"));
        assert!(refused(&with(4, file(b"one"))).contains("after its end"));
        assert!(refused(&with(4, good[3].clone())).contains("after its end"));
        assert!(refused(&[]).contains("empty"));
    }

    #[test]
    fn contents_have_the_digest_of_their_name_and_the_end_that_of_the_manifest() {
        let mut lying = members(&[b"one"]);
        lying[1].1 = b"eno".to_vec();
        assert!(refused(&lying).contains("another digest"));
        let mut other = members(&[b"one"]);
        other[2].1 = Digest::of("x").to_string().into_bytes();
        assert!(refused(&other).contains("does not name its manifest"));
        let mut newer = members(&[]);
        newer[0].1 = serde_json::to_vec(&Manifest { version: 99, ..manifest(&[]) }).unwrap();
        assert!(refused(&newer).contains("version 99"));
        let mut nonsense = members(&[]);
        nonsense[0].1 = b"{}".to_vec();
        assert!(matches!(ChangeSet::read(&pack(&nonsense), 100), Err(ChangeSetError::Manifest(_))));
    }

    #[test]
    fn limits_hold_against_bombs() {
        let big = vec![0; 4096];
        let bytes = pack(&members(&[&big]));
        assert!(ChangeSet::read(&bytes, 4096).is_ok());
        assert!(matches!(ChangeSet::read(&bytes, 4095), Err(ChangeSetError::TooLarge { .. })));
        // Both are small enough alone, but not together.
        let other = vec![1; 4096];
        assert!(matches!(
            ChangeSet::read(&pack(&members(&[&big, &other])), 8191),
            Err(ChangeSetError::TooLarge { .. })
        ));
        let mut endless = tar(&members(&[b"one"]));
        endless.resize(endless.len() + 256 * 1024 * 1024, 0);
        let bomb = zstd::encode_all(endless.as_slice(), 1).unwrap();
        assert!(matches!(ChangeSet::read(&bomb, 100), Err(ChangeSetError::TooLarge { .. })));
    }

    #[test]
    fn nothing_may_follow_and_nothing_but_files_may_be_inside() {
        let mut bytes = tar(&members(&[b"one"]));
        bytes.extend_from_slice(b"more");
        assert!(ChangeSet::read(&zstd::encode_all(bytes.as_slice(), 3).unwrap(), 100).is_err());
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, MANIFEST_MEMBER, "/etc/passwd").unwrap();
        let linked = zstd::encode_all(tar.into_inner().unwrap().as_slice(), 3).unwrap();
        assert!(ChangeSet::read(&linked, 100).unwrap_err().to_string().contains("regular file"));
        assert!(matches!(ChangeSet::read(b"not zstd", 100), Err(ChangeSetError::Damaged(_))));
    }
}
