//! The functions, one write at a time, and what may happen in between.

use std::collections::{BTreeMap, BTreeSet};

use domain::gate::policy::{Asked, Quorum};
use domain::gate::{DecisionRequest, Gate, GateKind, GateStatus, Handover, Refusal, Roster, Subject, Verdict};
use domain::ids::{Generation, Revision, TicketKey, WorkflowId};
use domain::person::{Actor, Person};
use domain::{Digest, Timestamp};
use jiff::SignedDuration;
use stateright::{Model, Property};

use crate::bugs::Bug;
use crate::properties;
use crate::world::{Action, By, Call, Cast, Opening, World, person};

/// How many crashes there are at most.
const CRASHES: u8 = 2;
/// How often the machine's step is tried: again after each crash.
const TRIES: u8 = CRASHES + 1;
/// How often the sweeper has to come at most: once more than there are crashes.
const SWEEPS: u8 = CRASHES + 1;
/// When the gate's time is up.
const DUE: u8 = 1;

/// The protocol, perhaps with a bug.
pub(crate) struct Protocol {
    pub(crate) cast: Cast,
    pub(crate) bug: Option<Bug>,
}

fn at(second: u8) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + i64::from(second)).unwrap()
}

fn new_gate(cast: Cast) -> Gate {
    let workflow_id = WorkflowId::derive(&TicketKey::flux_lens("1"), Generation::FIRST);
    let subject = Subject::Spec {
        revision: Revision::FIRST,
        spec_digest: Digest::of("spec"),
        base_commit: "a".repeat(40).parse().unwrap(),
        ticket_digest: Digest::of("ticket"),
    };
    let asked = Asked {
        approvers: vec![person("ann"), person("bob"), person("rita")],
        escalation: vec![],
        roster: Roster::Deployment,
        quorum: Quorum { required: cast.required(), called_for: cast.required(), reasons: vec![] },
        time: SignedDuration::from_secs(i64::from(DUE)),
    };
    let id = GateKind::Spec.gate_id(&workflow_id, 1).unwrap();
    Gate::new(id, workflow_id, subject, person("rita"), asked, at(0)).unwrap()
}

/// The try of the opening step that a call is part of.
fn opened_by(call: &Call) -> Option<u8> {
    match call {
        Call::Open { token, .. } => Some(*token),
        Call::Fetch { opened } | Call::Deliver { opened, .. } => *opened,
        Call::Decide { .. } | Call::SecondWrite => None,
    }
}

