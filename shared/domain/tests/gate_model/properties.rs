//! What must hold in every state, and what must be possible.

use domain::gate::GateStatus;
use domain::person::Actor;
use stateright::{Model as _, Property};

use crate::model::Protocol;
use crate::world::{Action, World, person};

/// The names of what must hold.
pub(crate) const PROMISES: [&str; 6] = [ONCE, TOGETHER, SAME, RIGHTFUL, SEEN, NOT_LOST];

const ONCE: &str = "a gate is decided once";
const TOGETHER: &str = "the rows and the audit trail say the same";
const SAME: &str = "the state machine hears what the row says";
const RIGHTFUL: &str = "only enough of the right people approve, and in time";
const SEEN: &str = "nobody approves what they did not see";
const NOT_LOST: &str = "when nothing is left to happen, the state machine has its answer";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONCE, |_, world: &World| world.audit.len() <= 1),
        Property::always(TOGETHER, |_, world: &World| match &world.gate {
            Some(gate) if gate.status != GateStatus::Pending => world.decided == Some(gate.status),
            _ => world.decided.is_none(),
        }),
        Property::always(SAME, |_, world: &World| match (&world.gate, world.answer) {
            (_, None) => true,
            (Some(gate), Some(answer)) => gate.status == answer,
            (None, Some(answer)) => world.cancel && answer == GateStatus::Cancelled,
        }),
        Property::always(RIGHTFUL, |_, world| rightful(world)),
        Property::always(SEEN, |_, world| seen(world)),
        Property::always(NOT_LOST, |protocol, world| {
            let mut actions = Vec::new();
            protocol.actions(world, &mut actions);
            actions.retain(|action| !matches!(action, Action::LoseReply | Action::Crash(_)));
            let stuck = !actions.into_iter().any(|action| protocol.next_state(world, action).is_some());
            !stuck || world.answer.is_some() && undelivered(world).is_none()
        }),
        Property::sometimes("a gate is approved", |_, world: &World| world.answer == Some(GateStatus::Approved)),
        Property::sometimes("a gate expires", |_, world: &World| world.answer == Some(GateStatus::Expired)),
    ]
}

fn undelivered(world: &World) -> Option<()> {
    let gate = world.gate.as_ref()?;
    gate.delivered_at.is_none().then_some(())
}

/// Whether everybody whose approval the row counts saw what the row is about now.
fn seen(world: &World) -> bool {
    let Some(gate) = &world.gate else { return true };
    gate.approvals.iter().all(|approval| match &approval.by {
        Actor::Person { person: by, .. } => {
            let saw = world.approved.iter().find(|(name, _)| person(name).is_same(by));
            saw.is_some_and(|(_, saw)| *saw == Some(gate.subject_digest))
        }
        Actor::System { .. } => true,
    })
}

fn rightful(world: &World) -> bool {
    let Some(gate) = &world.gate else { return true };
    let people: Vec<_> = gate
        .approvals
        .iter()
        .filter_map(|approval| match &approval.by {
            Actor::Person { person, .. } => Some(person),
            Actor::System { .. } => None,
        })
        .collect();
    let distinct = people.iter().enumerate().all(|(at, one)| !people[..at].iter().any(|other| other.is_same(one)));
    let right = people.iter().all(|one| one.is_same(&person("ann")) || one.is_same(&person("bob")));
    let enough = people.len() >= gate.quorum.required as usize;
    let timely = gate.decision.as_ref().is_none_or(|decision| match gate.status {
        GateStatus::Expired => decision.at >= gate.due_at,
        GateStatus::Cancelled => true,
        _ => decision.at < gate.due_at && gate.approvals.iter().all(|approval| approval.at < gate.due_at),
    });
    right && distinct && timely && (gate.status != GateStatus::Approved || enough)
}
