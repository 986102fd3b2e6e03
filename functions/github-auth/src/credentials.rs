//! What the secret holds.

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

#[cfg(test)]
mod tests {
    use super::*;

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
