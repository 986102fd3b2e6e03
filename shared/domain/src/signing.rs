//! Keys for short texts that we hand out and want to know again: cookies and forms of the console.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::digest::Digest;

/// A key for short texts that we hand out and want to know again. `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey([u8; 64]);

impl SigningKey {
    /// The key that follows from a secret for one purpose. Keys of different purposes say nothing about each other or
    /// about the secret, which should have 128 random bits or more.
    pub fn derive(secret: &str, purpose: &str) -> Self {
        let seed = Digest::of_parts([b"pi-tickets key v1".as_slice(), purpose.as_bytes(), secret.as_bytes()]);
        // HMAC's own rule for keys shorter than a block: zeros up to its length.
        let mut key = [0; 64];
        key[..32].copy_from_slice(seed.as_bytes());
        Self(key)
    }

    /// The signature of a list of parts: 64 hexadecimal digits.
    pub fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        hex::encode(self.mac(parts).finalize().into_bytes())
    }

    /// Whether `signature` is the one of these parts. Takes the same time for every wrong one.
    pub fn verify<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>, signature: &str) -> bool {
        let mut bytes = [0; 32];
        hex::decode_to_slice(signature, &mut bytes).is_ok() && self.mac(parts).verify_slice(&bytes).is_ok()
    }

    fn mac<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
        let mut mac = Hmac::new(&self.0.into());
        mac.update(Digest::of_parts(parts).as_bytes());
        mac
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_parts_and_its_purpose_alone() {
        let (form, other) = (SigningKey::derive("secret", "form"), SigningKey::derive("secret", "other"));
        let parts = [b"ab".as_slice(), b"c"];
        let signature = form.sign(parts);
        assert!(form.verify(parts, &signature));
        assert!(!form.verify([b"a".as_slice(), b"bc"], &signature));
        assert!(!other.verify(parts, &signature) && !SigningKey::derive("secre", "form").verify(parts, &signature));
        for bad in ["", "0", &signature[1..], &format!("{signature}0"), &"0".repeat(64)] {
            assert!(!form.verify(parts, bad), "{bad}");
        }
        assert_eq!(format!("{form:?}"), "SigningKey([hidden])");
    }
}
