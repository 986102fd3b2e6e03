//! Gates: expiry, and decisions that have not reached the state machine.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, DecideAnswer, DeliverAnswer};
use domain::gate::{DecisionRequest, Verdict};
use domain::person::Actor;
use jiff::SignedDuration;

use crate::Context;

/// Gates per shard and sweep.
const BATCH: i32 = 100;
/// How old a decision is before the sweeper hands it over: until then its own function is still at it.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Expires the gates whose time is up.
pub(crate) async fn expire(context: &Context, now: Timestamp) -> Result<u32, Failure> {
    let mut expired = 0;
    for gate in context.gates.due(now, BATCH).await? {
        let decision = DecisionRequest {
            verdict: Verdict::Expire,
            by: Actor::system("sweeper"),
            subject_digest: None,
            comment: None,
        };
        let request = ApprovalRequest::Decide { gate, decision };
        let answer: DecideAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
        expired += u32::from(matches!(answer, DecideAnswer::Decided { .. }));
    }
    Ok(expired)
}

/// Hands over decisions that a crash kept from the state machine.
pub(crate) async fn deliver(context: &Context, now: Timestamp) -> Result<u32, Failure> {
    let before = now
        .checked_sub(GRACE)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("the time of the sweep: {error}")))?;
    let mut delivered = 0;
    for gate in context.gates.undelivered(before, BATCH).await? {
        let request = ApprovalRequest::Deliver { gate };
        let answer: DeliverAnswer = context.invoker.call(&context.config.approvals_function, &request).await?;
        delivered += u32::from(answer == DeliverAnswer::Delivered);
    }
    Ok(delivered)
}
