//! What a stack is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

/// Who decides by link in scenarios.
pub const APPROVER: &str = "rae.kim@acme.example";
/// On whose behalf the API token decides.
pub const API_APPROVER: &str = "sam.ortiz@acme.example";
/// The GitHub login that acts on pages and merges.
pub const MAINTAINER: &str = "rae-kim";
/// The login on whose behalf the API token decides: an admin of the console.
pub const API_LOGIN: &str = "sam-ortiz";
/// The Slack member who is [`APPROVER`].
pub(crate) const SLACK_MEMBER: &str = "U0RAEKIM";
/// The Slack member who is [`API_APPROVER`].
pub(crate) const SLACK_API_MEMBER: &str = "U0SAMORTIZ";
/// Everybody of the organization reads, its reviewers approve, and [`API_LOGIN`] runs the console.
pub(crate) const ROLE_RULES: &str = "viewer=org:9100 approver=team:9101 admin=user:9002";

/// What a stack is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The stack's name: part of every name inside the engine, and of its folder.
    pub name: String,
    /// Where it keeps everything. Made if it does not exist.
    pub folder: PathBuf,
    /// Template parameters that replace the stack's own choice.
    pub parameters: BTreeMap<String, String>,
    /// The code host.
    pub code_host: CodeHost,
    /// The model provider.
    pub model: Model,
    /// Factor for the pauses between retries of the state machine. 1 is real time.
    pub wait_scale: f64,
    /// Whether the folder stays when the stack ends.
    pub keep_folder: bool,
}

/// The code host.
#[derive(Debug, Clone)]
pub enum CodeHost {
    /// The simulator.
    Simulated,
    /// GitHub, by a personal token.
    GitHub {
        /// The API's base URL.
        api_url: String,
        /// The token.
        token: SecretString,
    },
}

/// The model provider.
#[derive(Debug, Clone)]
pub enum Model {
    /// The scripted model.
    Simulated,
    /// A provider with a key.
    Real {
        /// `anthropic` or `openai`.
        provider: &'static str,
        /// The provider's base URL; empty for its public one.
        base_url: String,
        /// The key.
        api_key: SecretString,
        /// The model's name.
        model: String,
    },
}

impl Settings {
    /// Everything simulated, in `folder`.
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            folder: folder.into(),
            parameters: BTreeMap::new(),
            code_host: CodeHost::Simulated,
            model: Model::Simulated,
            wait_scale: 1.0,
            keep_folder: false,
        }
    }
}
