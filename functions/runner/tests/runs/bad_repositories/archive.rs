//! A case's tree as the workspace archive that `workflow` would hand over, and unpacked without care.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tar::{EntryType, Header};

use super::case::{Entry, Kind};

/// Longest name in an entry's own header.
const NAME: usize = 100;

/// The `tar.zst`, with no check of anything.
pub(super) fn pack(tree: &[Entry]) -> Vec<u8> {
    let mut bytes = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for entry in tree {
        write(&mut bytes, entry).unwrap();
    }
    bytes.write_all(&[0; 1024]).unwrap();
    bytes.finish().unwrap()
}

fn write(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let (kind, mode, content, target): (_, _, &[u8], &[u8]) = match &entry.kind {
        Kind::File { content, mode } => (EntryType::Regular, *mode, content, &[]),
        Kind::Claimed(size) => {
            let mut header = header(EntryType::Regular, 0o644, *size, &entry.path, &[]);
            header.set_cksum();
            return out.write_all(header.as_bytes());
        }
        Kind::Remarks(count) => {
            let mut header = header(EntryType::XGlobalHeader, 0o644, 0, &entry.path, &[]);
            header.set_cksum();
            return (0..*count).try_for_each(|_| out.write_all(header.as_bytes()));
        }
        Kind::Folder => (EntryType::Directory, 0o755, &[], &[]),
        Kind::Link(target) => (EntryType::Symlink, 0o777, &[], target),
        Kind::HardLink(target) => (EntryType::Link, 0o644, &[], target),
        Kind::Pipe => (EntryType::Fifo, 0o644, &[], &[]),
        Kind::Device => (EntryType::Char, 0o666, &[], &[]),
        Kind::Sparse => (EntryType::GNUSparse, 0o644, &[], &[]),
        Kind::Extended(key, value) => {
            let record = record(key, value);
            return one(out, EntryType::XHeader, 0o644, &entry.path, &record, &[]);
        }
    };
    if entry.path.len() > NAME {
        one(out, EntryType::GNULongName, 0o644, b"././@LongLink", &entry.path, &[])?;
    }
    if target.len() > NAME {
        one(out, EntryType::GNULongLink, 0o644, b"././@LongLink", target, &[])?;
    }
    one(out, kind, mode, &entry.path, content, target)
}

fn one(out: &mut impl Write, kind: EntryType, mode: u32, path: &[u8], content: &[u8], target: &[u8]) -> io::Result<()> {
    let mut header = header(kind, mode, content.len() as u64, path, target);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(content)?;
    out.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()])
}

fn header(kind: EntryType, mode: u32, size: u64, path: &[u8], target: &[u8]) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    let old = header.as_old_mut();
    for (place, text) in [(&mut old.name, path), (&mut old.linkname, target)] {
        let length = text.len().min(NAME);
        place[..length].copy_from_slice(&text[..length]);
    }
    header
}

/// `length key=value`, where the length counts itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (rest..rest + 20).find(|length| length.to_string().len() + rest == *length).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// Unpacks one entry after another, by name. What this machine refuses is left out.
pub(super) fn unpack_naively(tree: &[Entry], root: &Path) {
    for entry in tree {
        let path = root.join(OsStr::from_bytes(&entry.path));
        let target = |target: &[u8]| OsStr::from_bytes(target).to_owned();
        let made: io::Result<()> = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| match &entry.kind {
            Kind::File { content, mode } => {
                fs::write(&path, content)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode))
            }
            Kind::Folder => fs::create_dir_all(&path),
            Kind::Link(to) => symlink(target(to), &path),
            Kind::HardLink(to) => fs::hard_link(root.join(target(to)), &path),
            Kind::Pipe => Ok(nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)?),
            Kind::Claimed(_) | Kind::Remarks(_) | Kind::Device | Kind::Sparse | Kind::Extended(..) => Ok(()),
        });
        made.unwrap_or_default();
    }
}
