//! Configuration.

use domain::outbox::OutboxChannel;
use runtime::env::{self, ConfigError};

/// The queue of each channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `TICKET_QUEUE_URL`.
    pub ticket_queue_url: String,
    /// `EMAIL_QUEUE_URL`.
    pub email_queue_url: String,
    /// `SLACK_QUEUE_URL`; without it what is for Slack goes nowhere.
    pub slack_queue_url: Option<String>,
    /// `DELIVERY_QUEUE_URL`.
    pub delivery_queue_url: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            ticket_queue_url: env::required("TICKET_QUEUE_URL")?,
            email_queue_url: env::required("EMAIL_QUEUE_URL")?,
            slack_queue_url: env::optional("SLACK_QUEUE_URL"),
            delivery_queue_url: env::required("DELIVERY_QUEUE_URL")?,
        })
    }

    /// Where a channel's messages go. `None`: the deployment does not have that channel.
    pub fn queue_url(&self, channel: OutboxChannel) -> Option<&str> {
        match channel {
            OutboxChannel::Ticket => Some(&self.ticket_queue_url),
            OutboxChannel::Email => Some(&self.email_queue_url),
            OutboxChannel::Slack => self.slack_queue_url.as_deref(),
            OutboxChannel::Delivery => Some(&self.delivery_queue_url),
        }
    }
}
