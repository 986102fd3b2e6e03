//! How Flux Lens signs webhooks.
//!
//! Two schemes: Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`), and a simple one
//! (`X-Flux-Lens-Timestamp`, `X-Flux-Lens-Signature: sha256=<hex>` over `timestamp.body`). Timestamps are Unix seconds.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Standard Webhooks: names the message, the same in every attempt.
pub const WEBHOOK_ID: &str = "webhook-id";
/// Standard Webhooks: when this attempt was signed.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// Standard Webhooks: one or more signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";
/// The simple scheme: when this attempt was signed.
pub const FLUX_LENS_TIMESTAMP: &str = "x-flux-lens-timestamp";
/// The simple scheme: the signature.
pub const FLUX_LENS_SIGNATURE: &str = "x-flux-lens-signature";

/// How a delivery is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Standard Webhooks 1.0.
    #[default]
    Standard,
    /// `X-Flux-Lens-Signature`.
    Simple,
}

/// A signing key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// A key that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// What follows `whsec_` is not Base64.
    #[error("a signing key that starts with `whsec_` must go on in Base64")]
    NotBase64,
    /// There is no key.
    #[error("a signing key must not be empty")]
    Empty,
}

impl Secret {
    /// A key from its bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The key as it is configured: `whsec_` and Base64.
    pub fn to_whsec(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    /// Reads a key: `whsec_` and Base64 is the bytes that this encodes; anything else is its own UTF-8 bytes.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let bytes = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() { Err(SecretError::Empty) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The value of `webhook-signature`: one `v1,<base64>` per key, separated by spaces, as during a rotation of keys.
pub fn sign_standard(secrets: &[Secret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let signed = format!("{id}.{}.", at.as_second());
    let signatures = secrets.iter().map(|secret| {
        let mac = secret.mac(&[signed.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(mac))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// The value of `X-Flux-Lens-Signature`: `sha256=<hex>`.
pub fn sign_simple(secret: &Secret, at: Timestamp, body: &[u8]) -> String {
    let signed = format!("{}.", at.as_second());
    format!("sha256={}", hex::encode(secret.mac(&[signed.as_bytes(), body])))
}

/// All headers of a signed delivery. The simple scheme uses the first key and has no id.
pub fn headers(
    scheme: Scheme,
    secrets: &[Secret],
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let timestamp = at.as_second().to_string();
    match scheme {
        Scheme::Standard => vec![
            (WEBHOOK_ID, id.to_owned()),
            (WEBHOOK_TIMESTAMP, timestamp),
            (WEBHOOK_SIGNATURE, sign_standard(secrets, id, at, body)),
        ],
        Scheme::Simple => {
            let mut headers = vec![(FLUX_LENS_TIMESTAMP, timestamp)];
            headers.extend(secrets.first().map(|secret| (FLUX_LENS_SIGNATURE, sign_simple(secret, at, body))));
            headers
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The test vector of the Standard Webhooks reference libraries.
    #[test]
    fn signs_like_the_reference_libraries() {
        let secret: Secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = sign_standard(&[secret], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", at(1_649_367_553), body);
        assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn two_keys_make_two_signatures() {
        let [one, two] = ["one", "two"].map(Secret::from_bytes);
        let both = sign_standard(&[one.clone(), two.clone()], "msg_1", at(1), b"{}");
        let single = [one, two].map(|secret| sign_standard(&[secret], "msg_1", at(1), b"{}"));
        assert_eq!(both, single.join(" "));
        assert_ne!(single[0], single[1]);
    }

    /// Computed with `printf '1700000000.{}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn the_simple_scheme_signs_time_and_body() {
        let signature = sign_simple(&Secret::from_bytes("key"), at(1_700_000_000), b"{}");
        assert_eq!(signature, "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
    }

    #[test]
    fn keys_are_read_and_never_shown() {
        let secret: Secret = "whsec_AAEC".parse().unwrap();
        assert_eq!(secret, Secret::from_bytes([0, 1, 2]));
        assert_eq!(secret.to_whsec(), "whsec_AAEC");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!("plain".parse(), Ok(Secret::from_bytes("plain")));
        assert_eq!("whsec_!".parse::<Secret>(), Err(SecretError::NotBase64));
        assert_eq!("whsec_".parse::<Secret>(), Err(SecretError::Empty));
    }
}
