//! API tokens: the deployment's own, and those that people make for their scripts.

use axum::http::HeaderValue;
use domain::Digest;
use domain::person::Person;
use domain::refusal::AccessRefusal;
use domain::role::Scopes;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::Console;
use crate::backend::Backend;
use crate::caller::{Caller, Viewer};
use crate::problem::Problem;
use crate::secret_text::token_digest;

const UNKNOWN: &str = "an unknown token";
const REVOKED: &str = "a token that was revoked";
const EXPIRED: &str = "a token past its end";

/// Checks an `Authorization` header. Digests are compared, so that neither content nor length of a wrong token can be
/// learned from the time it takes.
pub(crate) async fn check<B: Backend>(console: &Console<B>, value: &HeaderValue) -> Result<Caller, Problem> {
    let secrets = console.backend.secrets().await?;
    let text = value.to_str().unwrap_or_default();
    let given = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some(given) = given.map(|(_, token)| token.trim()) else { return Ok(Caller::Refused(UNKNOWN, None)) };
    let (digest, own) = (Digest::of(given), Digest::of(secrets.token.expose_secret()));
    if bool::from(digest.as_bytes().ct_eq(own.as_bytes())) {
        return Ok(Caller::Known(Box::new(Viewer::new(secrets.holder, Scopes::all(), None))));
    }
    let Some(digest) = token_digest(given) else { return Ok(Caller::Refused(UNKNOWN, None)) };
    let Some(token) = console.backend.token(digest).await? else { return Ok(Caller::Refused(UNKNOWN, None)) };
    let (now, owner) = ((console.now)(), Some(Box::new(token.owner.clone())));
    if token.revoked_at.is_some() {
        return Ok(Caller::Refused(REVOKED, owner));
    }
    if now >= token.expires_at {
        return Ok(Caller::Refused(EXPIRED, owner));
    }
    let day = AccessRefusal::day(now);
    if token.last_used.as_ref() != Some(&day) {
        console.backend.token_used(digest, &day).await?;
    }
    Ok(Caller::Known(Box::new(Viewer::new(token.owner, token.scopes, None))))
}

/// Revokes what a person's tokens allow beyond `scopes`: at each sign-in, when it is known what they may do now.
pub(crate) async fn hold_to<B: Backend>(console: &Console<B>, owner: &Person, scopes: &Scopes) -> Result<(), Problem> {
    let now = (console.now)();
    for token in console.backend.tokens().await? {
        let is_more = token.scopes.within(scopes) != token.scopes;
        if token.owner.is_same(owner) && is_more && token.revoked_at.is_none() {
            console.backend.revoke_token(token.digest, now).await?;
        }
    }
    Ok(())
}
