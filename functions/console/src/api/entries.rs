//! Workflows as the API tells of them.

use domain::workflow::{ResumePoint, Workflow};
use domain::{Timestamp, WorkflowState};
use serde::Serialize;
use store::Summary;
use utoipa::ToSchema;

use super::fields::{Point, PullRequest, State, Who, usd};

/// A workflow in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowItem {
    /// Its id.
    id: String,
    /// Where it stands.
    #[schema(value_type = State)]
    state: WorkflowState,
    /// The ticket's number in its tracker.
    ticket: String,
    /// The ticket's title.
    title: String,
    /// The ticket's repository.
    repository: String,
    /// When it was created.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// Since when it is in its state, where that is known.
    since: Option<Timestamp>,
    /// The attempt that runs or comes next.
    attempt: u32,
    /// What was spent, US dollars.
    spent_usd: f64,
    /// The pull request.
    pr: Option<PullRequest>,
    /// Why somebody asked to stop it.
    cancel_requested: Option<String>,
    /// The address of its page.
    page: String,
}

impl WorkflowItem {
    pub(super) fn new(summary: Summary, base_url: &str) -> Self {
        Self {
            page: summary.id.page(base_url),
            id: summary.id.into(),
            state: summary.state,
            ticket: summary.ticket.key.id,
            title: summary.ticket.title,
            repository: summary.ticket.repository.into(),
            created_at: summary.created_at,
            updated_at: summary.updated_at,
            since: summary.stats.entered_at,
            attempt: summary.attempt.get(),
            spent_usd: usd(summary.stats.spent_micro_usd),
            pr: summary.pr.map(Into::into),
            cancel_requested: summary.cancel_requested,
        }
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowList {
    /// The one changed last first.
    pub(super) workflows: Vec<WorkflowItem>,
    /// Where the next page begins; `null` at the end.
    pub(super) cursor: Option<String>,
}

/// A workflow.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowDetail {
    #[serde(flatten)]
    item: WorkflowItem,
    /// The ticket's page.
    ticket_url: String,
    /// The branch to start from and merge into.
    base_branch: String,
    /// Who asked for the change.
    requester: Who,
    /// The SPEC's revision.
    revision: u32,
    /// The SPEC of that revision, once there is one.
    spec_digest: Option<String>,
    /// Whether it is approved.
    spec_approved: bool,
    /// Rounds of repair since the last review.
    repairs: u32,
    /// Rounds of review.
    review_rounds: u32,
    /// The gate that is open.
    open_gate: Option<String>,
    /// Whether the last attempt passed its quality gates.
    qa_passed: Option<bool>,
    /// Why it ended as it did.
    reason: Option<String>,
    /// From where it can go on if it ended without its result: the point at which least is repeated first.
    #[schema(value_type = Vec<Point>)]
    resume_points: Vec<ResumePoint>,
    /// How many entries its audit trail has.
    audit_entries: u64,
}

impl WorkflowDetail {
    pub(super) fn new(workflow: Workflow, base_url: &str) -> Self {
        Self {
            ticket_url: workflow.ticket.url.clone(),
            base_branch: workflow.ticket.base_branch.clone(),
            requester: (&workflow.ticket.requester).into(),
            revision: workflow.revision.get(),
            spec_digest: workflow.spec.as_ref().map(|spec| spec.digest.to_string()),
            spec_approved: workflow.spec.as_ref().is_some_and(|spec| spec.approved),
            repairs: workflow.repairs,
            review_rounds: workflow.review_rounds,
            open_gate: workflow.open_gate.as_ref().map(ToString::to_string),
            qa_passed: workflow.qa.as_ref().map(|qa| qa.passed),
            reason: workflow.reason.clone(),
            resume_points: workflow.resume_points(),
            audit_entries: workflow.audit.seq,
            item: WorkflowItem::new(workflow.into(), base_url),
        }
    }
}