impl Protocol {
    /// As it is in production.
    pub(crate) fn sound(cast: Cast) -> Self {
        Self { cast, bug: None }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Production's rule, around which some bugs are built.
    fn decide(&self, gate: &Gate, mut request: DecisionRequest, real_now: u8) -> Result<Gate, Refusal> {
        let mut asked = gate.clone();
        let mut now = real_now;
        if self.has(Bug::RequesterApproves) {
            asked.requester = Person::default();
        }
        if self.has(Bug::AnybodyDecides) {
            asked.approvers.push(person("eve"));
        }
        if self.has(Bug::SubjectIgnored) {
            request.subject_digest = Some(gate.subject_digest);
        }
        if self.has(Bug::LateDecision) && request.verdict.is_by_people() {
            now = 0;
        }
        if self.has(Bug::EarlyExpiry) && request.verdict == Verdict::Expire {
            now = DUE;
        }
        if self.has(Bug::SamePersonTwice) {
            for approval in &mut asked.approvals {
                approval.by = Actor::system("nobody");
            }
        }
        let edit = matches!(request.verdict, Verdict::ApproveEdited { .. });
        let mut decided = asked.decide(request.clone(), at(now))?;
        if self.has(Bug::EditKeepsApprovals) && edit && !gate.approvals.is_empty() {
            let mut kept = gate.approvals.clone();
            kept.append(&mut decided.approvals);
            decided.approvals = kept;
            if decided.missing_approvals() == 0 {
                decided.status = GateStatus::Approved;
                decided.decision = Some(domain::gate::Decision {
                    verdict: request.verdict,
                    by: request.by,
                    at: at(now),
                    comment: None,
                });
            }
        }
        for (approval, before) in decided.approvals.iter_mut().zip(&gate.approvals) {
            if self.has(Bug::SamePersonTwice) {
                approval.by = before.by.clone();
            }
        }
        if let Some(decision) = &mut decided.decision {
            decision.at = at(real_now);
        }
        decided.requester = gate.requester.clone();
        decided.approvers.clone_from(&gate.approvers);
        Ok(decided)
    }

    /// The write of a decision: gate, workflow and audit entry together.
    fn commit(&self, world: &mut World, by: By, saw: Option<Digest>, read: (u64, u8)) -> bool {
        let Some(gate) = world.gate.clone() else { return false };
        let fresh = (gate.version, world.version) == read && gate.status == GateStatus::Pending;
        if !fresh && !self.has(Bug::WriteWithoutCondition) {
            return false;
        }
        let mut open = gate.clone();
        if self.has(Bug::WriteWithoutCondition) {
            // It decides on what it read, which was open.
            (open.status, open.decision) = (GateStatus::Pending, None);
        }
        let Ok(decided) = self.decide(&open, by.request(saw), world.now) else { return true };
        if let By::Person(who) = by {
            let edited = matches!(who.verdict(), Verdict::ApproveEdited { .. });
            world.approved.insert(who.name(), if edited { Some(decided.subject_digest) } else { saw });
        }
        let status = decided.status;
        world.gate = Some(decided);
        if self.has(Bug::TwoTransactions) && status != GateStatus::Pending {
            world.calls.insert(Call::SecondWrite);
            return true;
        }
        world.version += 1;
        if status != GateStatus::Pending {
            world.decided = Some(status);
            world.audit.push(status);
            world.calls.insert(Call::Fetch { opened: None });
        }
        true
    }

    /// The machine hears an answer. One for a token that it does not wait for any more counts as told.
    fn tell(world: &mut World, token: u8, status: GateStatus) {
        if world.waits_for == token && world.answer.is_none() {
            world.answer = Some(status);
        }
    }

    fn step(&self, world: &mut World, call: Call) {
        world.calls.remove(&call);
        match call {
            Call::Open { token, at } => self.open(world, token, at),
            Call::Decide { by, saw, read: None } => self.read(world, by, saw),
            Call::Decide { by, saw, read: Some(read) } => {
                if !self.commit(world, by, saw, read) {
                    world.calls.insert(Call::Decide { by, saw, read: None });
                }
            }
            Call::SecondWrite => {
                let Some(status) = world.gate.as_ref().map(|gate| gate.status) else { return };
                world.version += 1;
                world.decided = Some(status);
                world.audit.push(status);
                world.calls.insert(Call::Fetch { opened: None });
            }
            Call::Fetch { opened } => {
                world.calls.insert(Call::Deliver { opened, token: world.token, answered: false });
            }
            Call::Deliver { opened, token, answered } => self.deliver(world, opened, token, answered),
        }
    }

    fn open(&self, world: &mut World, token: u8, at: Opening) {
        let next = match at {
            Opening::Read if world.cancel && world.gate.is_none() => {
                Self::tell(world, token, GateStatus::Cancelled);
                return;
            }
            Opening::Read if self.has(Bug::RowBeforeToken) => Opening::Write { version: world.version },
            Opening::Read => Opening::Keep { version: world.version },
            Opening::Keep { version } => {
                world.token = Some(token);
                Opening::Write { version }
            }
            Opening::KeepLate => {
                world.token = Some(token);
                return;
            }
            Opening::Write { version } => {
                if world.gate.is_some() {
                    // Opened by an earlier try: what was decided meanwhile is told now.
                    if self.has(Bug::RowBeforeToken) {
                        Opening::KeepLate
                    } else {
                        if !self.has(Bug::SilentReopening) {
                            world.calls.insert(Call::Fetch { opened: Some(token) });
                        }
                        return;
                    }
                } else if world.version == version {
                    world.gate = Some(new_gate(self.cast));
                    world.version += 1;
                    if !self.has(Bug::RowBeforeToken) {
                        return;
                    }
                    Opening::KeepLate
                } else {
                    Opening::Read
                }
            }
        };
        world.calls.insert(Call::Open { token, at: next });
    }

    fn read(&self, world: &mut World, by: By, saw: Option<Digest>) {
        let Some(gate) = &world.gate else { return };
        let Ok(decided) = self.decide(gate, by.request(saw), world.now) else { return };
        let read = Some((gate.version, world.version));
        if self.has(Bug::TokenBeforeRow)
            && decided.status != GateStatus::Pending
            && let Some(token) = world.token
        {
            Self::tell(world, token, decided.status);
        }
        world.calls.insert(Call::Decide { by, saw, read });
    }

    fn deliver(&self, world: &mut World, opened: Option<u8>, mut token: Option<u8>, mut answered: bool) {
        let Some(gate) = &mut world.gate else { return };
        let mut step = gate.handover(token.is_some(), answered);
        if self.has(Bug::MarkBeforeAnswer) && gate.status != GateStatus::Pending && gate.delivered_at.is_none() {
            step = Some(Handover::MarkDelivered);
        }
        if self.has(Bug::ForgetBeforeAnswer) && gate.status != GateStatus::Pending && token.is_some() && !answered {
            // Forgets first and answers in the next step, if it comes to that.
            if world.token == token {
                world.token = None;
                world.calls.insert(Call::Deliver { opened, token, answered });
                return;
            }
        }
        match (step, token) {
            (None, _) => return,
            (Some(Handover::Answer), Some(kept)) => {
                let closed = world.waits_for != kept || world.answer.is_some();
                if closed && self.has(Bug::ClosedTokenIsAnError) {
                    return;
                }
                let status = gate.status;
                Self::tell(world, kept, status);
                answered = true;
            }
            (Some(Handover::MarkDelivered), _) => gate.delivered_at = Some(at(world.now)),
            (Some(Handover::ForgetToken), kept) => {
                if world.token == kept || self.has(Bug::ForgetAnyToken) {
                    world.token = None;
                }
                token = None;
            }
            (Some(Handover::Answer), None) => return,
        }
        world.calls.insert(Call::Deliver { opened, token, answered });
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            gate: None,
            version: 0,
            cancel: false,
            decided: None,
            audit: vec![],
            token: None,
            waits_for: 0,
            answer: None,
            lost: true,
            calls: BTreeSet::new(),
            to_come: self.cast.deciders(),
            seen: BTreeSet::new(),
            crashes: 0,
            sweeps: 0,
            approved: BTreeMap::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.lost && world.waits_for < TRIES && world.answer.is_none() {
            actions.push(Action::Try);
        }
        let opening = |call: &Call| opened_by(call).is_some();
        let opening = world.calls.iter().any(opening);
        if !world.lost && !opening && world.answer.is_none() && world.crashes < CRASHES {
            actions.push(Action::LoseReply);
        }
        let open = world.gate.as_ref().is_some_and(|gate| gate.status == GateStatus::Pending);
        for who in &world.to_come {
            if world.gate.is_some() && !world.seen.iter().any(|(other, _)| other == who) {
                actions.push(Action::Look(*who));
            }
            if world.seen.iter().any(|(other, _)| other == who) {
                actions.push(Action::Begin(*who));
            }
        }
        if self.cast == Cast::Cancel && !world.cancel && world.decided.is_none() {
            actions.push(Action::AskToCancel);
        }
        if world.now < DUE {
            actions.push(Action::Tick);
        }
        let busy = |wanted: By| world.calls.iter().any(|call| matches!(call, Call::Decide { by, .. } if *by == wanted));
        let due = world.now >= DUE || self.has(Bug::EarlyExpiry);
        if open && due && !busy(By::Clock) && !self.has(Bug::NoClock) {
            actions.push(Action::Sweep(By::Clock));
        }
        if open && world.cancel && !busy(By::Cancel) {
            actions.push(Action::Sweep(By::Cancel));
        }
        let undelivered = world.gate.as_ref().is_some_and(|gate| !open && gate.delivered_at.is_none());
        let delivering = world
            .calls
            .iter()
            .any(|call| matches!(call, Call::Fetch { .. } | Call::Deliver { .. } | Call::SecondWrite));
        if undelivered && !delivering && world.sweeps < SWEEPS && !self.has(Bug::NoSweeper) {
            actions.push(Action::SweepDelivery);
        }
        for call in &world.calls {
            actions.push(Action::Step(call.clone()));
            if world.crashes < CRASHES {
                actions.push(Action::Crash(call.clone()));
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Try => {
                world.waits_for += 1;
                world.lost = false;
                world.calls.insert(Call::Open { token: world.waits_for, at: Opening::Read });
            }
            Action::Look(who) => {
                world.seen.insert((who, world.gate.as_ref()?.subject_digest));
            }
            Action::Begin(who) => {
                let saw = world.seen.iter().find(|(other, _)| *other == who).map(|(_, digest)| *digest);
                world.to_come.remove(&who);
                world.seen.retain(|(other, _)| *other != who);
                world.calls.insert(Call::Decide { by: By::Person(who), saw, read: None });
            }
            Action::AskToCancel => {
                world.cancel = true;
                world.version += 1;
            }
            Action::Tick => world.now += 1,
            Action::Sweep(by) => {
                world.calls.insert(Call::Decide { by, saw: None, read: None });
            }
            Action::SweepDelivery => {
                world.sweeps += 1;
                world.calls.insert(Call::Fetch { opened: None });
            }
            Action::Step(call) => self.step(&mut world, call),
            Action::LoseReply => {
                world.lost = true;
                world.crashes += 1;
            }
            Action::Crash(call) => {
                world.calls.remove(&call);
                world.lost |= opened_by(&call) == Some(world.waits_for);
                world.crashes += 1;
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
