//! What was refused at the console, and to whom: a trail of its own, beside the workflows'.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::person::Person;

/// A refusal. It holds no secret: places are named by their route, people as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRefusal {
    /// When.
    pub at: Timestamp,
    /// What was tried: the method and the route, such as `POST /api/workflows/{id}/cancel`.
    pub what: String,
    /// Why it was refused.
    pub why: String,
    /// By whom, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
    /// So many more were refused before this one and were not written down one by one.
    #[serde(default)]
    pub unlisted: u64,
}

impl AccessRefusal {
    /// The day of a moment, UTC: the part of the trail in which it is found.
    pub fn day(at: Timestamp) -> String {
        at.strftime("%Y-%m-%d").to_string()
    }
}
