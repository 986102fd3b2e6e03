//! What is asked of the function that alone holds the code host's credential.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::Repository;
use crate::secrets::Fingerprint;

/// Asks for a token for one repository. What the token may do is not in the request: it is fixed for each deployed
/// entry of the function, so that a caller can only get what it may invoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The repository.
    pub repository: Repository,
    /// The digest of a token that the code host no longer accepts: it is not given out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Digest>,
}

/// A short-lived token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenAnswer {
    /// The token. Never log it.
    pub token: String,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Fingerprints of the credential behind it, so that whoever publishes can see that it does not publish that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<Fingerprint>,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("token", &"[hidden]")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
