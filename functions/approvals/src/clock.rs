//! What happens to an open gate besides a decision: its clock, more time, more people.

use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::requests::{ChangeAnswer, ClockAnswer, DecideAnswer};
use domain::gate::{DecisionRequest, Due, Gate, GateStatus, Refusal, Verdict};
use domain::ids::GateId;
use domain::person::{Actor, Person};
use domain::workflow::Event;

use crate::change::{Outcome, Step, change};
use crate::config::GatesContext;
use crate::decide;

/// Who looks at clocks, as the audit trail names it.
const CLOCK: &str = "sweeper";

/// Does what is due.
pub(crate) async fn look(context: &GatesContext, id: &GateId, now: Timestamp) -> Result<ClockAnswer, Failure> {
    let Some(gate) = context.gates.gate(id).await? else { return Ok(ClockAnswer::Nothing) };
    match gate.due(now) {
        Due::Nothing => Ok(ClockAnswer::Nothing),
        Due::Expiry => expire(context, id, now).await,
        Due::Stage { .. } => tell(context, id, now).await,
    }
}

async fn expire(context: &GatesContext, id: &GateId, now: Timestamp) -> Result<ClockAnswer, Failure> {
    let request = DecisionRequest::fact(Verdict::Expire, Actor::system(CLOCK), None);
    let answer = decide::decide(context, id, request, now).await?;
    Ok(if matches!(answer, DecideAnswer::Decided { .. }) { ClockAnswer::Expired } else { ClockAnswer::Nothing })
}

async fn tell(context: &GatesContext, id: &GateId, now: Timestamp) -> Result<ClockAnswer, Failure> {
    let outcome = change(context, id, now, |gate, _| {
        let Due::Stage { gate: next, added } = gate.due(now) else {
            return Err(Refusal::AlreadyDecided { status: gate.status });
        };
        let event = Event::GateStage {
            gate: next.id.clone(),
            kind: next.subject.kind(),
            stage: next.stage,
            added: added.iter().map(|person| person.label().to_owned()).collect(),
        };
        Ok(Step { gate: *next, event, actor: Actor::system(CLOCK) })
    });
    match outcome.await? {
        Outcome::Changed { after, .. } => Ok(ClockAnswer::Told { stage: after.stage }),
        Outcome::Refused(_) | Outcome::NotFound => Ok(ClockAnswer::Nothing),
    }
}

/// Gives people more time.
pub(crate) async fn extend(
    context: &GatesContext,
    id: &GateId,
    by: &Actor,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<ChangeAnswer, Failure> {
    let outcome = change(context, id, now, |gate, _| {
        check_roster(context, gate, by)?;
        let next = gate.extend(by, due_at, now)?;
        let event = Event::GateExtended { gate: next.id.clone(), kind: next.subject.kind(), due_at };
        Ok(Step { gate: next, event, actor: by.clone() })
    });
    Ok(answer(outcome.await?))
}

/// Asks somebody in addition.
pub(crate) async fn delegate(
    context: &GatesContext,
    id: &GateId,
    by: &Actor,
    to: &Person,
    now: Timestamp,
) -> Result<ChangeAnswer, Failure> {
    let outcome = change(context, id, now, |gate, _| {
        check_roster(context, gate, by)?;
        let next = gate.delegate(by, to, &context.config.policy.roster(), now)?;
        let to = next.delegations.last().map(|delegation| delegation.to.clone()).unwrap_or_default();
        let event = Event::GateDelegated { gate: next.id.clone(), kind: next.subject.kind(), to: Box::new(to) };
        Ok(Step { gate: next, event, actor: by.clone() })
    });
    Ok(answer(outcome.await?))
}

fn check_roster(context: &GatesContext, gate: &Gate, by: &Actor) -> Result<(), Refusal> {
    match by {
        Actor::Person { person, .. } if context.config.policy.still_names(gate, person) => Ok(()),
        _ if gate.status != GateStatus::Pending => Err(Refusal::AlreadyDecided { status: gate.status }),
        _ => Err(Refusal::NotAnApprover),
    }
}

fn answer(outcome: Outcome) -> ChangeAnswer {
    match outcome {
        Outcome::Changed { .. } => ChangeAnswer::Changed,
        Outcome::Refused(refusal) => {
            let message = refusal.to_string();
            ChangeAnswer::Refused { refusal, message }
        }
        Outcome::NotFound => ChangeAnswer::NotFound,
    }
}
