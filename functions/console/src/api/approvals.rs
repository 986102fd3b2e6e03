//! Gates.

#![expect(unused_qualifications, reason = "in what utoipa's macro makes of the parameters")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Timestamp;
use domain::gate::policy::RiskReason;
use domain::gate::requests::DecideAnswer;
use domain::gate::{GateKind, GateStatus, Refusal};
use domain::ids::GateId;
use domain::person::Person;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use store::InboxItem;
use utoipa::{IntoParams, ToSchema};

use super::decision::{DecideBody, Decision};
use super::fields::Status;
use super::openapi::{ChangeProblems, IdProblems};
use super::{ApiBody, ApiPath, ApiQuery, DEFAULT_LIMIT, MAX_LIMIT, cursor, within};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::gate::{approval_of_edit, personal};
use crate::problem::{ApiProblem, Problem};

/// A gate that the caller is asked about.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingGate {
    /// Its id.
    id: String,
    /// Its workflow.
    workflow_id: String,
    /// What is asked about: `SPEC` or `PR`.
    #[schema(value_type = Kind)]
    kind: GateKind,
    /// The SPEC's revision, or the pull request's number.
    number: u64,
    /// What a decision has to name, so that nobody decides on what they did not see.
    subject_digest: String,
    /// The ticket's title, shortened.
    title: String,
    /// The ticket's repository.
    repository: Option<String>,
    /// Who asked for the change.
    requester: String,
    /// Since when people are asked.
    created_at: Timestamp,
    /// Until when.
    due_at: Timestamp,
    /// How many approvals it takes.
    required_approvals: u32,
    /// What raises the risk, in words.
    risk: Vec<String>,
    /// The address of the page on which it can be decided.
    page: String,
}

/// The kinds of gates, for the description.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "describes another type")]
enum Kind {
    /// A SPEC.
    Spec,
    /// A pull request.
    Pr,
}

impl PendingGate {
    fn new(item: InboxItem, base_url: &str) -> Self {
        Self {
            page: format!("{}/gate", item.workflow_id.page(base_url)),
            id: item.gate.to_string(),
            workflow_id: item.workflow_id.into(),
            kind: item.kind,
            number: item.number,
            subject_digest: item.subject_digest.to_string(),
            title: item.title,
            repository: item.repository.map(Into::into),
            requester: item.requester,
            created_at: item.created_at,
            due_at: item.due_at,
            required_approvals: item.required,
            risk: item.risk.iter().map(RiskReason::describe).collect(),
        }
    }
}

/// Which gates.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PendingQuery {
    /// At most so many; 50 without it.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `cursor` of the page before.
    #[param(max_length = 200, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// Open gates.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pending {
    /// The one due first first.
    gates: Vec<PendingGate>,
    /// How many there are on all pages.
    total: usize,
    /// Where the next page begins; `null` at the end.
    cursor: Option<String>,
}

/// The open gates that the caller is asked about, by any of their addresses, and has not approved yet.
#[utoipa::path(
    get,
    path = "/api/approvals/pending",
    params(PendingQuery),
    responses((status = 200, description = "A page of the list.", body = Pending), IdProblems)
)]
pub(crate) async fn pending<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    query: ApiQuery<PendingQuery>,
) -> Result<Json<Pending>, ApiProblem> {
    let viewer = asking.viewer()?;
    let query = query.read()?;
    let limit = within("limit", query.limit.unwrap_or(DEFAULT_LIMIT), MAX_LIMIT)?;
    let after = query.cursor.as_deref().map(cursor::read::<GateId>).transpose()?;
    let mut items = inbox(&console.backend, viewer.person()).await?;
    let total = items.len();
    if let Some(after) = after {
        keep_after(&mut items, &after);
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let cursor = items.last().filter(|_| more).map(|last| cursor::after(last.due_at, &last.gate));
    let base_url = &console.settings.base_url;
    Ok(Json(Pending { gates: items.into_iter().map(|item| PendingGate::new(item, base_url)).collect(), total, cursor }))
}

/// Keeps what stands after a place. A cursor has milliseconds.
pub(crate) fn keep_after(items: &mut Vec<InboxItem>, (due_at, gate): &(Timestamp, GateId)) {
    items.retain(|item| (item.due_at.as_millisecond(), &item.gate) > (due_at.as_millisecond(), gate));
}

/// What waits for a person under any of their addresses, the one due first first.
pub(crate) async fn inbox<B: Backend>(backend: &B, person: &Person) -> Result<Vec<InboxItem>, Problem> {
    let inboxes = person.emails().map(|email| backend.inbox(email));
    let mut items: Vec<_> = try_join_all(inboxes).await?.into_iter().flatten().collect();
    items.sort_by(|a, b| (a.due_at.as_millisecond(), &a.gate).cmp(&(b.due_at.as_millisecond(), &b.gate)));
    items.dedup_by(|a, b| a.gate == b.gate);
    Ok(items)
}

/// What came of a decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decided {
    /// Where the gate stands now.
    #[schema(value_type = Status)]
    status: GateStatus,
    /// How many approvals are missing before it is decided.
    missing_approvals: u32,
}

/// Decide on a gate.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/decide",
    params(("id" = String, Path, description = "A gate's id.", example = "wf-00000000000000000000-1.spec.1")),
    request_body(content = Decision),
    security(("token" = [])),
    responses((status = 200, description = "It counts.", body = Decided), ChangeProblems)
)]
pub(crate) async fn decide<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<Json<Decided>, ApiProblem> {
    asking.by_token()?;
    let decider = asking.decider()?;
    let gate: GateId = id.0.parse().map_err(|_| Problem::not_found())?;
    let body: DecideBody = body.json()?;
    let edited = match body.edit_digest() {
        Some(digest) => {
            let gate = console.backend.gate(&gate).await?.ok_or_else(Problem::not_found)?;
            let edited = approval_of_edit(&console, &gate.workflow_id, digest).await?;
            Some(edited.ok_or_else(|| refused(&Refusal::EditUnknown, Refusal::EditUnknown.to_string()))?)
        }
        None => None,
    };
    let request = body.request(decider.actor(), edited)?;
    match console.backend.decide(&gate, request).await? {
        DecideAnswer::Decided { status } => Ok(Json(Decided { status, missing_approvals: 0 })),
        DecideAnswer::Counted { approvals, required } => {
            Ok(Json(Decided { status: GateStatus::Pending, missing_approvals: required.saturating_sub(approvals) }))
        }
        DecideAnswer::Refused { refusal, message } => Err(refused(&refusal, message).into()),
        DecideAnswer::NotFound => Err(Problem::not_found().into()),
    }
}

pub(super) fn refused(refusal: &Refusal, message: String) -> Problem {
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
