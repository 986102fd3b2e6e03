//! Packages from folders of sources, the same bytes every time and nowhere compressed: lock files hold their digests.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

/// A package that can be published.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name, as its registry spells it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The archive's name.
    pub file: String,
    /// The archive.
    pub bytes: Vec<u8>,
    /// npm: its `package.json`.
    pub manifest: Option<Value>,
}

/// An npm package from a folder with a `package.json`.
///
/// # Errors
/// The folder is none.
pub fn npm(folder: &Path) -> Result<Package> {
    let text = fs::read(folder.join("package.json")).with_context(|| folder.display().to_string())?;
    let manifest: Value = serde_json::from_slice(&text).context("package.json")?;
    let part = |name: &str| manifest[name].as_str().map(str::to_owned).with_context(|| format!("package.json: {name}"));
    let (name, version) = (part("name")?, part("version")?);
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for (path, content) in files(folder)? {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, format!("package/{path}"), content.as_slice())?;
    }
    let bytes = archive.into_inner()?.finish()?;
    let base = name.rsplit('/').next().unwrap_or(&name);
    Ok(Package { file: format!("{base}-{version}.tgz"), name, version, bytes, manifest: Some(manifest) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WheelManifest {
    name: String,
    version: String,
}

/// A Python wheel from a folder with modules and a `wheel.json` of name and version.
///
/// # Errors
/// The folder is none.
pub fn wheel(folder: &Path) -> Result<Package> {
    let text = fs::read(folder.join("wheel.json")).with_context(|| folder.display().to_string())?;
    let WheelManifest { name, version } = serde_json::from_slice(&text).context("wheel.json")?;
    ensure!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "wheel.json: name");
    let distribution = format!("{}-{version}", name.replace('-', "_"));
    let info = format!("{distribution}.dist-info");
    let mut content = files(folder)?;
    content.retain(|(path, _)| path != "wheel.json");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    content.push((format!("{info}/METADATA"), metadata.into_bytes()));
    let tags = "Wheel-Version: 1.0\nGenerator: codeartifact-sim\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    content.push((format!("{info}/WHEEL"), tags.as_bytes().to_vec()));
    let line = |(path, bytes): &(String, Vec<u8>)| {
        format!("{path},sha256={},{}\n", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)), bytes.len())
    };
    let mut record: Vec<String> = content.iter().map(line).collect();
    record.push(format!("{info}/RECORD,,\n"));
    content.push((format!("{info}/RECORD"), record.concat().into_bytes()));
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for (path, bytes) in content {
        archive.start_file(path, options)?;
        archive.write_all(&bytes)?;
    }
    let bytes = archive.finish()?.into_inner();
    Ok(Package { file: format!("{distribution}-py3-none-any.whl"), name, version, bytes, manifest: None })
}

fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(folder)?.to_str().context("a name is not UTF-8")?;
            found.push((path.to_owned(), fs::read(entry.path())?));
        }
    }
    Ok(found)
}
