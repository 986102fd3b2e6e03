//! Typed codes, for who has an approval link and cannot sign in. The rules are [`domain::gate::code`]'s.

use domain::failure::{Failure, FailureKind};
use domain::gate::GateStatus;
use domain::gate::code::{CodeRefusal, DIGITS, LinkCode};
use domain::gate::requests::{CodeAnswer, MintedCode};
use domain::person::Actor;
use domain::workflow::Event;
use domain::{Digest, Timestamp};
use rand::RngExt as _;
use store::{Gates, StoreError};

use crate::config::GatesContext;

/// How often a write is tried again when the rows change under it.
const MAX_ROUNDS: u32 = 20;

/// Has a code sent to whom a link belongs. Who asks is whoever has the link, so there are few of them.
pub(crate) async fn send(context: &GatesContext, link: Digest, now: Timestamp) -> Result<CodeAnswer, Failure> {
    if !context.config.codes {
        return Ok(refused(CodeRefusal::Off));
    }
    for _ in 0..MAX_ROUNDS {
        let Some(grant) = context.gates.link(link).await? else { return Ok(CodeAnswer::NotFound) };
        let Some(gate) = context.gates.gate(&grant.gate).await? else { return Ok(CodeAnswer::NotFound) };
        if gate.status != GateStatus::Pending || now >= gate.due_at || gate.subject_digest != grant.subject_digest {
            return Ok(refused(CodeRefusal::NotOpen));
        }
        let before = context.gates.code(link).await?;
        let after = match LinkCode::ask(before.as_ref(), now) {
            Ok(after) => after,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let workflow = context.store.workflow(&gate.workflow_id).await?;
        let event = Event::CodeRequested {
            kind: gate.subject.kind(),
            gate: gate.id,
            to: Box::new(grant.recipient),
            link,
            number: after.number,
        };
        let Ok(change) = workflow.apply(event, Actor::system("approvals"), now) else {
            return Ok(refused(CodeRefusal::NotOpen));
        };
        let write = context.gates.code_write(link, before.as_ref(), &after, now)?;
        match context.store.commit(&change, vec![write]).await {
            Ok(()) => return Ok(CodeAnswer::Sent),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(contention())
}

/// Counts a try and says whether it was right. The try is written first: nobody gets two for one.
pub(crate) async fn check(
    context: &GatesContext,
    link: Digest,
    code: &str,
    now: Timestamp,
) -> Result<CodeAnswer, Failure> {
    if !context.config.codes {
        return Ok(refused(CodeRefusal::Off));
    }
    for _ in 0..MAX_ROUNDS {
        let Some(before) = context.gates.code(link).await? else { return Ok(refused(CodeRefusal::Spent)) };
        let after = match before.typed(now) {
            Ok(after) => after,
            Err(refusal) => return Ok(refused(refusal)),
        };
        match context.gates.write(vec![context.gates.code_write(link, Some(&before), &after, now)?]).await {
            Ok(()) => {
                let typed = LinkCode::digest_of(link, after.number, code);
                return Ok(after.check(typed).map_or_else(refused, |()| CodeAnswer::Right));
            }
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(contention())
}

/// Makes the code that was asked for. It leaves this function once, in its answer; its digest is kept. A message that is
/// sent again gets another code, which then is the only one.
pub(crate) async fn mint(gates: &Gates, link: Digest, number: u32, now: Timestamp) -> Result<MintedCode, Failure> {
    let superseded = || Failure::new(FailureKind::Superseded, "that code is not wanted any more");
    for _ in 0..MAX_ROUNDS {
        let before = gates.code(link).await?.filter(|row| row.number == number).ok_or_else(superseded)?;
        let code = format!("{:0width$}", rand::rng().random_range(0..1_000_000_u32), width = DIGITS);
        let after = before.made(LinkCode::digest_of(link, number, &code), now);
        let ends_at = after.ends_at.ok_or_else(superseded)?;
        match gates.write(vec![gates.code_write(link, Some(&before), &after, now)?]).await {
            Ok(()) => return Ok(MintedCode { code, ends_at }),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(contention())
}

fn refused(refusal: CodeRefusal) -> CodeAnswer {
    let message = refusal.to_string();
    CodeAnswer::Refused { refusal, message }
}

fn contention() -> Failure {
    Failure::new(FailureKind::Contention, format!("the codes of a link changed {MAX_ROUNDS} times under this request"))
}
