//! One message: taken, sent, marked.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::outbox::{OutboxChannel, OutboxPointer};
use store::{OutboxRow, StoreError};

use crate::access::Access;
use crate::config::SlackChannel;
use crate::facts::State;
use crate::mailer::Mailer;
use crate::slack::Desk;
use crate::unsent::Unsent;
use crate::{email, slack, ticket};

/// What became of a message that need not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was sent, or there was nothing left to say.
    Sent,
    /// Another sender had sent it.
    SentBefore,
    /// Its row is gone.
    Gone,
}

/// Sends messages.
#[derive(Debug)]
pub struct Notifier<S> {
    pub(crate) state: S,
    pub(crate) mailer: Mailer,
    pub(crate) base_url: String,
    pub(crate) slack: Option<SlackChannel>,
    pub(crate) desk: Desk,
}

impl<S: State> Notifier<S> {
    /// A notifier whose links begin with `base_url`, which has no slash at its end.
    pub fn new(state: S, mailer: Mailer, base_url: String, slack: Option<SlackChannel>) -> Self {
        Self { state, mailer, base_url, slack, desk: Desk::default() }
    }

    /// Sends one message of the outbox, unless it was sent before.
    ///
    /// # Errors
    /// The message has to come back: it could not be sent, or another sender holds its row (`Contention`).
    pub async fn notify(
        &self,
        access: &Access,
        pointer: &OutboxPointer,
        now: fn() -> Timestamp,
    ) -> Result<Outcome, Unsent> {
        let row = match self.state.take(pointer, now()).await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Outcome::SentBefore),
            Err(StoreError::NotFound(what)) => {
                tracing::error!(what, "the row that a message points to is gone; there is nothing to send");
                return Ok(Outcome::Gone);
            }
            Err(error) => return Err(error.into()),
        };
        if let Err(unsent) = self.send(access, &row, now).await {
            if let Err(error) = self.state.release(pointer).await {
                tracing::warn!(%error, "a lease was not given back; it runs out by itself");
            }
            return Err(unsent);
        }
        self.state.mark_sent(pointer, now()).await?;
        Ok(Outcome::Sent)
    }

    async fn send(&self, access: &Access, row: &OutboxRow, now: fn() -> Timestamp) -> Result<(), Unsent> {
        match row.channel {
            OutboxChannel::Ticket => Ok(ticket::send(self, access, row).await?),
            OutboxChannel::Email => Ok(email::send(self, row, now()).await?),
            OutboxChannel::Slack => slack::send(self, access.slack.as_ref(), row, now).await,
            OutboxChannel::Delivery => {
                Err(inconsistent("a decision for the state machine came to the notifier").into())
            }
        }
    }
}

pub(crate) fn inconsistent(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Inconsistent, message)
}
