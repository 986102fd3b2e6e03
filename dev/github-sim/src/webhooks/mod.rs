//! Webhooks: events become deliveries, a background task sends them in order and keeps a log.

mod deliver;
mod event;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

pub(crate) use self::deliver::run;
pub use self::deliver::sign;
pub(crate) use self::event::Event;

use crate::config::WebhookConfig;

/// The log keeps this many deliveries.
const KEPT: usize = 5_000;

/// One event on its way to the receiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Numeric id, in order of sending.
    pub id: u64,
    /// `X-GitHub-Delivery`; a re-delivery has the same.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// The repository, `owner/name`.
    pub repository: Option<String>,
    /// The exact bytes that are signed and sent.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// Every try, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// Whether a try was answered with a 2xx status.
    pub fn delivered(&self) -> bool {
        self.attempts.iter().any(|a| a.status.is_some_and(|s| (200..300).contains(&s)))
    }
}

/// One try of a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The receiver's status; `None`: there was no answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Whether it was asked for by hand.
    pub redelivery: bool,
}

/// A delivery that waits to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    id: u64,
    redelivery: bool,
}

/// The queue of deliveries and the receiver's address.
#[derive(Debug)]
pub(crate) struct Webhooks {
    target: Mutex<Option<WebhookConfig>>,
    queue: mpsc::UnboundedSender<Job>,
    jobs: Mutex<Option<mpsc::UnboundedReceiver<Job>>>,
    waiting: watch::Sender<usize>,
}

impl Webhooks {
    pub(crate) fn new(target: Option<WebhookConfig>) -> Self {
        let (queue, jobs) = mpsc::unbounded_channel();
        Self { target: Mutex::new(target), queue, jobs: Mutex::new(Some(jobs)), waiting: watch::Sender::new(0) }
    }

    /// Where deliveries go at present.
    pub(crate) fn target(&self) -> Option<WebhookConfig> {
        lock(&self.target).clone()
    }

    /// Sends later deliveries (also those that wait) somewhere else.
    pub(crate) fn set_target(&self, target: Option<WebhookConfig>) {
        *lock(&self.target) = target;
    }

    /// Waits until every delivery was sent or given up.
    pub(crate) async fn idle(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        if let Err(error) = waiting.wait_for(|n| *n == 0).await {
            tracing::debug!(%error, "the delivery queue is gone");
        }
    }

    fn push(&self, job: Job) {
        self.waiting.send_modify(|n| *n += 1);
        if self.queue.send(job).is_err() {
            self.done();
        }
    }

    fn done(&self) {
        self.waiting.send_modify(|n| *n = n.saturating_sub(1));
    }

    fn take_jobs(&self) -> Option<mpsc::UnboundedReceiver<Job>> {
        lock(&self.jobs).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
