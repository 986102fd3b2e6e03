//! Slack on loopback: a workspace with members, a channel and messages behind the methods of the Web API that are used,
//! with their answers and errors, limits with `Retry-After`, and people who press buttons and send dialogs. What they do
//! is signed as Slack signs it and has to be answered within three seconds.

mod api;
mod people;
mod workspace;

pub use people::{Answered, Endpoint, Reply, sign};
pub use workspace::{Call, Member, Message, Workspace};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The workspace's id.
pub const TEAM: &str = "T012AB3CD";
/// The bot's token.
pub const TOKEN: &str = "xoxb-simulated-0000000000";
/// The secret that requests are signed with.
pub const SIGNING_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The one channel that the bot is in.
pub const CHANNEL: &str = "C0APPROVALS";

/// A running Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    address: SocketAddr,
    workspace: Arc<Mutex<Workspace>>,
    http: reqwest::Client,
}

impl Slack {
    /// Starts it with these members on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(members: Vec<Member>) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let workspace = Arc::new(Mutex::new(Workspace::new(members)));
        let app = api::router(Arc::clone(&workspace));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, workspace, http: reqwest::Client::new() })
    }

    /// Base URL of the Web API.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// A page with the channel's messages, as text.
    pub fn channel_url(&self) -> String {
        format!("http://{}/channel", self.address)
    }

    /// The messages of the channel, oldest first, those in threads as well.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().messages.clone()
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// The dialog that was opened last.
    pub fn last_view(&self) -> Option<serde_json::Value> {
        self.lock().views.last().cloned()
    }

    /// What was told to people at addresses for answers.
    pub fn whispers(&self) -> Vec<String> {
        self.lock().whispers.clone()
    }

    /// A person deletes a message.
    pub fn delete(&self, ts: &str) {
        self.lock().messages.retain(|message| message.ts != ts);
    }

    /// Answers the next calls of a method, so many, with 429 and this `Retry-After`, seconds.
    pub fn limit(&self, method: &str, times: u32, retry_after: u32) {
        self.lock().limits.insert(method.to_owned(), (times, retry_after));
    }

    fn lock(&self) -> MutexGuard<'_, Workspace> {
        lock(&self.workspace)
    }
}

fn lock(workspace: &Mutex<Workspace>) -> MutexGuard<'_, Workspace> {
    workspace.lock().unwrap_or_else(PoisonError::into_inner)
}
