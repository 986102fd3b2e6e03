//! Signatures over raw bytes. Comparison is in constant time; nothing is parsed before.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{Digest, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

use crate::keys::Keys;

/// How far a sender's clock may be from ours, seconds. Standard Webhooks 1.0, "Verifying webhook authenticity".
pub(crate) const TOLERANCE_SECONDS: i64 = 300;

/// A delivery whose signature holds. Only this module builds one.
#[derive(Debug)]
pub(crate) struct VerifiedDelivery<'a> {
    id: String,
    body: &'a [u8],
}

impl<'a> VerifiedDelivery<'a> {
    /// The sender's id of the delivery.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The bytes that were signed.
    pub(crate) fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// The signature does not hold. The sender is told nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotVerified {
    /// A header is missing or of the wrong form.
    #[error("a signature header is missing or malformed")]
    Headers,
    /// The signed time is too far from now.
    #[error("the signed time is more than {TOLERANCE_SECONDS} seconds from now")]
    Stale,
    /// No live key made any of the signatures.
    #[error("no live key made the signature")]
    Mismatch,
}

/// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature` (`v1,<base64>`, several separated
/// by spaces), HMAC-SHA256 over `id.timestamp.body`.
pub(crate) fn standard<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    keys: &Keys,
    now: Timestamp,
) -> Result<VerifiedDelivery<'a>, NotVerified> {
    let id = header(headers, "webhook-id")?;
    let timestamp = header(headers, "webhook-timestamp")?;
    check_time(timestamp, now)?;
    let signatures: Vec<Vec<u8>> = header(headers, "webhook-signature")?
        .split_whitespace()
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .collect();
    check(keys, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body], &signatures)?;
    Ok(VerifiedDelivery { id: id.to_owned(), body })
}

/// The simple scheme: `X-Flux-Lens-Signature: sha256=<hex>` over `timestamp.body` with `X-Flux-Lens-Timestamp`. It
/// has no delivery id: the digest of the signed bytes is taken.
pub(crate) fn simple<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    keys: &Keys,
    now: Timestamp,
) -> Result<VerifiedDelivery<'a>, NotVerified> {
    let timestamp = header(headers, "x-flux-lens-timestamp")?;
    check_time(timestamp, now)?;
    let signature = hex_signature(header(headers, "x-flux-lens-signature")?)?;
    check(keys, &[timestamp.as_bytes(), b".", body], &[signature])?;
    Ok(VerifiedDelivery { id: Digest::of_parts([timestamp.as_bytes(), body]).to_string(), body })
}

/// GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body. It covers neither the delivery id nor a time, which is
/// why such an event is only a hint.
pub(crate) fn github<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    keys: &Keys,
) -> Result<VerifiedDelivery<'a>, NotVerified> {
    let id = header(headers, "x-github-delivery")?.to_owned();
    let signature = hex_signature(header(headers, "x-hub-signature-256")?)?;
    check(keys, &[body], &[signature])?;
    Ok(VerifiedDelivery { id, body })
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, NotVerified> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().filter(|text| !text.is_empty()).ok_or(NotVerified::Headers),
        _ => Err(NotVerified::Headers),
    }
}

fn hex_signature(text: &str) -> Result<Vec<u8>, NotVerified> {
    text.strip_prefix("sha256=").and_then(|digits| hex::decode(digits).ok()).ok_or(NotVerified::Headers)
}

/// Only plain digits: what is compared as a number is signed as text.
fn check_time(timestamp: &str, now: Timestamp) -> Result<(), NotVerified> {
    if timestamp.len() > 15 || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotVerified::Headers);
    }
    let second: i64 = timestamp.parse().map_err(|_| NotVerified::Headers)?;
    if (now.as_second() - second).abs() > TOLERANCE_SECONDS { Err(NotVerified::Stale) } else { Ok(()) }
}

fn check(keys: &Keys, parts: &[&[u8]], signatures: &[Vec<u8>]) -> Result<(), NotVerified> {
    let holds = keys.iter().any(|key| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
        for part in parts {
            mac.update(part);
        }
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    });
    if holds { Ok(()) } else { Err(NotVerified::Mismatch) }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
