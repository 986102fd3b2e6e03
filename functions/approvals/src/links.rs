//! Approval links: 256 random bits for one recipient of one gate, stored as a digest.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::gate::GateStatus;
use domain::gate::requests::{LinkGrant, MintedLink};
use domain::ids::{GateId, LinkId};
use domain::person::Person;
use rand::Rng as _;
use store::Gates;

/// Makes a link. The id leaves this function once, in its answer, and is never stored.
pub(crate) async fn mint(gates: &Gates, id: &GateId, recipient: Person, now: Timestamp) -> Result<MintedLink, Failure> {
    let superseded = |message: String| Failure::new(FailureKind::Superseded, message);
    let gate = gates.gate(id).await?.ok_or_else(|| superseded(format!("there is no gate {id}")))?;
    if gate.status != GateStatus::Pending || now >= gate.due_at {
        return Err(superseded(format!("the gate {id} is no longer open")));
    }
    if !gate.approvers.iter().any(|approver| approver.is_same(&recipient)) {
        return Err(Failure::new(FailureKind::InvalidInput, "the recipient is not one of the gate's approvers"));
    }
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let link = LinkId::from_random(bytes);
    let grant = LinkGrant { gate: gate.id, subject_digest: gate.subject_digest, recipient };
    gates.put_link(&link, &grant, gate.due_at).await?;
    Ok(MintedLink { link_id: link.expose().to_owned() })
}
