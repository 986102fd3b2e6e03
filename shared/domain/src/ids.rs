//! A type for each id, so that one cannot be handed over as another. Each can be built only from a valid text.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A text that is not a valid id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
    rule: &'static str,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, text: &str, rule: &'static str) -> Self {
        Self { kind, text: text.chars().take(120).collect(), rule }
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId::new($kind, text, $rule))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

fn plain(text: &str, max: usize, extra: &str) -> bool {
    !text.is_empty() && text.len() <= max && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

string_id!(
    /// A workflow: one generation of one ticket. Also the name of its Step Functions execution.
    ///
    /// `wf-{20 hex digits of the ticket key's digest}-{generation}`, so that the same ticket always has the same id.
    WorkflowId, "workflow id", "expected `wf-<20 hex digits>-<generation>`",
    |text| text.strip_prefix("wf-").and_then(|rest| rest.split_once('-')).is_some_and(|(hash, generation)| {
        hash.len() == 20
            && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && generation.parse::<u32>().is_ok_and(|n| n > 0 && n.to_string() == generation)
    })
);

string_id!(
    /// A commit or tree of Git: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits.
    CommitSha, "commit SHA", "expected 40 or 64 lowercase hexadecimal digits",
    |text| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);

string_id!(
    /// A webhook delivery, as its sender numbers it (or the digest of the signed bytes where it does not).
    DeliveryId, "delivery id", "expected 1 to 200 letters, digits, `-`, `_`, `.` or `:`",
    |text| plain(text, 200, "-_.:")
);

string_id!(
    /// A gate: `{workflow id}.{spec|pr|clarification}.{n}`, n counting the workflow's gates of that kind from 1.
    GateId, "gate id", "expected `<workflow id>.<kind>.<n>`",
    |text| {
        let mut parts = text.splitn(3, '.');
        let (Some(workflow), Some(kind), Some(n)) = (parts.next(), parts.next(), parts.next()) else { return false };
        workflow.parse::<WorkflowId>().is_ok()
            && matches!(kind, "spec" | "pr" | "clarification")
            && n.parse::<u32>().is_ok_and(|number| number > 0 && number.to_string() == n)
    }
);

string_id!(
    /// A repository on the code host: `owner/name`.
    Repository, "repository", "expected `owner/name` of letters, digits, `-`, `_` and `.`",
    |text| text.split_once('/').is_some_and(|(owner, name)| {
        plain(owner, 100, "-_.") && plain(name, 100, "-_.") && ![owner, name].iter().any(|p| matches!(*p, "." | ".."))
    })
);

impl WorkflowId {
    /// The address of the workflow's page. `base_url` has no slash at its end.
    pub fn page(&self, base_url: &str) -> String {
        format!("{base_url}/workflows/{self}")
    }

    /// The id of `generation` of the ticket `key`.
    pub fn derive(key: &TicketKey, generation: Generation) -> Self {
        let digest = Digest::of_parts([key.source.as_bytes(), key.id.as_bytes()]);
        Self(format!("wf-{}-{}", digest.short(20), generation.get()))
    }

    /// A name for people and branches: the first 8 hexadecimal digits of the ticket's digest.
    pub fn short(&self) -> &str {
        &self.0[3..11]
    }

    /// The generation that this id names.
    pub fn generation(&self) -> Generation {
        let number = self.0.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(1);
        Generation(number)
    }
}

impl Repository {
    /// The part before the slash.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

/// Who sent a ticket (`flux-lens`, …) and the id it has there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketKey {
    /// The tracker: lowercase letters and hyphens.
    pub source: String,
    /// The ticket's id in that tracker.
    pub id: String,
}

impl TicketKey {
    /// A ticket of Flux Lens.
    pub fn flux_lens(id: impl Into<String>) -> Self {
        Self { source: "flux-lens".to_owned(), id: id.into() }
    }
}

impl fmt::Display for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.source, self.id)
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The first one: 1.
            pub const FIRST: Self = Self(1);

            /// The one with this number, counted from 1; 0 is taken as 1.
            pub const fn new(number: u32) -> Self {
                Self(if number == 0 { 1 } else { number })
            }

            /// Its number, from 1.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The one after it.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// How often a ticket was started. A workflow that is resumed after its end stays the one it was.
    Generation
);
counter!(
    /// One run of the agent and of the quality gates; a repair is the next attempt.
    Attempt
);
counter!(
    /// One version of the SPEC; each revision asked for at the gate is the next.
    Revision
);

/// The secret in an approval link: 256 random bits. `Debug` does not show it; only its digest is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkId(String);

impl LinkId {
    /// The link id of 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }

    /// The id as it stands in the link. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up instead of the id.
    pub fn digest(&self) -> Digest {
        Digest::of_parts([b"approval-link".as_slice(), self.0.as_bytes()])
    }
}

impl FromStr for LinkId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("link id", "[hidden]", "expected 64 lowercase hexadecimal digits"))
        }
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkId([hidden])")
    }
}

/// A Step Functions task token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// Wraps a token as Step Functions made it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, for the call that spends it. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_id_is_derived_and_parses_back() {
        let key = TicketKey::flux_lens("1234");
        let id = WorkflowId::derive(&key, Generation::new(2));
        assert_eq!(id, WorkflowId::derive(&key, Generation::new(2)));
        assert_eq!(id.as_str().parse::<WorkflowId>().as_ref(), Ok(&id));
        assert_eq!(id.generation(), Generation::new(2));
        assert_eq!(id.short().len(), 8);
        assert_ne!(id, WorkflowId::derive(&TicketKey::flux_lens("12345"), Generation::new(2)));
    }

    #[test]
    fn bad_ids_are_refused() {
        for bad in ["", "wf-", "wf-0123456789abcdef0123-0", "wf-0123456789abcdef0123-01", "wf-0123456789ABCDEF0123-1"] {
            assert!(bad.parse::<WorkflowId>().is_err(), "{bad}");
        }
        for bad in ["", "a", "a/b/c", "../b", "a/..", "a b/c", "a/b#c"] {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
        for bad in ["", "main", &"a".repeat(39), &"A".repeat(40)] {
            assert!(bad.parse::<CommitSha>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let link = LinkId::from_random([7; 32]);
        assert!(!format!("{link:?}").contains(link.expose()));
        assert!(!format!("{:?}", TaskToken::new("abc-token")).contains("abc-token"));
    }
}
