//! Gates.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::Digest;
use domain::gate::requests::DecideAnswer;
use domain::gate::{DecisionRequest, Gate, GateStatus, Refusal, SectionComment, Verdict};
use domain::ids::GateId;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::read;
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::gate::personal;
use crate::problem::{ApiProblem, Problem};

#[derive(Serialize)]
pub(crate) struct Pending {
    gates: Vec<Gate>,
}

/// `GET /api/approvals/pending`: the open gates that the caller is asked about, by any of their addresses, the one due first first.
pub(crate) async fn pending<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
) -> Result<Json<Pending>, ApiProblem> {
    let inboxes = asking.viewer()?.person().emails().map(|email| console.backend.inbox(email));
    let mut gates: Vec<_> = try_join_all(inboxes).await?.into_iter().flatten().collect();
    gates.sort_by(|a, b| a.due_at.cmp(&b.due_at).then_with(|| a.id.cmp(&b.id)));
    gates.dedup_by(|a, b| a.id == b.id);
    Ok(Json(Pending { gates }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideBody {
    decision: Word,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    sections: Vec<SectionComment>,
    /// What the decider saw.
    subject_digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Word {
    Approve,
    Revise,
    Reject,
}

#[derive(Serialize)]
pub(crate) struct Decided {
    status: GateStatus,
    /// How many approvals are missing before it is decided.
    missing_approvals: u32,
}

/// `POST /api/approvals/{gate}/decide`.
pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(gate): Path<String>,
    asking: Asking,
    body: Bytes,
) -> Result<Json<Decided>, ApiProblem> {
    asking.by_token()?;
    let decider = asking.decider()?;
    let gate: GateId = gate.parse().map_err(|_| Problem::not_found())?;
    let body: DecideBody = read(&body)?;
    let verdict = match body.decision {
        Word::Approve => Verdict::Approve,
        Word::Revise => Verdict::Revise,
        Word::Reject => Verdict::Reject,
    };
    let request = DecisionRequest {
        verdict,
        by: decider.actor(),
        subject_digest: Some(body.subject_digest),
        comment: body.comment,
        sections: body.sections,
    };
    match console.backend.decide(&gate, request).await? {
        DecideAnswer::Decided { status } => Ok(Json(Decided { status, missing_approvals: 0 })),
        DecideAnswer::Counted { approvals, required } => {
            Ok(Json(Decided { status: GateStatus::Pending, missing_approvals: required.saturating_sub(approvals) }))
        }
        DecideAnswer::Refused { refusal, message } => Err(refused(&refusal, message).into()),
        DecideAnswer::NotFound => Err(Problem::not_found().into()),
    }
}

fn refused(refusal: &Refusal, message: String) -> Problem {
    let (status, code) = match refusal {
        Refusal::AlreadyDecided { .. } => (StatusCode::CONFLICT, "already_decided"),
        Refusal::Due { .. } => (StatusCode::CONFLICT, "due"),
        Refusal::NotDue { .. } => (StatusCode::CONFLICT, "not_due"),
        Refusal::SubjectChanged => (StatusCode::CONFLICT, "subject_changed"),
        Refusal::NotAnApprover => (StatusCode::FORBIDDEN, "not_an_approver"),
        Refusal::RequesterCannotApprove => (StatusCode::FORBIDDEN, "requester_cannot_approve"),
        Refusal::CommentMissing => (StatusCode::UNPROCESSABLE_ENTITY, "comment_missing"),
        Refusal::CommentTooLong => (StatusCode::UNPROCESSABLE_ENTITY, "comment_too_long"),
        Refusal::WrongVerdict => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_verdict"),
        Refusal::AlreadyApproved { .. } => (StatusCode::CONFLICT, "already_approved"),
        Refusal::EditUnknown => (StatusCode::CONFLICT, "edit_unknown"),
        Refusal::DeadlineRefused { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "deadline_refused"),
        Refusal::DelegateRefused => (StatusCode::UNPROCESSABLE_ENTITY, "delegate_refused"),
        Refusal::NoRoundsLeft { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "no_rounds_left"),
    };
    Problem { code: Some(code), refused: personal(refusal), ..Problem::new(status, message) }
}
