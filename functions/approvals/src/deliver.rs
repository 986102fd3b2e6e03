//! Handing a decision to the state machine.

use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::GateStatus;
use domain::gate::requests::DeliverAnswer;
use domain::ids::GateId;
use runtime::task_token;

use crate::config::GatesContext;
use crate::open::output;

/// Tells the state machine what was decided, if anything was. Doing it again changes nothing.
pub(crate) async fn deliver(context: &GatesContext, id: &GateId, now: Timestamp) -> Result<DeliverAnswer, Failure> {
    let Some(gate) = context.gates.gate(id).await? else { return Ok(DeliverAnswer::Nothing) };
    if gate.status == GateStatus::Pending {
        return Ok(DeliverAnswer::Nothing);
    }
    let workflow = context.store.workflow(&gate.workflow_id).await?;
    let token = context.tokens.gate(id).await?;
    if let Some(token) = &token {
        task_token::succeed(&context.sfn, token, &output(&gate, &workflow)).await?;
    }
    if gate.delivered_at.is_none() {
        context.gates.mark_delivered(id, now).await?;
    }
    if let Some(token) = &token {
        context.tokens.remove_gate(id, token).await?;
    }
    Ok(DeliverAnswer::Delivered)
}
