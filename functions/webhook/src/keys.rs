//! Signing keys. A secret holds up to a few, so that one can be rotated without losing a delivery: the sender's old
//! key and its new one are both live for a while.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::failure::{Failure, FailureKind};
use runtime::Secrets;
use secrecy::SecretString;
use serde::Deserialize;

/// Prefix of a key in Standard Webhooks' form: what follows is Base64.
const PREFIX: &str = "whsec_";

#[derive(Deserialize)]
struct KeyRing {
    keys: Vec<String>,
}

/// The live keys of one sender.
pub(crate) struct Keys {
    bytes: Vec<Vec<u8>>,
    /// As they stand in the secret.
    texts: Vec<SecretString>,
}

impl Keys {
    /// Reads the keys from the secret `arn`.
    ///
    /// # Errors
    /// `Transient` when Secrets Manager does not answer; `Internal` when the secret holds no usable key.
    pub(crate) async fn read(secrets: &Secrets, arn: &str) -> Result<Self, Failure> {
        let ring: KeyRing = secrets.json(arn).await?;
        let keys: Option<Vec<Vec<u8>>> = ring.keys.iter().map(|key| decode(key)).collect();
        match keys {
            Some(bytes) if !bytes.is_empty() => {
                Ok(Self { bytes, texts: ring.keys.into_iter().map(SecretString::from).collect() })
            }
            _ => Err(Failure::new(FailureKind::Internal, format!("the secret {arn} holds no usable signing key"))),
        }
    }

    /// Keys from their bytes.
    #[cfg(test)]
    pub(crate) fn from_bytes(keys: Vec<Vec<u8>>) -> Self {
        Self { bytes: keys, texts: Vec::new() }
    }

    /// Each key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.iter().map(Vec::as_slice)
    }

    /// Each key as it stands in the secret.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &SecretString> {
        self.texts.iter()
    }
}

/// A key with the prefix is Base64, any other is its own bytes. An empty key would let anybody sign.
fn decode(key: &str) -> Option<Vec<u8>> {
    let bytes = match key.strip_prefix(PREFIX) {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok()?,
        None => key.as_bytes().to_vec(),
    };
    (!bytes.is_empty()).then_some(bytes)
}
