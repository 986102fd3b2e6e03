//! The channel to approvers' mailboxes.

use domain::failure::{Failure, FailureKind};
use domain::gate::{Gate, GateStatus, Subject};
use domain::ids::GateId;
use domain::outbox::{Notice, OutboxPointer};
use domain::person::Person;
use domain::workflow::Workflow;
use domain::{Digest, Timestamp};
use store::OutboxRow;

use crate::facts::{History, State};
use crate::notifier::Notifier;
use crate::texts::Mail;
use crate::texts::code::code_mail;
use crate::texts::email as texts;
use crate::ticket::{gate_of, spec_of};

/// Mails everybody whom a message is for and who has not been mailed yet. A gate that was decided meanwhile, or
/// whose time is over, needs no mail.
///
/// Each gets a link of their own, and is noted as soon as they have it. One whose mail fails does not keep the others
/// from theirs; the message then comes back for that one alone.
pub(crate) async fn send<S: State>(notifier: &Notifier<S>, row: &OutboxRow, now: Timestamp) -> Result<(), Failure> {
    let state = &notifier.state;
    if let Notice::CodeRequested { gate, to, link, number } = &row.message.notice {
        return send_code(notifier, row, &gate_of(state, gate).await?, to, (*link, *number), now).await;
    }
    let Some((gate, call)) = call(&row.message.notice) else {
        tracing::warn!(notice = ?row.message.notice, "this notice is not sent by mail");
        return Ok(());
    };
    let gate = gate_of(state, gate).await?;
    if !is_open(&gate, now) {
        return Ok(());
    }
    let workflow = state.workflow(&row.workflow_id).await?;
    let letter = Letter::prepare(state, &workflow, &gate, call, now).await?;
    let pointer = OutboxPointer { workflow_id: row.workflow_id.clone(), seq: row.seq };
    let mut failed = None;
    for person in recipients(&gate, &row.message.notice) {
        let Some(address) = person.email.as_deref() else {
            tracing::warn!(gate = %gate.id, "an approver has no e-mail address and is not asked by mail");
            continue;
        };
        if row.sent_to.contains(address) {
            continue;
        }
        let sent = async {
            let link = state.mint(&gate.id, person).await?;
            let url = format!("{}/approvals/{}", notifier.base_url, link.link_id);
            notifier.mailer.send(address, &letter.to(&url)).await?;
            Ok::<_, Failure>(state.mark_sent_to(&pointer, address).await?)
        };
        if let Err(failure) = sent.await {
            if failure.kind == FailureKind::Superseded {
                // It was decided, or its time ended, since it was looked at: there is nothing left to ask anybody.
                return Ok(());
            }
            tracing::warn!(gate = %gate.id, %failure, "an approver could not be mailed");
            failed = Some(failure);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Mails the code that was asked for to whom the link belongs. A gate that was decided, and a code that was overtaken by
/// the next one, need no mail.
async fn send_code<S: State>(
    notifier: &Notifier<S>,
    row: &OutboxRow,
    gate: &Gate,
    to: &Person,
    (link, number): (Digest, u32),
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(address) = to.email.as_deref().filter(|address| !row.sent_to.contains(*address)) else { return Ok(()) };
    if !is_open(gate, now) {
        return Ok(());
    }
    let minted = match notifier.state.mint_code(link, number).await {
        Err(failure) if failure.kind == FailureKind::Superseded => return Ok(()),
        minted => minted?,
    };
    let workflow = notifier.state.workflow(&row.workflow_id).await?;
    notifier.mailer.send(address, &code_mail(&workflow, &minted, now)).await?;
    let pointer = OutboxPointer { workflow_id: row.workflow_id.clone(), seq: row.seq };
    Ok(notifier.state.mark_sent_to(&pointer, address).await?)
}

/// Whether a decision could still count. A gate whose time is over is closed a little later.
fn is_open(gate: &Gate, now: Timestamp) -> bool {
    gate.status == GateStatus::Pending && now < gate.due_at
}

/// The gate that a notice is about, and how its recipients are addressed.
fn call(notice: &Notice) -> Option<(&GateId, texts::Call)> {
    match notice {
        Notice::SpecAwaitsApproval { gate, .. } | Notice::PrAwaitsApproval { gate } => Some((gate, texts::Call::First)),
        Notice::GateStillOpen { gate, stage } => Some((gate, texts::Call::Again(*stage))),
        Notice::GateDelegated { gate, .. } => Some((gate, texts::Call::HandedOn)),
        Notice::WorkStarted
        | Notice::Resumed { .. }
        | Notice::CodeRequested { .. }
        | Notice::GateDecided { .. }
        | Notice::Recorded { .. }
        | Notice::Ended { .. } => None,
    }
}

/// Whom a notice is for: who is asked and has not approved what is asked about, or to whom it was handed on.
fn recipients<'a>(gate: &'a Gate, notice: &'a Notice) -> Vec<&'a Person> {
    if let Notice::GateDelegated { to, .. } = notice {
        return vec![to];
    }
    gate.awaited().collect()
}

/// What every approver reads; only the link differs.
struct Letter<'a> {
    workflow: &'a Workflow,
    gate: &'a Gate,
    call: texts::Call,
    now: Timestamp,
    ticket: domain::ticket::Ticket,
    about: About,
}

enum About {
    Spec(domain::spec::Spec),
    Pr { history: History, qa: Option<domain::qa::QaReport> },
}

impl<'a> Letter<'a> {
    async fn prepare<S: State>(
        state: &S,
        workflow: &'a Workflow,
        gate: &'a Gate,
        call: texts::Call,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let about = if let Subject::Spec { revision, .. } = gate.subject {
            About::Spec(spec_of(state, workflow, gate, revision).await?)
        } else {
            let history = History::of(&state.trail(&workflow.id).await?);
            let qa = match &workflow.qa {
                Some(qa) => Some(state.qa(&workflow.id, qa.attempt, qa.report).await?),
                None => None,
            };
            About::Pr { history, qa }
        };
        Ok(Self { workflow, gate, call, now, ticket: state.ticket(&workflow.id).await?, about })
    }

    fn to(&self, url: &str) -> Mail {
        let (call, now) = (self.call, self.now);
        let frame = texts::Frame { workflow: self.workflow, ticket: &self.ticket, gate: self.gate, call, now, url };
        match &self.about {
            About::Spec(spec) => texts::spec_mail(&frame, spec),
            About::Pr { history, qa } => texts::pr_mail(&frame, &history.files, qa.as_ref()),
        }
    }
}
