//! The function's entry.

use domain::Timestamp;
use domain::code_host::{TokenAnswer, TokenRequest};
use domain::failure::Failure;
use serde_json::Value;

use crate::config::Context;
use crate::credentials::Credentials;
use crate::issue::issue;

/// Answers a [`TokenRequest`].
///
/// # Errors
/// As [`issue`]; `InvalidInput` for something else than a request.
pub async fn handle(context: &Context, payload: Value, now: Timestamp) -> Result<TokenAnswer, Failure> {
    let TokenRequest { repository, rejected } = runtime::step::input(payload)?;
    if let Some(token) = context.cache.get(&repository, rejected, now) {
        return Ok(token);
    }
    let credentials: Credentials = context.secrets.json(&context.config.credentials_secret).await?;
    credentials.check(context.config.allow_personal_token)?;
    let token = issue(&context.host, &credentials, context.config.grant, &repository, now).await?;
    // A person's token is checked every time: it is not ours to say how long it lives.
    if matches!(credentials, Credentials::App { .. }) {
        context.cache.put(&repository, token.clone(), now);
    }
    tracing::info!(%repository, grant = ?context.config.grant, expires_at = %token.expires_at, "token issued");
    Ok(token)
}
