//! A function's archive: a zip with the built program as `bootstrap`, stored and not deflated, because it is unpacked
//! on the same machine a second later.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// An archive and the name that its content gives it.
#[derive(Debug, Clone)]
pub struct Archive {
    /// `NAME-DIGEST.zip`: another program, another name.
    pub key: String,
    /// The zip.
    pub bytes: Vec<u8>,
}

impl Archive {
    /// Packs the program at `path` for the function `name`. The same program gives the same bytes.
    ///
    /// # Errors
    /// When the program cannot be read.
    pub fn of_program(name: &str, path: &Path) -> Result<Self> {
        let program = fs::read(path).with_context(|| format!("reading the program {}", path.display()))?;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::with_capacity(program.len() + 512)));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o755);
        zip.start_file("bootstrap", options)?;
        zip.write_all(&program)?;
        let bytes = zip.finish()?.into_inner();
        Ok(Self { key: format!("{name}-{}.zip", digest(&program)), bytes })
    }
}

/// The first 16 hexadecimal digits of the SHA-256.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}
