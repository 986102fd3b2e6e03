//! People who press buttons and send dialogs.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{CHANNEL, SIGNING_SECRET, Slack, TEAM};

/// How long Slack waits for an answer. Its documentation, "Handling user interaction".
const PATIENCE: Duration = Duration::from_secs(3);

/// Where what people do is sent, and how it is signed.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address.
    pub url: String,
    /// The secret.
    pub secret: String,
    /// What is added to the clock, seconds.
    pub skew: i64,
}

impl Endpoint {
    /// Signed as it should be.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), secret: SIGNING_SECRET.to_owned(), skew: 0 }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// Whether it came in time.
    pub in_time: bool,
}

/// What was sent, for sending it again.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What came back.
    pub reply: Reply,
    /// The signed request: time, signature, body.
    pub request: (String, String, String),
}

impl Slack {
    /// A member presses a button of a message.
    ///
    /// # Errors
    /// When there is no such message or button, or nobody answers at the endpoint.
    pub async fn press(&self, to: &Endpoint, user: &str, ts: &str, action: &str) -> Result<Answered, String> {
        self.send(to, self.pressed(user, ts, action)?).await
    }

    /// What is sent when a member presses a button of a message.
    ///
    /// # Errors
    /// When there is no such message or button.
    pub fn pressed(&self, user: &str, ts: &str, action: &str) -> Result<String, String> {
        let payload = {
            let mut workspace = self.lock();
            let message =
                workspace.messages.iter().find(|message| message.ts == ts).cloned().ok_or("no such message")?;
            let button = message.buttons().remove(action).ok_or("no such button")?;
            let trigger = format!("{}.trigger", workspace.next());
            workspace.triggers.insert(trigger.clone());
            json!({
                "type": "block_actions",
                "team": { "id": TEAM, "domain": "acme" },
                "user": { "id": user, "username": user, "team_id": workspace.team_of(user) },
                "api_app_id": "A0APP",
                "token": "deprecated",
                "container": { "type": "message", "message_ts": ts, "channel_id": CHANNEL, "is_ephemeral": false },
                "trigger_id": trigger,
                "channel": { "id": CHANNEL, "name": "approvals" },
                "message": { "type": "message", "ts": ts, "text": message.text, "blocks": message.blocks },
                "response_url": format!("http://{}/answers/{trigger}", self.address),
                "actions": [{
                    "type": "button",
                    "action_id": action,
                    "block_id": "b",
                    "text": button["text"],
                    "value": button["value"],
                    "action_ts": "1795600000.000100",
                }],
            })
        };
        Ok(form(&payload))
    }

    /// A member sends the dialog that was opened last, with these fields.
    ///
    /// # Errors
    /// When no dialog is open, or nobody answers at the endpoint.
    pub async fn submit(&self, to: &Endpoint, user: &str, fields: &[(&str, &str)]) -> Result<Answered, String> {
        self.send(to, self.submitted(user, fields)?).await
    }

    /// What is sent when a member sends the dialog that was opened last, with these fields.
    ///
    /// # Errors
    /// When no dialog is open, or it has no such field.
    pub fn submitted(&self, user: &str, fields: &[(&str, &str)]) -> Result<String, String> {
        let workspace = self.lock();
        let mut view = workspace.views.last().cloned().ok_or("no dialog is open")?;
        let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
        let mut values = json!({});
        for (name, value) in fields {
            let block = blocks.iter().find(|block| block["element"]["action_id"] == *name).ok_or("no such field")?;
            let block = block["block_id"].as_str().unwrap_or("generated");
            values[block][*name] = json!({ "type": "plain_text_input", "value": value });
        }
        view["state"] = json!({ "values": values });
        view["hash"] = "1795600000.hash".into();
        view["team_id"] = TEAM.into();
        let payload = json!({
            "type": "view_submission",
            "team": { "id": TEAM, "domain": "acme" },
            "user": { "id": user, "username": user, "team_id": workspace.team_of(user) },
            "api_app_id": "A0APP",
            "token": "deprecated",
            "trigger_id": "none",
            "view": view,
        });
        Ok(form(&payload))
    }

    async fn send(&self, to: &Endpoint, body: String) -> Result<Answered, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
        let timestamp = now.saturating_add_signed(to.skew).to_string();
        let signature = sign(&to.secret, &timestamp, &body);
        self.send_again(to, (timestamp, signature, body)).await
    }

    /// Sends a signed request once more, as somebody would who saw it.
    ///
    /// # Errors
    /// When nobody answers at the endpoint.
    pub async fn send_again(&self, to: &Endpoint, request: (String, String, String)) -> Result<Answered, String> {
        let start = Instant::now();
        let answer = self
            .http
            .post(&to.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", &request.0)
            .header("x-slack-signature", &request.1)
            .body(request.2.clone())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(|error| error.to_string())?;
        Ok(Answered { reply: Reply { status, body, in_time: start.elapsed() < PATIENCE }, request })
    }
}

/// The signature of a request at a time, seconds since 1970.
pub fn sign(secret: &str, timestamp: &str, body: &str) -> String {
    // Any length is a key of HMAC's.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

fn form(payload: &Value) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
}
