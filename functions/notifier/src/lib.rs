//! What the outside is told: ticket comments and status, approval mails, and Slack.
//!
//! A queue's message only names a row of the outbox. The row is taken under a lease, its text is made from what is
//! true now, sent, and the row is marked. A sender that dies leaves a lease that runs out, so everything is sent at
//! least once, and hardly ever twice: a mail to several people notes each one who has it, so that one person's
//! failing mailbox does not send the others theirs again.
//!
//! **Failed messages.** A message that could not be sent, and one whose row another sender holds, is reported as a
//! failed item and comes back after the queue's visibility timeout; after the queue's limit of deliveries it goes to
//! the dead-letter queue, as does a message that is not a pointer at all. An answer of the tracker that stays the
//! same however often it is asked (the ticket is gone, or can no longer be moved) is logged and counts as told.
//!
//! **Slack.** A row for Slack says only that something was recorded; `slack` tells what the workflow's thread does not
//! know yet. While Slack asks to be left alone its messages stay on its own queue for as long as it says, and for about
//! six hours of an outage; tickets and mails have queues of their own and do not wait for it.
//!
//! Messages of one workflow may come in any order. The texts say what is true when they are sent, and a ticket that
//! has ended is never moved back.

mod access;
mod aws;
mod batch;
mod config;
mod email;
mod facts;
mod mailer;
mod notifier;
mod slack;
pub mod texts;
mod ticket;
mod unsent;

pub use access::Access;
pub use aws::Aws;
pub use batch::handle;
pub use config::{Config, SlackChannel, SlackConfig};
pub use facts::State;
pub use mailer::Mailer;
pub use notifier::Notifier;
pub use slack::SlackRows;
pub use unsent::Unsent;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
