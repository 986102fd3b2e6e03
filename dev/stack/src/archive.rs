//! A function's archive: a zip whose `bootstrap` becomes the built program.
//!
//! The program itself, unoptimized and tens of megabytes large, is linked into the stack's folder, so that a build
//! meanwhile does not replace it under a running stack. Packing, uploading and unpacking it a dozen times would take a
//! minute and half a gigabyte.

use std::fs;
use std::io::{Cursor, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// The zip whose `bootstrap` runs `program`.
///
/// # Errors
/// When it cannot be written, which for a writer in memory it can.
pub(crate) fn archive(program: &Path) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    write!(zip, "#!/bin/sh\nexec {}\n", quoted(&program.display().to_string()))?;
    Ok(zip.finish()?.into_inner())
}

/// One word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Gives the program at `path` a second name in `folder`, which stays when the first one is replaced.
///
/// # Errors
/// When there is no such program or the folder cannot be written.
pub(crate) fn keep(path: &Path, folder: &Path) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("{} is no program", path.display()))?;
    let kept = folder.join(name);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    match fs::hard_link(path, &kept) {
        Ok(()) => {}
        // The build is on another file system.
        Err(error) if error.kind() != ErrorKind::NotFound => {
            fs::copy(path, &kept).with_context(|| format!("copying {}", path.display()))?;
        }
        Err(error) => return Err(error).with_context(|| format!("linking {}", path.display())),
    }
    Ok(kept)
}

/// The first 16 hexadecimal digits of the SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("/it's"), r"'/it'\''s'");
    }

    #[test]
    fn what_is_kept_outlives_its_first_name() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "one").unwrap();
        let kept = keep(&program, &folder.path().join("kept")).unwrap();
        fs::remove_file(&program).unwrap();
        fs::write(&program, "two").unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "one");
    }
}
