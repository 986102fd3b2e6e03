//! Configuration.

use runtime::env::{self, ConfigError};

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `AUDIT_BUCKET`, in which objects can be made and not be changed.
    pub audit_bucket: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { audit_bucket: env::required("AUDIT_BUCKET")? })
    }
}
