//! Handing a decision to the state machine.

use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::requests::DeliverAnswer;
use domain::gate::{GateStatus, Handover};
use domain::ids::GateId;
use runtime::task_token;

use crate::config::GatesContext;
use crate::open::output;

/// Tells the state machine what was decided, if anything was. Doing it again changes nothing.
pub(crate) async fn deliver(context: &GatesContext, id: &GateId, now: Timestamp) -> Result<DeliverAnswer, Failure> {
    let Some(mut gate) = context.gates.gate(id).await? else { return Ok(DeliverAnswer::Nothing) };
    if gate.status == GateStatus::Pending {
        return Ok(DeliverAnswer::Nothing);
    }
    let workflow = context.store.workflow(&gate.workflow_id).await?;
    let mut token = context.tokens.gate(id).await?;
    let mut answered = false;
    while let Some(step) = gate.handover(token.is_some(), answered) {
        match (step, &token) {
            (Handover::Answer, Some(token)) => {
                task_token::succeed(&context.sfn, token, &output(&gate, &workflow)).await?;
                answered = true;
            }
            (Handover::MarkDelivered, _) => {
                context.gates.mark_delivered(id, now).await?;
                gate.delivered_at = Some(now);
            }
            (Handover::ForgetToken, Some(kept)) => {
                context.tokens.remove_gate(id, kept).await?;
                token = None;
            }
            (Handover::Answer | Handover::ForgetToken, None) => break,
        }
    }
    Ok(DeliverAnswer::Delivered)
}
