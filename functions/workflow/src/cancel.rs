//! Stopping on request. The request itself stands in the workflow's row already; this makes the waiting parts notice:
//! the queue for a slot, the open gate, the running sandbox. The next step then ends the workflow.

use domain::failure::Failure;
use domain::gate::requests::{ApprovalRequest, DecideAnswer};
use domain::ids::WorkflowId;
use domain::steps::Done;

use crate::{Context, slots, tasks};

pub(crate) async fn cancel(context: &Context, id: &WorkflowId) -> Result<Done, Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.state.is_terminal() || workflow.cancel_requested.is_none() {
        return Ok(Done::Done);
    }
    slots::leave_queues(context, id).await?;
    if workflow.open_gate.is_some() {
        let request = ApprovalRequest::Cancel { workflow_id: id.clone() };
        let _: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
    }
    tasks::stop(context, "the ticket was cancelled", |task| task == id).await?;
    Ok(Done::Done)
}
