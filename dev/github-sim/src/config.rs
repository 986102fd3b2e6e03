//! What a simulator is started with.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::auth::{Level, Permission, Permissions};
use crate::clock::Clock;

/// Everything that [`crate::GithubSim::start`] needs. [`Config::new`] gives workable defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Default `127.0.0.1:0`: loopback, a free port.
    pub listen: SocketAddr,
    /// Folder of the bare repositories and `state.json`. A second start on the same folder continues where the first ended.
    pub state_dir: PathBuf,
    /// The GitHub App. Without it only personal tokens work.
    pub app: Option<AppConfig>,
    /// People that exist from the start, besides [`Config::human`].
    pub users: Vec<UserConfig>,
    /// Organizations that exist from the start. Can be changed later through [`crate::Running::set_organizations`].
    pub organizations: Vec<OrganizationConfig>,
    /// The OAuth app. Can be set later through [`crate::Running::set_oauth_app`].
    pub oauth_app: Option<OauthApp>,
    /// The login that acts on the HTML pages; an administrator of every repository.
    pub human: String,
    /// Personal access tokens (`ghp_…`) for local use.
    pub personal_tokens: Vec<PersonalToken>,
    /// Where webhooks go. Can be set later through [`crate::Running::set_webhook`].
    pub webhook: Option<WebhookConfig>,
    /// The clock of every timestamp and expiry.
    pub clock: Clock,
    /// Requests per hour and token before 403 "API rate limit exceeded".
    pub rate_limit: u32,
    /// How many times a pull request answers `mergeable: null` after a change before GitHub "has computed" it.
    pub mergeable_unknown_reads: u32,
    /// The shape of installation tokens.
    pub token_format: TokenFormat,
}

impl Config {
    /// Defaults: loopback, a free port, the human `maintainer`, no app, no webhook, 5,000 requests an hour.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: state_dir.into(),
            app: None,
            users: Vec::new(),
            organizations: Vec::new(),
            oauth_app: None,
            human: "maintainer".to_owned(),
            personal_tokens: Vec::new(),
            webhook: None,
            clock: Clock::system(),
            rate_limit: 5_000,
            mergeable_unknown_reads: 0,
            token_format: TokenFormat::Short,
        }
    }
}

/// The GitHub App that the simulator knows.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// The App ID, `iss` of its tokens.
    pub id: u64,
    /// The client id, which GitHub accepts as `iss` too.
    pub client_id: String,
    /// The name in URLs and in `slug[bot]`.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The RSA public key (PEM, SPKI or PKCS#1) that belongs to the app's private key.
    pub public_key_pem: String,
    /// What every installation grants.
    pub permissions: Permissions,
    /// Webhook events the app subscribes to. `ping` needs no subscription.
    pub events: Vec<String>,
}

impl AppConfig {
    /// An app with the permissions and events that pull-request automation needs.
    pub fn new(id: u64, slug: &str, public_key_pem: impl Into<String>) -> Self {
        let permissions = BTreeMap::from([
            (Permission::Administration, Level::Read),
            (Permission::Checks, Level::Read),
            (Permission::Contents, Level::Write),
            (Permission::Issues, Level::Write),
            (Permission::Metadata, Level::Read),
            (Permission::PullRequests, Level::Write),
            (Permission::Statuses, Level::Read),
        ]);
        let events = ["check_suite", "pull_request", "pull_request_review", "push"];
        Self {
            id,
            client_id: format!("Iv1.{id:016x}"),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            public_key_pem: public_key_pem.into(),
            permissions,
            events: events.map(str::to_owned).to_vec(),
        }
    }

    /// The login of the app's own account.
    pub fn bot_login(&self) -> String {
        format!("{}[bot]", self.slug)
    }
}

/// A person known to the simulator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// The login.
    pub login: String,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The public e-mail address; commits with it are shown as this person's.
    #[serde(default)]
    pub email: Option<String>,
    /// The account's number; the next free one where none is given. No two accounts may have the same.
    #[serde(default)]
    pub id: Option<u64>,
    /// All addresses of the account, as `GET /user/emails` lists them.
    #[serde(default)]
    pub emails: Vec<EmailConfig>,
}

/// An address of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The address.
    pub email: String,
    /// Whether its owner has shown that it is theirs. Anybody can add somebody else's address, unverified.
    #[serde(default)]
    pub verified: bool,
    /// Whether it is the account's main one.
    #[serde(default)]
    pub primary: bool,
}

/// An organization, who belongs to it, and its teams.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationConfig {
    /// The organization's number.
    pub id: u64,
    /// The login.
    pub login: String,
    /// Logins of its members.
    pub members: Vec<String>,
    /// Its teams.
    #[serde(default)]
    pub teams: Vec<TeamConfig>,
}

/// A team of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamConfig {
    /// The team's number.
    pub id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// Logins of its members.
    pub members: Vec<String>,
}

/// The OAuth app by which people sign in elsewhere.
#[derive(Clone, Debug)]
pub struct OauthApp {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// The registered callback: the only address that a code is sent to.
    pub callback_url: String,
}

/// A personal access token.
#[derive(Clone, Debug)]
pub struct PersonalToken {
    /// The secret, usually `ghp_…`.
    pub token: SecretString,
    /// Whose it is.
    pub login: String,
}

/// Where and how webhooks are sent.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// The receiver's URL.
    pub url: String,
    /// The key of `X-Hub-Signature-256`.
    pub secret: SecretString,
    /// Tries per delivery before it is given up (it can still be re-delivered by hand).
    pub attempts: u32,
}

impl WebhookConfig {
    /// A receiver with five tries per delivery.
    pub fn new(url: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self { url: url.into(), secret: secret.into(), attempts: 5 }
    }
}

/// The shape of installation tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    /// `ghs_` and 36 characters.
    #[default]
    Short,
    /// `ghs_<app id>_<three dotted parts>`, about 520 characters.
    Long,
}
