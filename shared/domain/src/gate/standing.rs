//! What a gate takes from one person, for pages that offer no answer which would not count.

use super::Gate;
use crate::person::{Actor, Person};

/// How somebody stands to an open gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are not asked.
    NotAsked,
    /// They may give any answer.
    Asked,
    /// They may send back and reject. They asked for the change, so that somebody else has to approve it.
    Requester,
    /// Their approval was counted. They may still send back, reject, or approve an edit.
    Counted,
}

impl Gate {
    /// How somebody stands to this gate while it is open. What a decision comes to, [`Gate::decide`] alone says.
    pub fn standing(&self, person: &Person) -> Standing {
        if !self.approvers.iter().any(|asked| asked.is_same(person)) {
            Standing::NotAsked
        } else if self.requester.is_same(person) {
            Standing::Requester
        } else if self.has_approval_of(person) {
            Standing::Counted
        } else {
            Standing::Asked
        }
    }

    /// Who is asked and has not approved what is asked about.
    pub fn awaited(&self) -> impl Iterator<Item = &Person> {
        self.approvers.iter().filter(|person| !self.has_approval_of(person))
    }

    /// Whether an approval of theirs was counted.
    pub(super) fn has_approval_of(&self, person: &Person) -> bool {
        self.approvals.iter().any(|approval| match &approval.by {
            Actor::Person { person: other, .. } => other.is_same(person),
            Actor::System { .. } => false,
        })
    }
}
