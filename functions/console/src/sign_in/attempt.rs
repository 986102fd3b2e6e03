//! A sign-in on its way to GitHub and back: what only the browser that began it has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use domain::signing::SigningKey;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::ReturnPath;

/// How long somebody may take, seconds: as long as GitHub's code lives.
pub(super) const SECONDS: i64 = 600;

/// The cookie's content.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// What GitHub has to bring back.
    state: String,
    /// What the code is exchanged with.
    pub(super) verifier: String,
    /// Where to go then.
    to: String,
    /// When it is too late, seconds since 1970.
    until: i64,
}

impl Attempt {
    pub(super) fn new(state: &str, verifier: &str, to: &ReturnPath, now: Timestamp) -> Self {
        let until = now.as_second() + SECONDS;
        Self { state: state.to_owned(), verifier: verifier.to_owned(), to: to.as_str().to_owned(), until }
    }

    /// The cookie's value.
    pub(super) fn sealed(&self, key: &SigningKey) -> Option<String> {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).ok()?);
        let signature = key.sign([body.as_bytes()]);
        Some(format!("{body}.{signature}"))
    }

    /// Reads a cookie's value, if it is ours, still good, and goes with what GitHub brought back.
    pub(super) fn open(value: &str, state: &str, key: &SigningKey, now: Timestamp) -> Option<Self> {
        let (body, signature) = value.split_once('.')?;
        if !key.verify([body.as_bytes()], signature) {
            return None;
        }
        let attempt: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let same = bool::from(attempt.state.as_bytes().ct_eq(state.as_bytes()));
        (same && !state.is_empty() && now.as_second() < attempt.until).then_some(attempt)
    }

    /// Where to go. The cookie is signed, and is looked at again all the same.
    pub(super) fn to(&self) -> ReturnPath {
        ReturnPath::read(&self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_began_it_comes_back_in_time() {
        let (key, other) = (SigningKey::derive("a", "sign-in"), SigningKey::derive("a", "session"));
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let late = Timestamp::from_second(now.as_second() + SECONDS).unwrap();
        let value = Attempt::new("state", "verifier", &ReturnPath::read("/workflows/x"), now).sealed(&key).unwrap();
        let opened = Attempt::open(&value, "state", &key, now).unwrap();
        assert_eq!((opened.verifier.as_str(), opened.to().as_str()), ("verifier", "/workflows/x"));
        for (value, state, key, now) in [
            (value.as_str(), "other", &key, now),
            (&value, "", &key, now),
            (&value, "state", &other, now),
            (&value, "state", &key, late),
            (&format!("x{value}"), "state", &key, now),
            ("", "state", &key, now),
            (".", "", &key, now),
        ] {
            assert!(Attempt::open(value, state, key, now).is_none(), "{value} {state}");
        }
    }
}
