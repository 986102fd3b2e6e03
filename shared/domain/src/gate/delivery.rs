//! Handing a decision to the state machine, a step at a time. Each step may be the last one before a crash, and each
//! may be done twice. `approvals` does them in this order, and the model of the gate walks every way through them.

use super::{Gate, GateStatus};

/// What is left to do for a decided gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handover {
    /// Give the answer to the task token that is kept.
    Answer,
    /// Note that the state machine has the answer.
    MarkDelivered,
    /// Forget the task token that was answered, and no newer one.
    ForgetToken,
}

impl Gate {
    /// The next step, given what is known: whether a token is kept, and whether that very one was answered by us. `None`
    /// when nothing is left, or nothing was decided.
    pub fn handover(&self, token_kept: bool, answered: bool) -> Option<Handover> {
        if self.status == GateStatus::Pending {
            None
        } else if token_kept && !answered {
            Some(Handover::Answer)
        } else if self.delivered_at.is_none() {
            Some(Handover::MarkDelivered)
        } else if token_kept {
            Some(Handover::ForgetToken)
        } else {
            None
        }
    }
}
