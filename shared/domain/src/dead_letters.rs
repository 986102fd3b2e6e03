//! Messages that could not be handled, and what can be done about them. The sweeper reads and redrives them; the console
//! shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::WorkflowId;

/// A queue of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterQueue {
    /// Of `intake`: events of trackers and hints of the code host.
    Inbound,
    /// Of `notifier`: comments and statuses for the tracker.
    Ticket,
    /// Of `notifier`: mails.
    Email,
    /// Of `notifier`: messages to Slack.
    Slack,
    /// Of `approvals`: decisions that the state machine is to hear of.
    Delivery,
    /// Of `workflow`: executions that ended by themselves.
    Finish,
    /// Of `router` and `anchor`: places in the stream of the state table.
    Stream,
}

impl DeadLetterQueue {
    /// Every queue.
    pub const ALL: [Self; 7] =
        [Self::Inbound, Self::Ticket, Self::Email, Self::Slack, Self::Delivery, Self::Finish, Self::Stream];

    /// Its name, as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Ticket => "ticket",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Delivery => "delivery",
            Self::Finish => "finish",
            Self::Stream => "stream",
        }
    }

    /// What its messages are, in words for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Inbound => "Events of the tracker or of GitHub that were not taken in",
            Self::Ticket => "Comments and statuses that did not reach the tracker",
            Self::Email => "Mails that were not sent",
            Self::Slack => "Messages that did not reach Slack",
            Self::Delivery => "Decisions that the state machine did not hear of",
            Self::Finish => "Executions that broke off and were not ended",
            Self::Stream => "Changes of rows that were not passed on",
        }
    }

    /// What it means, and what to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Inbound => {
                "The log of `intake` says why, under the message's id. Mend that, then hand them back: what was taken in \
                 meanwhile is recognised, and an older version of a ticket never wins over a newer one."
            }
            Self::Ticket => {
                "The log of `notifier` says what the tracker answered. Mend its address or token, then hand them back; \
                 each is made of what is true when it is sent."
            }
            Self::Email => {
                "The log of `notifier` says what SES answered: an address that is not verified, or a sending limit. Then \
                 hand them back; who has decided meanwhile gets none."
            }
            Self::Slack => {
                "The log of `notifier` has Slack's own word: `not_in_channel` wants the app invited, `invalid_auth` \
                 another token. Then hand them back."
            }
            Self::Delivery => {
                "The decision itself counts: it is in the gate's row, and the sweeper tells the state machine every \
                 minute. The log of `approvals` says why this did not do. Hand them back when it is mended."
            }
            Self::Finish => {
                "The sweeper ends such a workflow within minutes; the log of `workflow` says why it was not done at once. \
                 Hand them back to have it done now."
            }
            Self::Stream => {
                "The rows themselves are in the table; what is missing is a message about them, or an anchor, which \
                 `cargo xtask audit verify` names. The log of `router` or `anchor` says why. They cannot be handed back, \
                 because the stream forgets after a day."
            }
        }
    }

    /// Whether its messages can be handed back to who could not handle them.
    pub const fn can_redrive(self) -> bool {
        !matches!(self, Self::Stream)
    }
}

/// What is in a queue of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Which queue.
    pub queue: DeadLetterQueue,
    /// About how many.
    pub number: u64,
    /// Some of them.
    pub letters: Vec<DeadLetter>,
}

/// A message, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// The id under which logs name it.
    pub id: String,
    /// When it was sent first.
    pub sent_at: Option<Timestamp>,
    /// What it is about, in a line.
    pub about: String,
    /// Its workflow, if it names one.
    #[serde(default)]
    pub workflow_id: Option<WorkflowId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde() {
        for queue in DeadLetterQueue::ALL {
            assert_eq!(serde_json::to_value(queue).unwrap(), queue.as_str());
        }
    }
}
