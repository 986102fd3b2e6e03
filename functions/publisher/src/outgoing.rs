//! Texts that leave us.

use std::fmt;

use domain::failure::{Failure, FailureKind};
use domain::secrets::{KnownSecrets, secret_in};

/// A text for the code host in which no credential was recognised. Only [`Outgoing::check`] makes one, and whatever
/// sends a text takes nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing(String);

impl Outgoing {
    /// Checks a text, also for the secrets of this deployment.
    ///
    /// # Errors
    /// `InvalidInput` that names the text and the sort of credential, and does not repeat it.
    pub fn check(what: &str, text: impl Into<String>, known: &KnownSecrets) -> Result<Self, Failure> {
        let text = text.into();
        match secret_in(text.as_bytes(), known) {
            None => Ok(Self(text)),
            Some(secret) => Err(Failure::new(
                FailureKind::InvalidInput,
                format!(
                    "the {what} contains {secret}, so it was not sent to GitHub; revoke that credential, \
                     take it out of the ticket, then retry"
                ),
            )),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use domain::secrets::fingerprints;

    use super::*;

    #[test]
    fn a_credential_never_leaves_and_is_never_repeated() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let known = KnownSecrets::new(fingerprints("the tracker's token", "fl-0123456789abcdef", [1; 16]));
        let failure = Outgoing::check("pull request's title", format!("Use {token}"), &known).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        assert!(!failure.message.contains(&token));
        assert!(failure.message.contains("pull request's title contains what looks like a GitHub token"));
        assert_eq!(Outgoing::check("title", "Keep sessions", &known).unwrap().as_str(), "Keep sessions");
        let hex = "666c2d30313233343536373839616263646566";
        let failure = Outgoing::check("branch's name", hex, &known).unwrap_err();
        assert!(failure.message.contains("branch's name contains the tracker's token"), "{}", failure.message);
    }
}
