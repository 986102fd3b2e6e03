//! Acting as a GitHub App: where it is installed, and tokens for one repository.

use std::collections::BTreeMap;
use std::fmt;

use domain::Repository;
use http::StatusCode;
use jiff::Timestamp;
use octocrab::AuthState;
use octocrab::auth::AppAuth;
use octocrab::models::AppId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::Call;
use crate::error::GithubError;
use crate::host::{Github, Host};

/// Longest that a rejected name is repeated in a message.
const SHOWN: usize = 200;

/// A GitHub with an App's private key: can mint tokens and nothing else.
#[derive(Clone)]
pub struct App {
    github: Github,
}

/// How much a permission allows; the order is "allows more".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Everything.
    Admin,
}

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// The only repository that it is for.
    pub repository: Repository,
    /// What it may do there, by GitHub's names of permissions.
    pub permissions: BTreeMap<String, Access>,
}

/// An installation token, exactly as large as it was asked for.
#[derive(Debug, Clone)]
pub struct MintedToken {
    /// The token. `Debug` does not show it.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
struct InstallationBody {
    id: u64,
}

#[derive(Deserialize)]
struct TokenBody {
    token: SecretString,
    expires_at: Timestamp,
    #[serde(default)]
    permissions: BTreeMap<String, Access>,
    #[serde(default)]
    repositories: Vec<RepositoryBody>,
}

#[derive(Deserialize)]
struct RepositoryBody {
    full_name: String,
}

impl Host {
    /// This host with an App's key: an RSA private key as PEM (PKCS#1 as GitHub hands it out, or PKCS#8).
    ///
    /// # Errors
    /// [`GithubError::Setup`] when the key cannot be read; its text is not repeated.
    pub fn with_app(&self, app_id: u64, private_key: &SecretString) -> Result<App, GithubError> {
        let key = octocrab::EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
            .map_err(|_| GithubError::Setup("the App's private key is not an RSA key in PEM form".to_owned()))?;
        Ok(App { github: self.with_auth(AuthState::App(AppAuth { app_id: AppId(app_id), key })) })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    /// Mints a token for one repository with exactly these permissions.
    ///
    /// # Errors
    /// [`GithubError::RepositoryNotFound`] when the App is not installed on the repository;
    /// [`GithubError::Unauthorized`] when there is no such App, or this is not its key; [`GithubError::Refused`] when
    /// its installation lacks a permission; [`GithubError::Unexpected`] when GitHub gave more than was asked for
    /// (the token is dropped then).
    pub async fn mint(&self, grant: &TokenGrant) -> Result<MintedToken, GithubError> {
        let missing = || GithubError::RepositoryNotFound { repository: grant.repository.clone() };
        let call = Call::get(format!("/repos/{}/installation", grant.repository));
        let reply = self.github.send(&call).await?;
        if reply.status == StatusCode::NOT_FOUND {
            // No such App: that says nothing about the repository.
            let unknown = reply.message().contains("Integration not found");
            return Err(if unknown { GithubError::Unauthorized { call: call.label() } } else { missing() });
        }
        let installation: InstallationBody = reply.json()?;
        let call = Call::post(
            format!("/app/installations/{}/access_tokens", installation.id),
            json!({"repositories": [grant.repository.name()], "permissions": grant.permissions}),
        );
        let reply = self.github.send(&call).await?;
        let text = reply.message();
        // The installation was taken back, or this repository taken out of it, between the two calls.
        if reply.status == StatusCode::NOT_FOUND
            || (reply.status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("not accessible to the parent"))
        {
            return Err(missing());
        }
        let body: TokenBody = reply.json()?;
        if let Some(reason) = excess(grant, &body) {
            return Err(GithubError::Unexpected { call: call.label(), reason });
        }
        Ok(MintedToken { token: body.token, expires_at: body.expires_at })
    }
}

/// What the answer grants beyond what was asked for.
fn excess(grant: &TokenGrant, body: &TokenBody) -> Option<String> {
    let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let other = |repository: &&RepositoryBody| !repository.full_name.eq_ignore_ascii_case(grant.repository.as_str());
    if let Some(repository) = body.repositories.iter().find(other) {
        return Some(format!("the token is also for {}", shown(&repository.full_name)));
    }
    if body.repositories.is_empty() {
        return Some("the token is not limited to one repository".to_owned());
    }
    // Every token may read metadata, asked or not.
    let implied = |name: &str, access: Access| name == "metadata" && access == Access::Read;
    let more = |(name, access): &(&String, &Access)| {
        !implied(name, **access) && grant.permissions.get(*name).is_none_or(|asked| *access > asked)
    };
    let (name, access) = body.permissions.iter().find(more)?;
    Some(format!("the token may also {access:?} {}", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> TokenGrant {
        TokenGrant {
            repository: "acme/app".parse().unwrap(),
            permissions: BTreeMap::from([("contents".to_owned(), Access::Write), ("checks".to_owned(), Access::Read)]),
        }
    }

    fn answer(repositories: &[&str], permissions: serde_json::Value) -> TokenBody {
        let repositories: Vec<_> = repositories.iter().map(|name| json!({"full_name": name})).collect();
        serde_json::from_value(json!({
            "token": "t", "expires_at": "2026-11-22T10:00:00Z",
            "permissions": permissions, "repositories": repositories,
        }))
        .unwrap()
    }

    #[test]
    fn an_answer_may_grant_less_but_never_more() {
        let more = |repositories: &[&str], permissions| excess(&grant(), &answer(repositories, permissions)).is_some();
        assert!(!more(&["Acme/App"], json!({"contents": "write", "checks": "read", "metadata": "read"})));
        assert!(!more(&["acme/app"], json!({"contents": "read"})));
        assert!(more(&["acme/app"], json!({"checks": "write"})), "more access");
        assert!(more(&["acme/app"], json!({"workflows": "write"})), "another permission");
        assert!(more(&["acme/app"], json!({"metadata": "write"})));
        assert!(more(&["acme/app", "acme/other"], json!({})), "another repository");
        assert!(more(&[], json!({})), "every repository");
    }
}
