//! Slack's Web API, as far as it is used.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::blocks::{SlackBlock, SlackView};
use url::Url;

use crate::error::SlackError;

/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time of a call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is waited where Slack does not say how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Where addresses for answers lead.
const RESPONSE_HOST: &str = "hooks.slack.com";

/// A client of Slack. Cheap to clone; `Debug` does not show its token.
#[derive(Clone)]
pub struct Slack {
    http: Client,
    base: Url,
    token: SecretString,
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What notifications show, and readers of screens.
    pub text: String,
    /// What is shown.
    pub blocks: Vec<SlackBlock>,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Posted {
    /// The channel's id.
    pub channel: String,
    /// The message's time, which is its id within the channel.
    pub ts: String,
}

/// A member of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Their id.
    pub id: String,
    /// The workspace's id.
    #[serde(default)]
    pub team_id: Option<String>,
    /// Whether they were deactivated.
    #[serde(default)]
    pub deleted: bool,
    /// Whether it is a program.
    #[serde(default)]
    pub is_bot: bool,
    /// Whether they are a guest in some channels only.
    #[serde(default)]
    pub is_restricted: bool,
    /// Whether they confirmed their address.
    #[serde(default)]
    pub is_email_confirmed: bool,
    /// What is known of them.
    #[serde(default)]
    profile: Profile,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Profile {
    #[serde(default)]
    email: Option<String>,
}

impl User {
    /// The address that they are known by for certain: confirmed, and of a full member who is a person.
    pub fn verified_email(&self) -> Option<&str> {
        let trusted = self.is_email_confirmed && !self.deleted && !self.is_bot && !self.is_restricted;
        self.profile.email.as_deref().filter(|_| trusted)
    }
}

#[derive(Deserialize)]
struct UserBody {
    user: User,
}

#[derive(Deserialize)]
struct Status {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
}

impl Slack {
    /// A client of the API at `base_url`, such as `https://slack.com/api`.
    ///
    /// # Errors
    /// [`SlackError::Setup`] when the address cannot be used.
    pub fn new(base_url: &str, token: SecretString) -> Result<Self, SlackError> {
        let base = Url::parse(base_url).map_err(|error| SlackError::Setup(format!("its address: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(SlackError::Setup("its address is not an http or https one".to_owned()));
        }
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pi-tickets/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            // A proxy for the outside cannot reach what listens on this machine only.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| SlackError::Setup(error.to_string()))?;
        Ok(Self { http, base, token })
    }

    /// The same client with another token. Connections are shared.
    #[must_use]
    pub fn with_token(&self, token: SecretString) -> Self {
        Self { token, ..self.clone() }
    }

    /// Posts a message, into a thread if `thread` names one. When Slack does not say whether it took it, it may be
    /// there: posting again makes two.
    ///
    /// # Errors
    /// [`SlackError`].
    pub async fn post(&self, channel: &str, message: &Message, thread: Option<&str>) -> Result<Posted, SlackError> {
        let mut body = json!({
            "channel": channel,
            "text": message.text,
            "blocks": message.blocks,
            // Nothing in foreign words becomes a preview or a mention.
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(thread) = thread {
            body["thread_ts"] = thread.into();
        }
        self.call("chat.postMessage", &body).await
    }

    /// Replaces a message. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`SlackError`]; final ones when the message is gone.
    pub async fn update(&self, at: &Posted, message: &Message) -> Result<(), SlackError> {
        let Message { text, blocks } = message;
        let body = json!({ "channel": at.channel, "ts": at.ts, "text": text, "blocks": blocks });
        self.call::<Value>("chat.update", &body).await.map(drop)
    }

    /// Opens a dialog for who pressed a button, within three seconds of that.
    ///
    /// # Errors
    /// [`SlackError`].
    pub async fn open_view(&self, trigger_id: &str, view: &SlackView) -> Result<(), SlackError> {
        let body = json!({ "trigger_id": trigger_id, "view": view });
        self.call::<Value>("views.open", &body).await.map(drop)
    }

    /// Looks a member up.
    ///
    /// # Errors
    /// [`SlackError`].
    pub async fn user(&self, id: &str) -> Result<User, SlackError> {
        let method = "users.info";
        let request = self.http.get(self.url(method)).query(&[("user", id)]);
        Ok(self.send::<UserBody>(method, request).await?.user)
    }

    /// Tells only who pressed a button something, at the address that came with the press.
    ///
    /// # Errors
    /// [`SlackError`]; `Setup` for an address that is not Slack's.
    pub async fn respond(&self, response_url: &str, text: &str) -> Result<(), SlackError> {
        let url = Url::parse(response_url).ok().filter(|url| self.is_slacks(url));
        let url = url.ok_or_else(|| SlackError::Setup("an address for answers is not Slack's".to_owned()))?;
        let body = json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        let method = "response_url";
        let answer = self.http.post(url).json(&body).send().await.map_err(|error| unavailable(method, &error))?;
        check_status(method, &answer)
    }

    fn is_slacks(&self, url: &Url) -> bool {
        url.scheme() == "https" && url.host_str() == Some(RESPONSE_HOST) || url.origin() == self.base.origin()
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, body: &Value) -> Result<T, SlackError> {
        self.send(method, self.http.post(self.url(method)).json(body)).await
    }

    fn url(&self, method: &str) -> String {
        format!("{}/{method}", self.base.as_str().trim_end_matches('/'))
    }

    async fn send<T: DeserializeOwned>(&self, method: &str, request: reqwest::RequestBuilder) -> Result<T, SlackError> {
        let answer = request.bearer_auth(self.token.expose_secret()).send().await;
        let answer = answer.map_err(|error| unavailable(method, &error))?;
        check_status(method, &answer)?;
        let body: Value = answer.json().await.map_err(|error| unavailable(method, &error))?;
        let unexpected = |error: serde_json::Error| SlackError::Unavailable {
            method: method.to_owned(),
            reason: format!("its answer is not what it should be: {error}"),
        };
        let status: Status = serde_json::from_value(body.clone()).map_err(unexpected)?;
        if !status.ok {
            return Err(refusal(method, status.error.unwrap_or_default()));
        }
        serde_json::from_value(body).map_err(unexpected)
    }
}

/// Slack says some of its own faults in words.
fn refusal(method: &str, error: String) -> SlackError {
    let method = method.to_owned();
    match error.as_str() {
        "ratelimited" => SlackError::RateLimited { method, retry_after: DEFAULT_WAIT },
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            SlackError::Unavailable { method, reason: error }
        }
        _ => SlackError::Refused { method, error },
    }
}

fn check_status(method: &str, answer: &reqwest::Response) -> Result<(), SlackError> {
    let method = method.to_owned();
    match answer.status() {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(SlackError::RateLimited { method, retry_after: seconds.map_or(DEFAULT_WAIT, Duration::from_secs) })
        }
        status => Err(SlackError::Unavailable { method, reason: format!("status {status}") }),
    }
}

/// The address is left out: it may be one for answers, which is a credential.
fn unavailable(method: &str, error: &reqwest::Error) -> SlackError {
    let reason = if error.is_timeout() { "no answer in time" } else { "no connection" };
    SlackError::Unavailable { method: method.to_owned(), reason: reason.to_owned() }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
