//! Editing the SPEC that is asked about. `workflow` checks the edit; it counts when its maker approves it.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::gate::{Gate, Standing, Subject};
use domain::person::Person;
use domain::spec::{ChecklistItem, DraftFile, FileAction, NewDependency, Risk, Spec, SpecDraft, SpecText, VerifiedBy};
use domain::steps::EditOutput;

use super::{open, purpose, workflow_id};
use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::pages::{self, EditFacts};
use crate::problem::{PageProblem, Problem};
use crate::sign_in::redirect;

/// A form's fields, in its order; a name stands once for each row of a list.
type Fields = Vec<(String, String)>;

/// `GET /workflows/{id}/gate/edit`.
pub(crate) async fn form<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    asking.decider()?;
    asking.signed_in()?;
    let Some((gate, spec)) = editable(&console, &id, &asking).await? else {
        return Ok(redirect(&format!("{}/gate", workflow_id(&id)?.page(&console.settings.base_url)))?);
    };
    Ok(page(&console, &gate, &asking, &SpecDraft::from(&spec), &[], StatusCode::OK)?)
}

/// `POST /workflows/{id}/gate/edit`.
pub(crate) async fn save<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Path(id): Path<String>,
    asking: Asking,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, PageProblem> {
    let decider = asking.decider()?;
    asking.signed_in()?;
    let broken = || Problem::bad_request("The form is not whole. Nothing was stored; load the page again.");
    let Form(fields) = form.map_err(|_| broken())?;
    let nonce = one(&fields, "nonce").ok_or_else(broken)?;
    let gate_page = format!("{}/gate", workflow_id(&id)?.page(&console.settings.base_url));
    let Some((gate, spec)) = editable(&console, &id, &asking).await? else { return Ok(redirect(&gate_page)?) };
    asking.own_form(&purpose(&gate), &nonce)?;
    let draft = read(&fields, &spec.text).ok_or_else(broken)?;
    let digest = spec.digest().map_err(|_| Problem::not_found())?;
    match console.backend.edit_spec(&gate.workflow_id, digest, draft.clone(), decider.actor()).await? {
        EditOutput::Stored { .. } | EditOutput::NotAsked => Ok(redirect(&gate_page)?),
        EditOutput::Refused { problems } => {
            Ok(page(&console, &gate, &asking, &draft, &problems, StatusCode::UNPROCESSABLE_ENTITY)?)
        }
    }
}

/// The open gate and the SPEC at it, if this person may approve an edit of it.
async fn editable<B: Backend>(
    console: &Console<B>,
    id: &str,
    asking: &Asking,
) -> Result<Option<(Gate, Spec)>, Problem> {
    let (viewer, _) = asking.signed_in()?;
    let Some(gate) = open(console, id).await? else { return Ok(None) };
    let spec = editable_by(console, &gate, viewer.person()).await?;
    Ok(spec.map(|spec| (gate, spec)))
}

/// The SPEC at a gate, if this person may approve an edit of it.
pub(crate) async fn editable_by<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    person: &Person,
) -> Result<Option<Spec>, Problem> {
    if !matches!(gate.standing(person), Standing::Asked | Standing::Counted) {
        return Ok(None);
    }
    let Subject::Spec { revision, spec_digest, .. } = gate.subject else { return Ok(None) };
    Ok(console.backend.spec(&gate.workflow_id, revision, spec_digest).await?)
}

fn page<B: Backend>(
    console: &Console<B>,
    gate: &Gate,
    asking: &Asking,
    draft: &SpecDraft,
    problems: &[String],
    status: StatusCode,
) -> Result<Response, Problem> {
    let (_, session) = asking.signed_in()?;
    let nonce = session.form_token(&purpose(gate));
    let gate_page = format!("{}/gate", gate.workflow_id.page(&console.settings.base_url));
    let facts = EditFacts { draft, problems, nonce: &nonce, gate_page: &gate_page };
    Ok((status, pages::page(&pages::edit(&facts))).into_response())
}

/// The form as a draft; `None` where rows lack a field. Empty rows are left out. What a planner said of itself stays.
fn read(fields: &Fields, planner: &SpecText) -> Option<SpecDraft> {
    Some(SpecDraft {
        title: one(fields, "title")?,
        problem_statement: one(fields, "problem")?,
        proposed_solution: one(fields, "solution")?,
        testing_strategy: one(fields, "testing")?,
        files: rows(fields, ["file-path", "file-action", "file-reason"])?
            .into_iter()
            .map(|[path, action, reason]| Some(DraftFile { path, action: file_action(&action)?, reason }))
            .collect::<Option<_>>()?,
        implementation_plan: rows(fields, ["step"])?.into_iter().map(|[step]| step).collect(),
        verification_checklist: rows(fields, ["check-text", "check-by", "check-how"])?
            .into_iter()
            .map(|[text, by, how]| Some(ChecklistItem { text, verified_by: verified_by(&by, how)? }))
            .collect::<Option<_>>()?,
        risks: rows(fields, ["risk", "mitigation"])?
            .into_iter()
            .map(|[risk, mitigation]| Risk { risk, mitigation })
            .collect(),
        new_dependencies: rows(fields, ["dependency", "dependency-version", "dependency-reason"])?
            .into_iter()
            .map(|[name, version, reason]| NewDependency { name, version, reason })
            .collect(),
        confidence: planner.confidence,
        estimated_usd: planner.estimated_usd,
        estimated_minutes: planner.estimated_minutes,
    })
}

fn one(fields: &Fields, name: &str) -> Option<String> {
    fields.iter().find(|(found, _)| found == name).map(|(_, value)| unix(value))
}

/// Lists of equal length as rows, without those whose first field is empty.
fn rows<const N: usize>(fields: &Fields, names: [&str; N]) -> Option<Vec<[String; N]>> {
    let columns = names.map(|name| {
        let values = fields.iter().filter(|(found, _)| found == name);
        values.map(|(_, value)| unix(value)).collect::<Vec<_>>()
    });
    let length = columns.first().map_or(0, Vec::len);
    if columns.iter().any(|column| column.len() != length) {
        return None;
    }
    let row = |index: usize| std::array::from_fn(|column| columns[column][index].clone());
    let rows =
        (0..length).map(row).filter(|row: &[String; N]| !row.first().is_none_or(|first| first.trim().is_empty()));
    Some(rows.collect())
}

/// A form's lines end as a network's do.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn file_action(word: &str) -> Option<FileAction> {
    [FileAction::Create, FileAction::Modify, FileAction::Delete].into_iter().find(|action| action.as_str() == word)
}

fn verified_by(word: &str, how: String) -> Option<VerifiedBy> {
    match word {
        "gate" => Some(VerifiedBy::Gate { name: how }),
        "command" => Some(VerifiedBy::Command { command: how }),
        "person" => Some(VerifiedBy::Person),
        _ => None,
    }
}
