//! Configuration.

use domain::failure::{Failure, FailureKind};
use domain::inbound::SecretOwner;
use runtime::Secrets;
use runtime::env::{self, ConfigError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use store::Store;
use tickets::flux_lens::FluxLens;

use crate::access::Access;

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Config {
    /// `STATE_TABLE`.
    pub state_table: String,
    /// `GATES_TABLE`, read only.
    pub gates_table: String,
    /// `AUDIT_TABLE`, read only.
    pub audit_table: String,
    /// `BUCKET`, read only.
    pub bucket: String,
    /// `PUBLIC_BASE_URL`: start of every link, no slash at its end.
    pub public_base_url: String,
    /// `MAIL_FROM`.
    pub mail_from: String,
    /// `APPROVAL_LINKS_FUNCTION`.
    pub approval_links_function: String,
    /// Client for `FLUX_LENS_BASE_URL`, without a token yet.
    pub flux_lens: FluxLens,
    /// `FLUX_LENS_TOKEN_SECRET_ARN`: `{"token": "…"}`.
    pub flux_lens_token_secret_arn: String,
}

#[derive(Deserialize)]
struct TokenSecret {
    token: SecretString,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        let name = "FLUX_LENS_BASE_URL";
        let flux_lens = FluxLens::new(&env::required(name)?, SecretString::default())
            .map_err(|error| ConfigError::Invalid { name, reason: error.to_string() })?;
        Ok(Self {
            state_table: env::required("STATE_TABLE")?,
            gates_table: env::required("GATES_TABLE")?,
            audit_table: env::required("AUDIT_TABLE")?,
            bucket: env::required("BUCKET")?,
            public_base_url: env::required("PUBLIC_BASE_URL")?,
            mail_from: env::required("MAIL_FROM")?,
            approval_links_function: env::required("APPROVAL_LINKS_FUNCTION")?,
            flux_lens,
            flux_lens_token_secret_arn: env::required("FLUX_LENS_TOKEN_SECRET_ARN")?,
        })
    }

    /// What the secrets open, as they are now. Notes their fingerprints, for nobody to publish one.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub async fn access(&self, secrets: &Secrets, store: &Store) -> Result<Access, Failure> {
        let TokenSecret { token } = secrets.json(&self.flux_lens_token_secret_arn).await?;
        if token.expose_secret().is_empty() {
            return Err(Failure::new(FailureKind::Internal, "the secret with Flux Lens's token has an empty token"));
        }
        let tell = async |fingerprints| store.put_known_secrets(SecretOwner::Notifier, fingerprints).await;
        secrets.announce(&[("the tracker's token", &token)], tell).await;
        Ok(Access { tracker: self.flux_lens.with_token(token) })
    }
}
