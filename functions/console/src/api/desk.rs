//! What can be done at an open gate besides deciding: more time, somebody more who is asked, an edit of the plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Timestamp;
use domain::gate::requests::ChangeAnswer;
use domain::gate::{Gate, GateKind, GateStatus, Refusal, Standing};
use domain::ids::GateId;
use domain::person::Person;
use domain::steps::EditOutput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approvals::refused;
use super::openapi::ChangeProblems;
use super::plan::Plan;
use super::{ApiBody, ApiPath};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::gate::{MAX_HOURS, editable_by, later};
use crate::problem::{ApiProblem, Problem};

/// More time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendBody {
    /// So many hours more: two weeks at most, and less where the gate's rules say so.
    #[schema(value_type = u32, minimum = 1, maximum = 336)]
    hours: Hours,
}

/// A number of hours. To JSON `1.0` is a whole number too.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Hours(u32);

impl TryFrom<f64> for Hours {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        let found = (1..=MAX_HOURS).find(|hours| f64::from(*hours).to_bits() == number.to_bits());
        found.map(Self).ok_or_else(|| format!("it has to be a whole number from 1 to {MAX_HOURS}"))
    }
}

/// The gate's deadline.
#[derive(Serialize, ToSchema)]
pub(crate) struct Extended {
    /// Until when people are asked now.
    due_at: Timestamp,
}

/// Give people more time to decide.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/extend",
    params(("id" = String, Path, description = "A gate's id.", example = "wf-00000000000000000000-1.spec.1")),
    request_body(content = ExtendBody),
    security(("token" = [])),
    responses((status = 200, description = "They have it.", body = Extended), ChangeProblems)
)]
pub(crate) async fn extend<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<Json<Extended>, ApiProblem> {
    asking.by_token()?;
    let decider = asking.decider()?;
    let gate = gate(&console, &id).await?;
    let ExtendBody { hours: Hours(hours) } = body.json()?;
    let due_at = later(&gate, hours);
    changed(console.backend.extend(&gate.id, decider.actor(), due_at).await?)?;
    Ok(Json(Extended { due_at }))
}

/// Somebody more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOnBody {
    /// Their e-mail address.
    #[schema(pattern = r"^[a-z0-9]+@[a-z0-9]+\.[a-z]{2,9}$", example = "eli@acme.example")]
    to: String,
}

/// Who is asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct HandedOn {
    /// The one who is asked in addition.
    to: String,
}

/// Ask somebody in addition: one of those whom the deployment lets decide.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/hand-on",
    params(("id" = String, Path, description = "A gate's id.", example = "wf-00000000000000000000-1.spec.1")),
    request_body(content = HandOnBody),
    security(("token" = [])),
    responses((status = 200, description = "They are asked.", body = HandedOn), ChangeProblems)
)]
pub(crate) async fn hand_on<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<Json<HandedOn>, ApiProblem> {
    asking.by_token()?;
    let decider = asking.decider()?;
    let gate = gate(&console, &id).await?;
    let HandOnBody { to } = body.json()?;
    let person = Person::from_text(to.trim())
        .map_err(|_| Problem::bad_request("`to` is no e-mail address. Nobody more is asked."))?;
    changed(console.backend.hand_on(&gate.id, decider.actor(), person).await?)?;
    Ok(Json(HandedOn { to }))
}

/// An edited plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// The `subject_digest` of the plan that was edited.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    subject_digest: String,
    /// The whole plan as it should be.
    plan: Plan,
}

/// An edit that was checked and stored, and is not approved yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Edited {
    /// The revision that it would be.
    revision: u32,
    /// Its digest: approve it by a decision `APPROVE_EDITED` with this as `edit_digest`.
    edit_digest: String,
}

/// Edit the plan that is asked about. It is checked like a planner's; it counts when its maker approves it.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/edit",
    params(("id" = String, Path, description = "A gate's id.", example = "wf-00000000000000000000-1.spec.1")),
    request_body(content = EditBody),
    security(("token" = [])),
    responses((status = 200, description = "It is stored.", body = Edited), ChangeProblems)
)]
pub(crate) async fn edit<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    id: ApiPath,
    asking: Asking,
    body: ApiBody,
) -> Result<Json<Edited>, ApiProblem> {
    asking.by_token()?;
    let decider = asking.decider()?;
    let gate = gate(&console, &id).await?;
    let EditBody { subject_digest, plan } = body.json()?;
    let outdated = || Problem {
        code: Some("subject_changed"),
        ..Problem::new(StatusCode::CONFLICT, "That is not what is asked about, or not any more. Nothing was stored.")
    };
    if gate.status != GateStatus::Pending || gate.subject_digest.to_string() != subject_digest {
        return Err(outdated().into());
    }
    let refusal = match (gate.subject.kind(), gate.standing(asking.viewer()?.person())) {
        (GateKind::Pr, _) => Some(Refusal::WrongVerdict),
        (_, Standing::NotAsked) => Some(Refusal::NotAnApprover),
        (_, Standing::Requester) => Some(Refusal::RequesterCannotApprove),
        (_, Standing::Asked | Standing::Counted) => None,
    };
    if let Some(refusal) = refusal {
        return Err(refused(&refusal, format!("Nothing was stored: {refusal}.")).into());
    }
    let spec = editable_by(&console, &gate, asking.viewer()?.person()).await?.ok_or_else(Problem::not_found)?;
    let of = spec.digest().map_err(|_| Problem::not_found())?;
    let draft = plan.draft(&spec.text);
    match console.backend.edit_spec(&gate.workflow_id, of, draft, decider.actor()).await? {
        EditOutput::Stored { revision, spec_digest } => {
            Ok(Json(Edited { revision: revision.get(), edit_digest: spec_digest.to_string() }))
        }
        EditOutput::NotAsked => Err(outdated().into()),
        EditOutput::Refused { problems } => {
            let detail = format!("The plan does not hold; nothing was stored. {}", problems.join("; "));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Problem { code: Some("invalid_plan"), ..Problem::new(status, detail) }.into())
        }
    }
}

/// The gate that a request is about.
async fn gate<B: Backend>(console: &Console<B>, id: &ApiPath) -> Result<Gate, Problem> {
    let id: GateId = id.0.parse().map_err(|_| Problem::not_found())?;
    console.backend.gate(&id).await?.ok_or_else(Problem::not_found)
}

fn changed(answer: ChangeAnswer) -> Result<(), Problem> {
    match answer {
        ChangeAnswer::Changed => Ok(()),
        ChangeAnswer::Refused { refusal, message } => Err(refused(&refusal, message)),
        ChangeAnswer::NotFound => Err(Problem::not_found()),
    }
}
