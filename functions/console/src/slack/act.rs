//! What is done when somebody presses a button or sends a dialog.

use std::collections::BTreeMap;

use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, GateStatus, Refusal, Verdict};
use slack::buttons::{APPROVE, Asked, COMMENT, REJECT, REVISE};
use slack::interaction::Member;

use super::who::{Approver, approver};
use super::{SlackAccess, Told, dialog};
use crate::Console;
use crate::backend::Backend;
use crate::gate::personal;
use crate::problem::{Problem, Refused};

/// Somebody pressed a button. Nothing to tell: it was one that only leads somewhere, or a dialog has opened.
pub(super) async fn press<B: Backend>(
    console: &Console<B>,
    access: &SlackAccess,
    by: &Member,
    action: &str,
    value: &str,
    trigger_id: &str,
) -> Option<Told> {
    let verdict = match action {
        APPROVE => Verdict::Approve,
        REVISE => Verdict::Revise,
        REJECT => Verdict::Reject,
        _ => return None,
    };
    let (asked, gate, approver) = match find(console, access, by, value).await {
        Ok(found) => found,
        Err(told) => return Some(told),
    };
    if verdict == Verdict::Approve {
        return Some(decide(console, &asked, &approver, verdict, None).await);
    }
    // Nobody writes down reasons that cannot count. The dialog decides nothing; sending it is checked again.
    let placeholder = request(&asked, &approver, verdict, Some("…".to_owned()));
    if let Err(refusal) = gate.decide(placeholder, (console.now)()) {
        return Some(refused(&refusal));
    }
    match access.client.open_view(trigger_id, &dialog::ask_why(action, &asked)).await {
        Ok(()) => None,
        Err(error) => {
            tracing::warn!(%error, "a dialog did not open");
            Some(Told::not_now("Slack did not open the dialog. Nothing was decided; press the button again."))
        }
    }
}

/// Somebody sent a dialog.
pub(super) async fn submit<B: Backend>(
    console: &Console<B>,
    access: &SlackAccess,
    by: &Member,
    dialog: &str,
    metadata: &str,
    fields: &BTreeMap<String, String>,
) -> Told {
    let verdict = match dialog {
        REVISE => Verdict::Revise,
        REJECT => Verdict::Reject,
        _ => return Told::refused("a dialog that is none of ours", "This dialog is not known. Nothing was decided."),
    };
    let (asked, _, approver) = match find(console, access, by, metadata).await {
        Ok(found) => found,
        Err(told) => return told,
    };
    let comment = fields.get(COMMENT).cloned();
    decide(console, &asked, &approver, verdict, comment).await
}

/// What is asked about, and by whom it is answered.
async fn find<B: Backend>(
    console: &Console<B>,
    access: &SlackAccess,
    by: &Member,
    value: &str,
) -> Result<(Asked, Gate, Approver), Told> {
    let Ok(asked) = value.parse::<Asked>() else {
        return Err(Told::refused("a button or dialog that is none of ours", NOT_KNOWN));
    };
    let gate = match console.backend.gate(&asked.gate).await {
        Ok(Some(gate)) => gate,
        Ok(None) => return Err(Told::refused("a gate that does not exist", NOT_KNOWN)),
        Err(error) => return Err(Told::not_now(Problem::from(error).detail)),
    };
    let approver = approver(access, by, &gate).await?;
    Ok((asked, gate, approver))
}

const NOT_KNOWN: &str = "There is no such question. Nothing was decided.";

fn request(asked: &Asked, approver: &Approver, verdict: Verdict, comment: Option<String>) -> DecisionRequest {
    let by = approver.actor();
    DecisionRequest { verdict, by, subject_digest: Some(asked.subject_digest), comment, sections: Vec::new() }
}

async fn decide<B: Backend>(
    console: &Console<B>,
    asked: &Asked,
    approver: &Approver,
    verdict: Verdict,
    comment: Option<String>,
) -> Told {
    let comment = comment.filter(|words| !words.trim().is_empty());
    match console.backend.decide(&asked.gate, request(asked, approver, verdict, comment)).await {
        Ok(DecideAnswer::Decided { status }) => Told::done(match status {
            GateStatus::Approved => "Approved. The work goes on.",
            GateStatus::RevisionRequested => "Sent back with your words.",
            GateStatus::Rejected => "Rejected.",
            _ => "It was decided.",
        }),
        Ok(DecideAnswer::Counted { approvals, required }) => {
            Told::done(format!("Your approval was counted: {approvals} of {required}."))
        }
        Ok(DecideAnswer::Refused { refusal, .. }) => refused(&refusal),
        Ok(DecideAnswer::NotFound) => Told::refused("a gate that does not exist", NOT_KNOWN),
        Err(failure) => {
            tracing::warn!(gate = %asked.gate, %failure, "a decision by Slack got no answer");
            let words = "A part of the system is busy, so it is not known whether this counted: the message shows it if \
                         it did. If it has not changed in a minute, send it again.";
            Told::not_now(words)
        }
    }
}

fn refused(refusal: &Refusal) -> Told {
    if let Some(Refused(why)) = personal(refusal) {
        return Told::refused(why, format!("Nothing was decided: {refusal}."));
    }
    let why = match refusal {
        Refusal::SubjectChanged => "a message about what is no longer asked",
        Refusal::AlreadyDecided { .. } | Refusal::AlreadyApproved { .. } => "a message about what was decided",
        Refusal::Due { .. } => "a message whose time is over",
        // What they wrote has to be otherwise.
        _ => return Told::not_now(format!("Nothing was decided: {refusal}.")),
    };
    Told::refused(why, format!("Nothing was decided: {refusal}."))
}
