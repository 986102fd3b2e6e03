//! Gates: their clocks, and decisions that have not reached the state machine.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, ClockAnswer, DeliverAnswer};
use domain::ids::GateId;
use jiff::SignedDuration;

use crate::each::each;
use crate::{Context, Swept};

/// Gates per shard and sweep.
const BATCH: i32 = 100;
/// How old a decision is before the sweeper hands it over: until then its own function is still at it.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Looks at the clocks of gates: people are reminded, more of them asked, and gates expire.
pub(crate) async fn look_at_clocks(context: &Context, now: Timestamp, swept: &mut Swept) -> Result<(), Failure> {
    let due = context.gates.due(now, BATCH).await?;
    let mut failure = None;
    let answers = each(due, &mut failure, async |gate: &GateId| {
        let request = ApprovalRequest::Clock { gate: gate.clone() };
        context.invoker.call::<_, ClockAnswer>(&context.config.approvals_function, &request).await
    });
    let answers = answers.await;
    swept.expired += count(&answers, |answer| *answer == ClockAnswer::Expired);
    swept.reminded += count(&answers, |answer| matches!(answer, ClockAnswer::Told { .. }));
    failure.map_or(Ok(()), Err)
}

/// Hands over decisions that a crash kept from the state machine.
pub(crate) async fn deliver(context: &Context, now: Timestamp, swept: &mut Swept) -> Result<(), Failure> {
    let before = now
        .checked_sub(GRACE)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("the time of the sweep: {error}")))?;
    let undelivered = context.gates.undelivered(before, BATCH).await?;
    let mut failure = None;
    let answers = each(undelivered, &mut failure, async |gate: &GateId| {
        let request = ApprovalRequest::Deliver { gate: gate.clone() };
        context.invoker.call::<_, DeliverAnswer>(&context.config.approvals_function, &request).await
    });
    swept.delivered += count(&answers.await, |answer| *answer == DeliverAnswer::Delivered);
    failure.map_or(Ok(()), Err)
}

fn count<T>(answers: &[T], counts: impl Fn(&T) -> bool) -> u32 {
    answers.iter().map(|answer| u32::from(counts(answer))).sum()
}
