//! Tickets: which workflow is the current one, the newest version seen, whether it was cancelled.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::ids::{Generation, TicketKey, WorkflowId};
use domain::person::Actor;
use domain::workflow::{Event, ResumePoint, Resumption, Workflow};
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, apply_failure};
use crate::keys;
use crate::row::{self, n};
use crate::workflows::{MAX_ROUNDS, Store, built, put_new};

/// A ticket's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// Counts the row's changes; the condition of every write.
    pub version: u64,
    /// The newest version of the ticket that was seen.
    pub ticket_version: u64,
    /// The current generation.
    pub generation: Generation,
    /// Its workflow; `None` for a ticket that was cancelled before it was started.
    pub workflow_id: Option<WorkflowId>,
    /// A cancel sticks.
    pub cancelled: bool,
}

impl Store {
    /// Reads a ticket's row, if the ticket was ever seen.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn ticket_row(&self, key: &TicketKey) -> Result<Option<TicketRow>, StoreError> {
        self.get(keys::ticket(key), keys::META).await?.map(row::value).transpose()
    }

    /// A write of a ticket's row, `next.version` being one higher than the stored one (1 for a new row).
    ///
    /// # Errors
    /// Only when the row cannot be written.
    pub fn ticket_row_write(&self, key: &TicketKey, next: &TicketRow) -> Result<TransactWriteItem, StoreError> {
        let item = row::item(keys::ticket(key), keys::META, next)?;
        if next.version == 1 {
            return put_new(&self.state, item);
        }
        let put = Put::builder()
            .table_name(&self.state)
            .set_item(Some(item))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":expected", n(next.version - 1));
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    /// Has a workflow go on that ended without its result, unless its ticket was cancelled meanwhile: that is asked in the
    /// same transaction. Answers the workflow as it is then; its execution is to be started by `sweeper`.
    ///
    /// # Errors
    /// `Superseded` when it cannot be resumed there or its ticket was cancelled, in words for whoever asked;
    /// `Contention` when the rows changed too often; or what DynamoDB answered.
    pub async fn resume(
        &self,
        id: &WorkflowId,
        from: Option<ResumePoint>,
        comment: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Workflow, Failure> {
        let refused = |why: &str| Failure::new(FailureKind::Superseded, format!("{why} Nothing was changed."));
        for _ in 0..MAX_ROUNDS {
            let workflow = self.workflow(id).await?;
            let points = workflow.resume_points();
            let wanted = from.or_else(|| points.first().copied()).filter(|wanted| points.contains(wanted));
            let Some(from) = wanted else { return Err(refused(&not_there(&workflow, &points))) };
            let key = workflow.ticket.key.clone();
            let row = self.ticket_row(&key).await?.filter(|row| row.workflow_id.as_ref() == Some(id));
            let Some(row) = row else { return Err(refused("A later workflow works on the ticket.")) };
            if row.cancelled {
                return Err(refused("The ticket was cancelled in its tracker, and a cancel sticks."));
            }
            let next = TicketRow { version: row.version + 1, ..row };
            let resumption = Resumption { number: workflow.execution().resumption + 1, from };
            let event = Event::Resumed { resumption, comment: comment.map(str::to_owned) };
            let change = workflow.apply(event, actor.clone(), now).map_err(|error| apply_failure(&error))?;
            match self.commit(&change, vec![self.ticket_row_write(&key, &next)?]).await {
                Ok(()) => return Ok(change.workflow),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(FailureKind::Contention, format!("workflow {id} changed {MAX_ROUNDS} times under this step")))
    }

    /// Writes a ticket's row alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn write_ticket_row(&self, key: &TicketKey, next: &TicketRow) -> Result<(), StoreError> {
        let write = self.ticket_row_write(key, next)?;
        self.transact(&format!("ticket {key}"), vec![write]).await
    }
}

/// Why a workflow cannot be resumed as wished.
fn not_there(workflow: &Workflow, points: &[ResumePoint]) -> String {
    let names: Vec<&str> = points.iter().map(|point| point.as_str()).collect();
    match names.as_slice() {
        [] if workflow.state.is_terminal() => format!("A workflow that ended as {} stays ended.", workflow.state),
        [] => format!("The workflow has not ended: it is in state {}.", workflow.state),
        names => format!("It can go on from {} only.", names.join(" or ")),
    }
}
