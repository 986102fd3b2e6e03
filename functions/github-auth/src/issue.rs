//! Getting a token from the code host.

use domain::Timestamp;
use domain::code_host::TokenAnswer;
use domain::failure::{Failure, FailureKind};
use domain::ids::Repository;
use github::{GithubError, Host, TokenGrant};
use jiff::SignedDuration;
use runtime::known::fingerprints_of;
use secrecy::{ExposeSecret as _, SecretString};

use crate::credentials::Credentials;
use crate::grant::Grant;

/// How long a person's token is said to live: its real end is not known.
const PERSONAL_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// A token for one repository.
///
/// # Errors
/// `RepositoryUnavailable` when the repository does not exist or the App is not installed on it; `GithubRefused` when
/// the credential is not accepted or lacks a permission; `Transient` when GitHub does not answer.
pub async fn issue(
    host: &Host,
    credentials: &Credentials,
    grant: Grant,
    repository: &Repository,
    now: Timestamp,
) -> Result<TokenAnswer, Failure> {
    match credentials {
        Credentials::App { app_id, private_key } => {
            let app = host.with_app(*app_id, private_key)?;
            let grant = TokenGrant { repository: repository.clone(), permissions: grant.permissions() };
            let minted = app.mint(&grant).await.map_err(|error| explain_app(error, repository))?;
            Ok(TokenAnswer {
                token: minted.token.expose_secret().to_owned(),
                expires_at: minted.expires_at,
                fingerprints: fingerprints_of("the GitHub App's private key", private_key)?,
            })
        }
        Credentials::Token { token } => pass_on(host, token, repository, now).await,
    }
}

async fn pass_on(
    host: &Host,
    token: &SecretString,
    repository: &Repository,
    now: Timestamp,
) -> Result<TokenAnswer, Failure> {
    let github = host.with_token(token.clone())?;
    github.repo(repository).settings().await.map_err(|error| match error {
        GithubError::RepositoryNotFound { .. } => unavailable(format!(
            "the repository {repository} does not exist, or the configured personal token has no access to it; \
             correct the ticket's repository or the token's access, then retry"
        )),
        GithubError::Unauthorized { .. } => {
            refused("GitHub does not accept the configured personal token: it is wrong, revoked or expired".to_owned())
        }
        error => error.into(),
    })?;
    Ok(TokenAnswer {
        token: token.expose_secret().to_owned(),
        expires_at: now + PERSONAL_LIFETIME,
        fingerprints: fingerprints_of("the configured personal token", token)?,
    })
}

fn explain_app(error: GithubError, repository: &Repository) -> Failure {
    match error {
        GithubError::RepositoryNotFound { .. } => unavailable(format!(
            "the repository {repository} does not exist, or the GitHub App is not installed on it; correct the \
             ticket's repository, or let an owner of {} add it to the App's installation, then retry",
            repository.owner()
        )),
        GithubError::Unauthorized { .. } => refused(
            "GitHub does not accept the App's key: its number and key in the secret do not belong together".to_owned(),
        ),
        GithubError::Refused { status: 422, message, .. } => refused(format!(
            "the App's installation on {repository} lacks a permission; let an owner of {} accept the App's present \
             permissions, then retry. GitHub says: {message}",
            repository.owner()
        )),
        error => error.into(),
    }
}

fn unavailable(message: String) -> Failure {
    Failure::new(FailureKind::RepositoryUnavailable, message)
}

fn refused(message: String) -> Failure {
    Failure::new(FailureKind::GithubRefused, message)
}
