//! Pi's own folders: an empty agent directory with one provider (our proxy), and our extension.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use domain::spec::SpecFile;
use serde_json::json;

use crate::proxy::Protocol;

/// The provider's name in Pi.
pub const PROVIDER: &str = "pi-tickets";

const EXTENSION: &str = include_str!("../../pi/extension/scope.mjs");
const CONTEXT_WINDOW_TOKENS: u32 = 200_000;
const MAX_OUTPUT_TOKENS: u32 = 16_384;

/// Pi's folders, outside the workspace.
#[derive(Debug, Clone)]
pub struct PiHome {
    root: Utf8PathBuf,
}

/// The model endpoint as Pi sees it.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint<'a> {
    /// The protocol.
    pub protocol: Protocol,
    /// Base address on loopback.
    pub base_url: &'a str,
    /// The dummy key.
    pub key: &'a str,
    /// The model's name.
    pub model: &'a str,
}

impl PiHome {
    /// Writes the folders below the empty folder `root`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn create(root: &Utf8Path, endpoint: Endpoint<'_>, files: &[SpecFile], instructions: &str) -> io::Result<Self> {
        let home = Self::at(root);
        for folder in [home.agent(), home.sessions(), home.user().join("tmp")] {
            fs::create_dir_all(folder)?;
        }
        let api = match endpoint.protocol {
            Protocol::Anthropic => "anthropic-messages",
            Protocol::Openai => "openai-completions",
        };
        let model = json!({
            "id": endpoint.model, "contextWindow": CONTEXT_WINDOW_TOKENS, "maxTokens": MAX_OUTPUT_TOKENS,
            "input": ["text", "image"],
        });
        let provider = json!({"baseUrl": endpoint.base_url, "api": api, "apiKey": endpoint.key, "models": [model]});
        let models = json!({"providers": {PROVIDER: provider}});
        // Pi repeats a call whose answer broke off; failures before the answer are repeated by the proxy.
        let settings = json!({"retry": {"enabled": true, "maxRetries": 2, "baseDelayMs": 1_000}});
        let scope: Vec<_> = files.iter().map(|file| json!({"path": file.path, "action": file.action})).collect();
        fs::write(home.agent().join("models.json"), models.to_string())?;
        fs::write(home.agent().join("settings.json"), settings.to_string())?;
        fs::write(home.scope_file(), json!({"files": scope}).to_string())?;
        fs::write(home.extension(), EXTENSION)?;
        fs::write(home.instructions(), instructions)?;
        Ok(home)
    }

    /// Folders that were created before.
    pub fn at(root: &Utf8Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Pi's agent directory.
    pub fn agent(&self) -> Utf8PathBuf {
        self.root.join("agent")
    }

    /// Where Pi writes the session.
    pub fn sessions(&self) -> Utf8PathBuf {
        self.root.join("sessions")
    }

    /// HOME of Pi and its commands.
    pub fn user(&self) -> Utf8PathBuf {
        self.root.join("home")
    }

    /// The list of files for the extension.
    pub fn scope_file(&self) -> Utf8PathBuf {
        self.root.join("scope.json")
    }

    /// Our extension.
    pub fn extension(&self) -> Utf8PathBuf {
        self.root.join("scope.mjs")
    }

    /// What is appended to Pi's system prompt.
    pub fn instructions(&self) -> Utf8PathBuf {
        self.root.join("instructions.md")
    }

    /// The newest session file, if Pi has written one. The agent can write here too, so it is read without following
    /// links and taken as untrusted text.
    pub fn session_file(&self, limit: u64) -> Option<Vec<u8>> {
        let newest = fs::read_dir(self.sessions()).ok()?.filter_map(|entry| {
            let path = Utf8PathBuf::from_path_buf(entry.ok()?.path()).ok()?;
            let metadata = fs::symlink_metadata(&path).ok()?;
            let is_session = metadata.is_file() && metadata.len() <= limit && path.extension() == Some("jsonl");
            is_session.then_some((metadata.modified().ok()?, path))
        });
        let (_, path) = newest.max()?;
        let mut content = Vec::new();
        let root = crate::workspace::open::Folder::open(&self.sessions()).ok()?;
        let file = root.read(path.file_name()?.into()).ok()?;
        io::Read::read_to_end(&mut io::Read::take(file, limit), &mut content).ok()?;
        Some(content)
    }
}
