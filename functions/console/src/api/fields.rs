//! Parts of answers, and how the description shows them.

use domain::WorkflowState;
use domain::gate::GateStatus;
use domain::person::Person;
use domain::workflow::{PullRequestRef, ResumePoint};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The states of a workflow, for the description.
pub(crate) struct State;

impl PartialSchema for State {
    fn schema() -> RefOr<Schema> {
        let names = WorkflowState::ALL.map(WorkflowState::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("Where a workflow stands.")).into()
    }
}

impl ToSchema for State {}

/// Where a gate stands, for the description.
pub(super) struct Status;

impl PartialSchema for Status {
    fn schema() -> RefOr<Schema> {
        use GateStatus::{Approved, Cancelled, Expired, Pending, Rejected, RevisionRequested};
        let names = [Pending, Approved, RevisionRequested, Rejected, Expired, Cancelled].map(GateStatus::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("Where a gate stands.")).into()
    }
}

impl ToSchema for Status {}

/// From where a workflow can go on, for the description.
pub(super) struct Point;

impl PartialSchema for Point {
    fn schema() -> RefOr<Schema> {
        let names = ResumePoint::ALL.map(ResumePoint::as_str);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("From where an ended workflow goes on.")).into()
    }
}

impl ToSchema for Point {}

/// Nothing, for the description.
pub(super) struct Nothing;

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).into()
    }
}

impl ToSchema for Nothing {}

/// Somebody.
#[derive(Serialize, ToSchema)]
pub(crate) struct Who {
    /// What to call them.
    name: String,
    /// E-mail address.
    email: Option<String>,
    /// The number of their GitHub account.
    github_id: Option<u64>,
}

impl From<&Person> for Who {
    fn from(person: &Person) -> Self {
        Self { name: person.label().to_owned(), email: person.email.clone(), github_id: person.github_id }
    }
}

/// A pull request.
#[derive(Serialize, ToSchema)]
pub(crate) struct PullRequest {
    /// Its number.
    number: u64,
    /// Its page.
    url: String,
    /// Its branch.
    branch: String,
    /// Its head, which is what was tested.
    head_sha: String,
    /// The merge commit.
    merge_sha: Option<String>,
}

impl From<PullRequestRef> for PullRequest {
    fn from(pr: PullRequestRef) -> Self {
        Self {
            number: pr.number,
            url: pr.url,
            branch: pr.branch,
            head_sha: pr.head_sha.into(),
            merge_sha: pr.merge_sha.map(Into::into),
        }
    }
}

/// Cost, in US dollars.
#[expect(clippy::cast_precision_loss, reason = "a figure for people; budgets compare whole micro-dollars")]
pub(crate) fn usd(micro_usd: u64) -> f64 {
    micro_usd as f64 / 1e6
}
