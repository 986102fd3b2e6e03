//! What the secret holds.

use domain::failure::{Failure, FailureKind};
use secrecy::SecretString;
use serde::Deserialize;

/// How we show ourselves to the code host.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credentials {
    /// As a GitHub App: the way for every deployment.
    App {
        /// The App's number.
        app_id: u64,
        /// Its RSA private key, PEM.
        private_key: SecretString,
    },
    /// As a person, with their token: for a local stack. It is handed on as it is, so it may do whatever it may do.
    Token {
        /// The token.
        token: SecretString,
    },
}

impl Credentials {
    /// Refuses a person's token where it is not allowed.
    ///
    /// # Errors
    /// `GithubRefused`.
    pub fn check(&self, allow_personal_token: bool) -> Result<(), Failure> {
        if matches!(self, Self::Token { .. }) && !allow_personal_token {
            return Err(Failure::new(
                FailureKind::GithubRefused,
                "the configured credential is a personal token, which would give every function all rights of that \
                 person; put a GitHub App's id and key into the secret, then retry",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_token_is_for_local_stacks_only() {
        let token = Credentials::Token { token: "ghp_x".into() };
        let app = Credentials::App { app_id: 1, private_key: "-----BEGIN".into() };
        assert!(token.check(true).is_ok() && app.check(true).is_ok() && app.check(false).is_ok());
        let refused = token.check(false).unwrap_err();
        assert_eq!(refused.kind, FailureKind::GithubRefused);
        assert!(refused.message.contains("GitHub App") && !refused.message.contains("ghp_x"));
    }

    #[test]
    fn both_forms_are_read_and_neither_is_shown() {
        for (json, secret) in [
            (r#"{"kind":"app","app_id":1,"private_key":"-----BEGIN"}"#, "BEGIN"),
            (r#"{"kind":"token","token":"ghp_x"}"#, "ghp_x"),
        ] {
            let credentials: Credentials = serde_json::from_str(json).unwrap();
            assert!(!format!("{credentials:?}").contains(secret));
        }
        for bad in [r#"{"kind":"token"}"#, r#"{"token":"x"}"#, r#"{"kind":"token","token":"x","more":1}"#] {
            assert!(serde_json::from_str::<Credentials>(bad).is_err(), "{bad}");
        }
    }
}
