//! The buttons and dialogs of a gate's message: what `notifier` puts into them and `console` gets back.

use std::fmt;
use std::str::FromStr;

use domain::Digest;
use domain::ids::GateId;

/// Approves at once.
pub const APPROVE: &str = "approve";
/// Opens the dialog that sends back.
pub const REVISE: &str = "revise";
/// Opens the dialog that rejects.
pub const REJECT: &str = "reject";
/// Leads to the gate's page. Slack tells of this press too, and nothing follows.
pub const OPEN: &str = "open";
/// The dialogs' one field.
pub const COMMENT: &str = "comment";

/// A gate, and what it asked about when the message was made: the value of a button, and what a dialog remembers. It is
/// no secret and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The gate.
    pub gate: GateId,
    /// What the reader saw.
    pub subject_digest: Digest,
}

/// It is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this names no gate and what it is about")]
pub struct NotAsked;

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.gate, self.subject_digest)
    }
}

impl FromStr for Asked {
    type Err = NotAsked;

    fn from_str(text: &str) -> Result<Self, NotAsked> {
        let (gate, digest) = text.split_once(' ').ok_or(NotAsked)?;
        Ok(Self { gate: gate.parse().map_err(|_| NotAsked)?, subject_digest: digest.parse().map_err(|_| NotAsked)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_was_written_and_nothing_else_is() {
        let gate: GateId = "wf-0123456789abcdef0123-1.spec.1".parse().unwrap();
        let asked = Asked { gate, subject_digest: Digest::of("x") };
        let value = asked.to_string();
        assert_eq!(value.parse(), Ok(asked));
        for odd in ["", "x", &value[1..], &value[..value.len() - 1], &format!("{value} "), &value.replace(' ', "")] {
            assert_eq!(odd.parse::<Asked>(), Err(NotAsked), "{odd}");
        }
    }
}
