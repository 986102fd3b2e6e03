//! Configuration from environment variables. A function reads all of it once, at its start, so that a missing or
//! bad value shows at deployment and not in the middle of a ticket.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;

/// Why the configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or empty.
    #[error("the environment variable {0} is not set; template.yaml sets it for every deployed function")]
    Missing(&'static str),
    /// A variable has a value of the wrong form. The value is not repeated: it may be a secret.
    #[error("the environment variable {name} cannot be used: {reason}")]
    Invalid {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// A variable that must be there.
///
/// # Errors
/// When it is missing or empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// A variable that may be missing; an empty one counts as missing.
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that must be there and parse.
///
/// # Errors
/// When it is missing, empty or of the wrong form.
pub fn parsed<T>(name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr<Err: Display>,
{
    required(name)?.parse().map_err(|error: T::Err| ConfigError::Invalid { name, reason: error.to_string() })
}

/// A variable with a default, which must parse if it is there.
///
/// # Errors
/// When it is of the wrong form.
pub fn parsed_or<T>(name: &'static str, default: T) -> Result<T, ConfigError>
where
    T: FromStr<Err: Display>,
{
    if optional(name).is_some() { parsed(name) } else { Ok(default) }
}

/// A variable that holds JSON.
///
/// # Errors
/// When it is missing, empty or of the wrong form.
pub fn json<T: DeserializeOwned>(name: &'static str) -> Result<T, ConfigError> {
    serde_json::from_str(&required(name)?).map_err(|error| ConfigError::Invalid { name, reason: error.to_string() })
}

/// A list, separated by commas; white space around the items does not count.
pub fn list(name: &'static str) -> Vec<String> {
    optional(name)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}
