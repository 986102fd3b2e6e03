//! What the texts are made of, and where it comes from.

use std::future::Future;

use domain::audit::AuditEntry;
use domain::failure::Failure;
use domain::gate::Gate;
use domain::gate::requests::{MintedCode, MintedLink};
use domain::ids::{Attempt, GateId, Revision, TicketKey, WorkflowId};
use domain::outbox::OutboxPointer;
use domain::person::Person;
use domain::qa::QaReport;
use domain::spec::Spec;
use domain::ticket::Ticket;
use domain::verify::Violation;
use domain::workflow::{ChangedFile, Event, Workflow};
use domain::{Digest, Timestamp};
use store::{OutboxRow, StoreError};

use crate::slack::SlackRows;

/// The rows, objects and functions that a notifier needs.
pub trait State: SlackRows {
    /// Takes a row for sending; see [`store::Store::take_outbox`].
    fn take(
        &self,
        pointer: &OutboxPointer,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<OutboxRow>, StoreError>> + Send;
    /// Notes that the row was sent.
    fn mark_sent(&self, pointer: &OutboxPointer, now: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Notes that one recipient has the message.
    fn mark_sent_to(
        &self,
        pointer: &OutboxPointer,
        recipient: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Gives the row back.
    fn release(&self, pointer: &OutboxPointer) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// A workflow, as it is now.
    fn workflow(&self, id: &WorkflowId) -> impl Future<Output = Result<Workflow, StoreError>> + Send;
    /// The ticket, as the workflow knows it.
    fn ticket(&self, id: &WorkflowId) -> impl Future<Output = Result<Ticket, StoreError>> + Send;
    /// The workflow that works on a ticket now.
    fn current(&self, key: &TicketKey) -> impl Future<Output = Result<Option<WorkflowId>, StoreError>> + Send;
    /// The audit trail of a workflow.
    fn trail(&self, id: &WorkflowId) -> impl Future<Output = Result<Vec<AuditEntry>, StoreError>> + Send;
    /// A gate.
    fn gate(&self, id: &GateId) -> impl Future<Output = Result<Option<Gate>, StoreError>> + Send;
    /// A SPEC, if the stored one has this digest.
    fn spec(
        &self,
        id: &WorkflowId,
        revision: Revision,
        digest: Digest,
    ) -> impl Future<Output = Result<Spec, StoreError>> + Send;
    /// A QA report, if the stored one has this digest.
    fn qa(
        &self,
        id: &WorkflowId,
        attempt: Attempt,
        digest: Digest,
    ) -> impl Future<Output = Result<QaReport, StoreError>> + Send;
    /// Makes a link for one recipient of a gate.
    fn mint(&self, gate: &GateId, recipient: &Person) -> impl Future<Output = Result<MintedLink, Failure>> + Send;
    /// Makes the code that was asked for.
    fn mint_code(&self, link: Digest, number: u32) -> impl Future<Output = Result<MintedCode, Failure>> + Send;
}

/// What a workflow's history says about its last attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The files of the last verified change set.
    pub files: Vec<ChangedFile>,
    /// The rules that the last failed attempt broke.
    pub violations: Vec<Violation>,
    /// The gates that blocked it.
    pub blocking: Vec<String>,
}

impl History {
    /// Reads a trail.
    pub fn of(trail: &[AuditEntry]) -> Self {
        let mut history = Self::default();
        for entry in trail {
            match &entry.event {
                Event::RunPrepared { .. } => {
                    history.violations.clear();
                    history.blocking.clear();
                }
                Event::ChangesVerified { files, .. } => history.files.clone_from(files),
                Event::AttemptFailed { violations, .. } => history.violations.clone_from(violations),
                Event::QaFinished { blocking, .. } => history.blocking.clone_from(blocking),
                _ => {}
            }
        }
        history
    }
}
