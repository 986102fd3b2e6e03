//! The rows that Slack needs besides those of everybody.

use std::future::Future;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::WorkflowId;
use store::{SlackBudget, SlackThread, StoreError};

/// Threads, an hour's counts, and the queue.
pub trait SlackRows: Sync {
    /// Takes a workflow's thread; see [`store::Store::take_slack_thread`].
    fn take_thread(
        &self,
        id: &WorkflowId,
        now: Timestamp,
    ) -> impl Future<Output = Result<SlackThread, StoreError>> + Send;
    /// Writes down what the thread knows now.
    fn save_thread(&self, thread: &mut SlackThread) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Gives it back.
    fn release_thread(&self, thread: &SlackThread) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Counts a message to a channel.
    fn count_post(
        &self,
        channel: &str,
        limit: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<SlackBudget, StoreError>> + Send;
    /// Takes that back.
    fn return_post(
        &self,
        channel: &str,
        budget: SlackBudget,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Lets a message stay on Slack's queue for so long. One that cannot be told to comes back when the queue says.
    fn postpone(&self, receipt: &str, wait: Duration) -> impl Future<Output = ()> + Send;
}
