//! Signatures of Slack's requests, version `v0`: HMAC-SHA256 over `v0:timestamp:body`. Comparison is in constant time, and
//! nothing is parsed before. Rule: Slack's documentation, "Verifying requests from Slack".

use domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// How far Slack's clock may be from ours, seconds.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Header with the time, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";
/// Header with the signature.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";

/// A request whose signature holds. Only [`verify`] builds one.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedRequest<'a>(&'a [u8]);

impl<'a> VerifiedRequest<'a> {
    /// The bytes that were signed.
    pub const fn body(&self) -> &'a [u8] {
        self.0
    }
}

/// The signature does not hold. The sender is told nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// A header has not the form it should.
    #[error("a signature header is missing or malformed")]
    Headers,
    /// The signed time is too far from now.
    #[error("the signed time is more than {TOLERANCE_SECONDS} seconds from now")]
    Stale,
    /// The secret did not make the signature.
    #[error("the signing secret did not make the signature")]
    Mismatch,
}

/// Checks a request by the values of its two headers.
///
/// # Errors
/// [`NotVerified`].
pub fn verify<'a>(
    secret: &SecretString,
    timestamp: &str,
    signature: &str,
    body: &'a [u8],
    now: Timestamp,
) -> Result<VerifiedRequest<'a>, NotVerified> {
    // Only plain digits: what is compared as a number is signed as text.
    if timestamp.is_empty() || timestamp.len() > 15 || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotVerified::Headers);
    }
    let second: i64 = timestamp.parse().map_err(|_| NotVerified::Headers)?;
    if (now.as_second() - second).abs() > TOLERANCE_SECONDS {
        return Err(NotVerified::Stale);
    }
    let signature = signature.strip_prefix("v0=").and_then(|digits| hex::decode(digits).ok());
    let signature = signature.ok_or(NotVerified::Headers)?;
    let mac = mac(secret, timestamp, body).ok_or(NotVerified::Mismatch)?;
    mac.verify_slice(&signature).map_err(|_| NotVerified::Mismatch)?;
    Ok(VerifiedRequest(body))
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    // An empty secret would let everybody sign.
    let secret = Some(secret.expose_secret()).filter(|secret| !secret.is_empty())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    for part in [b"v0:".as_slice(), timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of Slack's documentation.
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const SECOND: i64 = 1_531_420_618;

    fn check(secret: &str, second: i64, signature: &str, body: &[u8], now: i64) -> Result<(), NotVerified> {
        let now = Timestamp::from_second(now).unwrap();
        verify(&secret.into(), &second.to_string(), signature, body, now).map(|_| ())
    }

    #[test]
    fn the_documentations_example_holds_within_five_minutes() {
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        for (now, result) in [
            (SECOND, Ok(())),
            (SECOND + 300, Ok(())),
            (SECOND - 300, Ok(())),
            (SECOND + 301, Err(NotVerified::Stale)),
            (SECOND - 301, Err(NotVerified::Stale)),
        ] {
            assert_eq!(check(secret, SECOND, SIGNATURE, BODY, now), result, "at {now}");
        }
        assert_eq!(check(secret, SECOND + 1, SIGNATURE, BODY, SECOND), Err(NotVerified::Mismatch), "another time");
        assert_eq!(check("other", SECOND, SIGNATURE, BODY, SECOND), Err(NotVerified::Mismatch));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(format!("v0:{SECOND}:x").as_bytes());
        let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        assert_eq!(check("", SECOND, &signature, b"x", SECOND), Err(NotVerified::Mismatch));
        // The same signature by a secret that is one.
        let signed = mac_of("s", "x");
        assert_eq!(check("s", SECOND, &signed, b"x", SECOND), Ok(()));
    }

    fn mac_of(secret: &str, body: &str) -> String {
        let mac = mac(&secret.into(), &SECOND.to_string(), body.as_bytes()).unwrap();
        format!("v0={}", hex::encode(mac.finalize().into_bytes()))
    }

    proptest! {
        #[test]
        fn one_changed_bit_is_noticed(body in "[a-z=&%0-9]{1,80}", bit in 0_usize..640) {
            let signature = mac_of("secret", &body);
            let mut bytes = body.into_bytes();
            let at = bit % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            prop_assert_eq!(check("secret", SECOND, &signature, &bytes, SECOND), Err(NotVerified::Mismatch));
        }

        #[test]
        fn nothing_in_the_headers_is_a_panic(timestamp in "\\PC{0,20}", signature in "\\PC{0,80}") {
            let now = Timestamp::from_second(SECOND).unwrap();
            prop_assert!(verify(&"secret".into(), &timestamp, &signature, b"x", now).is_err());
        }
    }
}
