//! Reading GitHub's archive of a commit.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::SnapshotFile;
use crate::object::blob_id;
use crate::tree::{EntryKind, TreeEntry};

/// The files of the archive that are exactly as `wanted` says. What is missing, different, unreadable or beyond
/// `max_bytes` of unpacked data is not among them; the caller fetches it otherwise, so nothing here is an error.
pub(super) fn matching_files(gzip: &[u8], wanted: &[TreeEntry], max_bytes: u64) -> BTreeMap<String, SnapshotFile> {
    let wanted: HashMap<&[u8], &TreeEntry> = wanted.iter().map(|entry| (entry.path.as_bytes(), entry)).collect();
    let mut files = BTreeMap::new();
    if let Err(error) = read(GzDecoder::new(gzip).take(max_bytes), &wanted, &mut files) {
        tracing::warn!(%error, read = files.len(), "an archive of GitHub's could not be read to its end");
    }
    files
}

fn read(
    reader: impl Read,
    wanted: &HashMap<&[u8], &TreeEntry>,
    files: &mut BTreeMap<String, SnapshotFile>,
) -> io::Result<()> {
    for member in Archive::new(reader).entries()? {
        let mut member = member?;
        let name = member.path_bytes().into_owned();
        // Every path stands below one folder that is named after repository and commit.
        let Some(slash) = name.iter().position(|byte| *byte == b'/') else { continue };
        let Some(entry) = wanted.get(&name[slash + 1..]) else { continue };
        if let Some(content) = content_of(&mut member, entry)?
            && blob_id(&content, entry.sha.as_str()) == entry.sha.as_str()
        {
            files.insert(entry.path.clone(), SnapshotFile { kind: entry.kind, content });
        }
    }
    Ok(())
}

/// The member's content if its type and size are the entry's.
fn content_of(member: &mut Entry<'_, impl Read>, entry: &TreeEntry) -> io::Result<Option<Vec<u8>>> {
    match (member.header().entry_type(), entry.kind) {
        (EntryType::Symlink, EntryKind::Symlink) => Ok(member.link_name_bytes().map(std::borrow::Cow::into_owned)),
        (EntryType::Regular | EntryType::Continuous, EntryKind::File | EntryKind::Executable)
            if member.size() == entry.size =>
        {
            let mut content = Vec::with_capacity(usize::try_from(entry.size).unwrap_or(0));
            member.read_to_end(&mut content)?;
            Ok(Some(content))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const ROOT: &str = "acme-app-0123456";

    fn wanted(path: &str, kind: EntryKind, content: &[u8]) -> TreeEntry {
        let sha = blob_id(content, &"0".repeat(40)).parse().unwrap();
        TreeEntry { path: path.to_owned(), kind, sha, size: content.len() as u64 }
    }

    fn archive(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        fill(&mut builder);
        gzip(&builder.into_inner().unwrap())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o664);
        builder.append_data(&mut header, format!("{ROOT}/{path}"), content).unwrap();
    }

    fn link(builder: &mut tar::Builder<Vec<u8>>, path: &str, target: &str) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, format!("{ROOT}/{path}"), target).unwrap();
    }

    #[test]
    fn only_what_is_as_the_tree_says_is_taken() {
        let long = format!("{}/deep.txt", "d".repeat(150));
        let bytes = archive(|tar| {
            file(tar, "same.txt", b"same");
            file(tar, "run.sh", b"#!/bin/sh\n");
            file(tar, "substituted.txt", b"commit 0123456");
            file(tar, "other-size.txt", b"longer than the blob");
            file(tar, "not-in-the-tree.txt", b"x");
            file(tar, "was-a-link", b"target");
            file(tar, &long, b"deep");
            link(tar, "link", "same.txt");
            link(tar, "moved-link", "/etc/passwd");
        });
        let tree = [
            wanted("same.txt", EntryKind::File, b"same"),
            wanted("run.sh", EntryKind::Executable, b"#!/bin/sh\n"),
            wanted("substituted.txt", EntryKind::File, b"commit $Format$"),
            wanted("other-size.txt", EntryKind::File, b"short"),
            wanted("ignored.txt", EntryKind::File, b"left out"),
            wanted("was-a-link", EntryKind::Symlink, b"target"),
            wanted(&long, EntryKind::File, b"deep"),
            wanted("link", EntryKind::Symlink, b"same.txt"),
            wanted("moved-link", EntryKind::Symlink, b"../same.txt"),
        ];
        let files = matching_files(&bytes, &tree, 1 << 20);
        let paths: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(paths, [&long, "link", "run.sh", "same.txt"]);
        assert_eq!(files["run.sh"].kind, EntryKind::Executable);
        assert_eq!(files["link"].content, b"same.txt");
    }

    #[test]
    fn damage_and_bombs_end_the_reading_and_nothing_else() {
        let tree = [wanted("a", EntryKind::File, b"a"), wanted("b", EntryKind::File, b"b")];
        let whole = archive(|tar| {
            file(tar, "a", b"a");
            file(tar, "zeros", &vec![0; 1 << 20]);
            file(tar, "b", b"b");
        });
        assert_eq!(matching_files(&whole, &tree, 1 << 24).len(), 2);
        assert_eq!(matching_files(&whole, &tree, 1 << 16).len(), 1, "stopped inside the bomb");
        assert_eq!(matching_files(b"not gzip", &tree, 1 << 20).len(), 0);
        assert_eq!(matching_files(&gzip(b"not a tar"), &tree, 1 << 20).len(), 0);
        assert_eq!(matching_files(&[], &tree, 1 << 20).len(), 0);
        for cut in 0..whole.len().min(300) {
            assert!(matching_files(&whole[..cut], &tree, 1 << 20).len() <= 2);
        }
    }
}
