//! Slack's rows, and what a test does with them.

use std::time::Duration;

use domain::Timestamp;
use domain::ids::WorkflowId;
use domain::outbox::OutboxChannel;
use store::{SlackBudget, SlackThread, StoreError};

use super::{Memory, Row, World, rows_of};
use crate::testing::Story;
use crate::{Access, SlackChannel, SlackRows};

impl SlackRows for Memory {
    async fn take_thread(&self, id: &WorkflowId, _: Timestamp) -> Result<SlackThread, StoreError> {
        let mut rows = self.0.lock().unwrap();
        if rows.thread_is_held {
            return Err(StoreError::Conflict("thread".to_owned()));
        }
        rows.thread_is_held = true;
        let new = || SlackThread { workflow_id: id.clone(), version: 0, told: 0, messages: vec![] };
        Ok(rows.thread.clone().unwrap_or_else(new))
    }

    async fn save_thread(&self, thread: &mut SlackThread) -> Result<(), StoreError> {
        thread.version += 1;
        self.0.lock().unwrap().thread = Some(thread.clone());
        Ok(())
    }

    async fn release_thread(&self, _: &SlackThread) -> Result<(), StoreError> {
        self.0.lock().unwrap().thread_is_held = false;
        Ok(())
    }

    async fn count_post(&self, _: &str, limit: u32, _: Timestamp) -> Result<SlackBudget, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.hour.0 += 1;
        if rows.hour.0 <= limit {
            return Ok(SlackBudget::Post);
        }
        let told = std::mem::replace(&mut rows.hour.1, true);
        Ok(if told { SlackBudget::Quiet } else { SlackBudget::SayLimit })
    }

    async fn return_post(&self, _: &str, budget: SlackBudget, _: Timestamp) -> Result<(), StoreError> {
        let mut rows = self.0.lock().unwrap();
        match budget {
            SlackBudget::Post => rows.hour.0 -= 1,
            SlackBudget::SayLimit => rows.hour.1 = false,
            SlackBudget::Quiet => {}
        }
        Ok(())
    }

    async fn postpone(&self, receipt: &str, wait: Duration) {
        assert!(receipt.starts_with("r-"));
        self.0.lock().unwrap().postponed.push(wait.as_secs());
    }
}

impl World {
    /// The same with something else about Slack.
    pub(in super::super) fn with_slack(mut self, change: impl FnOnce(&mut Access, &mut Option<SlackChannel>)) -> Self {
        change(&mut self.access, &mut self.notifier.slack);
        self
    }

    /// The story goes on; its new messages wait to be sent.
    pub(in super::super) fn then(&self, next: impl FnOnce(Story) -> Story) {
        let mut rows = self.state.0.lock().unwrap();
        let story = next(rows.story.take().unwrap());
        for (seq, row) in rows_of(&story) {
            rows.outbox.entry(seq).or_insert(row);
        }
        rows.story = Some(story);
    }

    /// Delivers every message for Slack that was not sent.
    pub(in super::super) async fn tell_slack(&self) -> Vec<String> {
        let seqs: Vec<u64> = {
            let rows = &self.state.0.lock().unwrap().outbox;
            let waiting = |row: &Row| row.row.channel == OutboxChannel::Slack && row.row.sent_at.is_none();
            rows.iter().filter(|(_, row)| waiting(row)).map(|(seq, _)| *seq).collect()
        };
        self.notify(&seqs).await
    }

    /// As if nothing had been marked as sent: every message comes once more.
    pub(in super::super) fn forget_that_anything_was_sent(&self) {
        self.state.0.lock().unwrap().outbox.values_mut().for_each(|row| row.row.sent_at = None);
    }

    fn seqs_where(&self, wanted: impl Fn(OutboxChannel) -> bool) -> Vec<u64> {
        let rows = &self.state.0.lock().unwrap().outbox;
        rows.iter().filter(|(_, row)| wanted(row.row.channel)).map(|(seq, _)| *seq).collect()
    }

    pub(in super::super) fn slack_seqs(&self) -> Vec<u64> {
        self.seqs_where(|channel| channel == OutboxChannel::Slack)
    }

    pub(in super::super) fn seqs_besides_slack(&self) -> Vec<u64> {
        self.seqs_where(|channel| matches!(channel, OutboxChannel::Ticket | OutboxChannel::Email))
    }

    pub(in super::super) fn everything_for_slack_is_sent(&self) -> bool {
        let rows = &self.state.0.lock().unwrap().outbox;
        rows.values().all(|row| row.row.channel != OutboxChannel::Slack || row.row.sent_at.is_some() && !row.held)
    }

    pub(in super::super) fn workflow_id(&self) -> WorkflowId {
        self.state.0.lock().unwrap().story().workflow.id.clone()
    }

    pub(in super::super) fn hold_thread(&self, held: bool) {
        self.state.0.lock().unwrap().thread_is_held = held;
    }

    pub(in super::super) fn lose_thread(&self) {
        self.state.0.lock().unwrap().thread = None;
    }

    pub(in super::super) fn fill_hour(&self, posted: u32) {
        self.state.0.lock().unwrap().hour = (posted, false);
    }

    pub(in super::super) fn postponed(&self) -> Vec<u64> {
        self.state.0.lock().unwrap().postponed.clone()
    }
}
