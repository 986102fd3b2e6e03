//! Honest chains.

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

use crate::audit::{Anchor, AuditEntry, AuditHead, FoundAnchor, StoredAnchor, Trail};
use crate::budget::Usage;
use crate::digest::Digest;
use crate::failure::{Failure, FailureKind};
use crate::gate::GateKind;
use crate::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use crate::person::{Actor, Channel, Person};
use crate::state::WorkflowState;
use crate::task::RunOutcome;
use crate::workflow::Event;

/// A chain as our functions write it.
pub(super) struct Chain {
    pub(super) id: WorkflowId,
    pub(super) entries: Vec<AuditEntry>,
    pub(super) trail: Trail,
}

impl Chain {
    /// With entries of every sort.
    pub(super) fn random(rng: &mut StdRng, ticket: u32, entries: usize) -> Self {
        let id = WorkflowId::derive(&TicketKey::flux_lens(ticket.to_string()), Generation::FIRST);
        let mut chain: Vec<AuditEntry> = Vec::new();
        for _ in 0..entries {
            let last =
                chain.last().map_or(AuditHead::empty(&id), |entry| AuditHead { seq: entry.seq, hash: entry.hash });
            let state = |rng: &mut StdRng| WorkflowState::ALL[rng.random_range(0..WorkflowState::ALL.len())];
            let entry = AuditEntry {
                workflow_id: id.clone(),
                seq: last.seq + 1,
                at: time(rng),
                actor: actor(rng),
                from: state(rng),
                to: state(rng),
                event: event(rng, &id),
                previous: last.hash,
                hash: last.hash,
            };
            chain.push(hashed(entry));
        }
        Self::of(id, chain)
    }

    pub(super) fn of(id: WorkflowId, entries: Vec<AuditEntry>) -> Self {
        let head = entries.last().map_or(AuditHead::empty(&id), |entry| AuditHead { seq: entry.seq, hash: entry.hash });
        let trail = Trail::of(id.clone(), &entries, Some(head));
        Self { id, entries, trail }
    }

    /// The anchors of its first entries.
    pub(super) fn anchors(&self, entries: usize) -> Vec<StoredAnchor> {
        self.entries.iter().take(entries).map(anchored).collect()
    }

    /// The head after so many entries.
    pub(super) fn head_at(&self, entries: usize) -> AuditHead {
        let last = entries.checked_sub(1).map(|index| &self.entries[index]);
        last.map_or(AuditHead::empty(&self.id), |entry| AuditHead { seq: entry.seq, hash: entry.hash })
    }
}

/// The entry with the hash of its content.
pub(super) fn hashed(entry: AuditEntry) -> AuditEntry {
    AuditEntry { hash: entry.compute_hash().unwrap(), ..entry }
}

/// What the writer of anchors makes of an entry.
pub(super) fn anchored(entry: &AuditEntry) -> StoredAnchor {
    let AuditEntry { workflow_id, seq, hash, at, .. } = entry.clone();
    StoredAnchor { seq, found: FoundAnchor::Anchor(Anchor { workflow_id, seq, hash, at }) }
}

pub(super) fn time(rng: &mut StdRng) -> Timestamp {
    Timestamp::from_millisecond(rng.random_range(1_700_000_000_000..1_900_000_000_000)).unwrap()
}

/// Words as tickets, models and people write them.
pub(super) fn words(rng: &mut StdRng) -> String {
    const SIGNS: [char; 14] =
        ['a', 'Z', '0', ' ', '"', '\\', '\n', '\u{0}', '\u{7f}', 'ü', '\u{202e}', '中', '🦀', '/'];
    (0..rng.random_range(0..12)).map(|_| SIGNS[rng.random_range(0..SIGNS.len())]).collect()
}

/// Numbers of all sizes, also those that a double does not hold.
fn number(rng: &mut StdRng) -> u64 {
    rng.next_u64() >> rng.random_range(0..64)
}

fn actor(rng: &mut StdRng) -> Actor {
    if rng.random() {
        return Actor::system(words(rng));
    }
    let github_id = rng.random::<bool>().then(|| number(rng));
    Actor::Person { person: Person { github_id, ..Person::from_email(words(rng)) }, channel: Channel::Api }
}

fn event(rng: &mut StdRng, id: &WorkflowId) -> Event {
    let (attempt, revision) = (Attempt::FIRST, Revision::FIRST);
    let digest = Digest::of(number(rng).to_be_bytes());
    let usage = Usage { input_tokens: number(rng), turns: number(rng), ..Usage::default() };
    match rng.random_range(0..10) {
        0 => Event::Created { ticket_version: number(rng), ticket_digest: digest },
        1 => Event::CancelRequested { reason: words(rng) },
        2 => Event::PlanningStarted { revision },
        3 => Event::FoundUnsuitable { reason: words(rng), usage },
        4 => Event::GateOpened {
            gate: GateKind::Spec.gate_id(id, 1).unwrap(),
            kind: GateKind::Spec,
            subject_digest: digest,
            due_at: time(rng),
        },
        5 => Event::RunEnded {
            attempt,
            outcome: RunOutcome::ModelFailed { message: words(rng) },
            usage,
            isolation: (0..rng.random_range(0..3)).map(|_| words(rng)).collect(),
            refused_connections: number(rng),
            model: rng.random::<bool>().then(|| words(rng)),
        },
        6 => Event::AttemptFailed { attempt, reason: words(rng), violations: vec![] },
        7 => {
            Event::QaFinished { attempt, passed: rng.random(), report: digest, blocking: vec![words(rng)], findings: 0 }
        }
        8 => Event::Failed { failure: Failure::new(FailureKind::Internal, words(rng)) },
        _ => Event::Completed,
    }
}
