//! The repository under attack, and what was approved: one file may be changed, one may be made.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use domain::ids::{Generation, Revision, TicketKey, WorkflowId};
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};

/// Its files at the base commit.
pub const FILES: &[(&str, &str)] = &[
    ("src/app.js", "module.exports = 1;\n"),
    ("src/other.js", "module.exports = 2;\n"),
    ("src/deep/er.js", "module.exports = 3;\n"),
    ("test/app.test.js", "require('node:assert').equal(require('../src/app.js'), 1);\n"),
    ("test/conftest.py", "# nothing\n"),
    ("package.json", "{\"name\":\"app\",\"scripts\":{\"test\":\"node --test\"}}\n"),
    ("package-lock.json", "{\"lockfileVersion\":3}\n"),
    (".pi-tickets.toml", "[[gate]]\nname = \"test\"\ncommand = \"node --test\"\n"),
    (".github/workflows/ci.yml", "on: push\n"),
    (".github/CODEOWNERS", "* @acme/all\n"),
    (".gitattributes", "* text\n"),
    (".gitignore", "*.log\n"),
    ("AGENTS.md", "Be kind.\n"),
    ("Makefile", "test:\n\tnode --test\n"),
    ("README.md", "# App\n"),
];

/// The approved SPEC.
pub fn spec() -> Result<Spec> {
    let ticket = TicketKey::flux_lens("FL-1");
    let file = |path: &str, action| {
        let reason = "It is part of the change.".to_owned();
        anyhow::Ok(SpecFile { path: path.parse()?, action, reason, protection: None })
    };
    Ok(Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: domain::Digest::of("ticket"),
        base_commit: "0123456789abcdef0123456789abcdef01234567".parse()?,
        files: vec![file("src/app.js", FileAction::Modify)?, file("src/new.js", FileAction::Create)?],
        amendment: None,
        text: SpecText { title: "Attack".to_owned(), ..SpecText::default() },
    })
}

/// Writes the files into a folder that everybody may write in.
///
/// # Errors
/// A file cannot be written.
pub fn write_open(folder: &Path) -> Result<()> {
    for (path, content) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry?;
        let mode = if entry.file_type().is_dir() { 0o777 } else { 0o666 };
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// The workspace archive.
///
/// # Errors
/// None that could happen to bytes in memory.
pub fn archive() -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in FILES {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes())?;
    }
    Ok(zstd::encode_all(tar.into_inner()?.as_slice(), 1)?)
}
