//! A planning from the workflow's row to the stored SPEC. Run twice, it does its work once.

use std::time::{Duration, Instant};

use domain::failure::{Failure, FailureKind};
use domain::gate::policy::{RepoApprovals, RiskFacts};
use domain::inbound::SecretOwner;
use domain::person::Actor;
use domain::steps::{PlanInput, PlanOutput};
use domain::workflow::{Event, Forecast, Workflow};
use domain::{Timestamp, WorkflowId, WorkflowState};
use models::{Model, Settings};
use runtime::metrics::{Unit, emit};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::Context;
use crate::previous;
use crate::prompt::{self, Briefing};
use crate::repository::{self, Base};
use crate::session::{Ended, Session};
use crate::tools::{Answer, SubmitContext};

/// What is kept of the function's time for storing the result.
pub const RESERVE: Duration = Duration::from_secs(30);

/// How often a planning looks whether it is still wanted.
const CANCEL_CHECK: Duration = Duration::from_secs(10);

/// The secret behind `MODEL_SECRET_ARN`.
#[derive(Deserialize)]
struct ModelSecret {
    api_key: SecretString,
}

/// Plans. `now` is the clock, as the conversation with the model takes minutes; `deadline` is when it must be over.
///
/// # Errors
/// A [`Failure`], whose kind is the error name that the state machine sees.
pub async fn handle(
    context: &Context,
    payload: Value,
    now: fn() -> Timestamp,
    deadline: Instant,
) -> Result<Value, Failure> {
    let input: PlanInput = runtime::step::input(payload)?;
    // Boxed: a planning holds much across its waits.
    let output = Box::pin(plan(context, &input.workflow_id, now, deadline)).await?;
    serde_json::to_value(output).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

#[tracing::instrument(skip_all, fields(workflow = %id))]
async fn plan(
    context: &Context,
    id: &WorkflowId,
    now: fn() -> Timestamp,
    deadline: Instant,
) -> Result<PlanOutput, Failure> {
    let workflow = context.store.workflow(id).await?;
    if let Some(output) = settled(&workflow)? {
        return Ok(output);
    }
    let actor = Actor::system("planner");
    let workflow = context.store.record(id, &actor, now(), start).await?;
    if let Some(output) = settled(&workflow)? {
        return Ok(output);
    }
    let ticket = context.store.ticket(id).await?;
    let repo = repository::open(context, &workflow.ticket).await?;
    let base = repository::read(&repo, &workflow.ticket).await?;
    let previous = previous::read(context, &workflow, &repo, &base).await?;
    let model = model(context).await?;
    let budget = context.config.budget.minus(&workflow.ledger.plan);
    let gates = base.config.gate_names();
    let session = Session {
        model: &model,
        base: &base,
        submit: SubmitContext {
            workflow_id: id,
            revision: workflow.revision,
            ticket: &ticket.key,
            ticket_digest: ticket.content_digest(),
            gates: &gates,
            allow_workflow_files: context.config.allow_workflow_files,
        },
        budget,
        deadline,
    };
    let prompt = prompt::user(Briefing {
        workflow: &workflow,
        ticket: &ticket,
        base: &base,
        previous: &previous,
        budget,
        allow_workflow_files: context.config.allow_workflow_files,
    });
    let started = Instant::now();
    let ended = tokio::select! {
        ended = session.run(prompt) => ended,
        () = cancelled(context, id) => {
            tracing::info!("the workflow was cancelled; planning stops");
            return Ok(PlanOutput::Cancelled);
        }
    };
    let now = now();
    report(&ended, &base, started.elapsed(), now);
    let approvals = Box::new(base.config.approvals.clone());
    conclude(context, &workflow, ended, &actor, approvals, now).await
}

/// Returns when somebody asked to stop, so that nothing more is spent. A reading that fails is tried again later.
async fn cancelled(context: &Context, id: &WorkflowId) {
    loop {
        tokio::time::sleep(CANCEL_CHECK).await;
        match context.store.workflow(id).await {
            Ok(workflow) if workflow.cancel_requested.is_some() => return,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "whether the workflow was cancelled could not be read"),
        }
    }
}

/// The step's answer where there is nothing to plan (any more).
fn settled(workflow: &Workflow) -> Result<Option<PlanOutput>, Failure> {
    match workflow.state {
        WorkflowState::Cancelled => Ok(Some(PlanOutput::Cancelled)),
        WorkflowState::NotSuitable => Ok(Some(PlanOutput::NotSuitable)),
        _ if workflow.cancel_requested.is_some() => Ok(Some(PlanOutput::Cancelled)),
        WorkflowState::Planning | WorkflowState::AwaitingSpecApproval if workflow.spec.is_some() => {
            Ok(Some(PlanOutput::SpecReady))
        }
        WorkflowState::Pending | WorkflowState::Planning => Ok(None),
        state => Err(Failure::new(
            FailureKind::Superseded,
            format!("workflow {} is in state {state} and needs no plan", workflow.id),
        )),
    }
}

fn start(workflow: &Workflow) -> Result<Option<Event>, Failure> {
    let planned = settled(workflow)?.is_some();
    Ok((!planned).then_some(Event::PlanningStarted { revision: workflow.revision }))
}

async fn model(context: &Context) -> Result<Model, Failure> {
    let key = match &context.config.model_secret {
        Some(arn) => Some(context.secrets.json::<ModelSecret>(arn).await?.api_key),
        None => None,
    };
    if let Some(key) = &key {
        let tell = async |fingerprints| context.store.put_known_secrets(SecretOwner::Planner, fingerprints).await;
        context.secrets.announce(&[("the model provider's key", key)], tell).await;
    }
    context.connector.model(&context.config.model, key, Settings::default())
}

/// Writes down what came of it.
async fn conclude(
    context: &Context,
    workflow: &Workflow,
    ended: Ended,
    actor: &Actor,
    approvals: Box<RepoApprovals>,
    now: Timestamp,
) -> Result<PlanOutput, Failure> {
    let event = match ended.answer? {
        Answer::Spec(spec) => {
            let (spec, spec_digest) = context.objects.propose_spec(*spec).await?;
            let facts = RiskFacts::of(&spec);
            let model = &context.config.model.model;
            let forecast = Some(Forecast::new(spec.text.estimated_usd, spec.text.estimated_minutes, model));
            let (revision, base_commit) = (workflow.revision, spec.base_commit);
            Event::SpecProposed { revision, spec_digest, base_commit, usage: ended.usage, facts, approvals, forecast }
        }
        Answer::Declined(reason) => Event::FoundUnsuitable { reason, usage: ended.usage },
    };
    let decide = |current: &Workflow| {
        if current.revision != workflow.revision {
            return Err(Failure::new(FailureKind::Superseded, "another revision of the SPEC is being planned"));
        }
        Ok(settled(current)?.is_none().then(|| event.clone()))
    };
    let workflow = context.store.record(&workflow.id, actor, now, decide).await?;
    settled(&workflow)?.ok_or_else(|| {
        Failure::new(FailureKind::Inconsistent, format!("workflow {} did not take the plan", workflow.id))
    })
}

/// Logs and measures a planning, also one that failed: what it cost is spent either way.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating-point figures")]
fn report(ended: &Ended, base: &Base, took: Duration, now: Timestamp) {
    let outcome = match &ended.answer {
        Ok(Answer::Spec(_)) => "spec",
        Ok(Answer::Declined(_)) => "declined",
        Err(failure) => failure.kind.as_str(),
    };
    let usage = ended.usage;
    tracing::info!(
        outcome,
        turns = usage.turns,
        tokens = usage.total_tokens(),
        micro_usd = usage.micro_usd,
        duration_ms = took.as_millis(),
        files = base.paths.len(),
        "planning ended"
    );
    let at = now.as_millisecond();
    let dimension = Some(("outcome", outcome));
    emit(at, "Plannings", Unit::Count, 1.0, dimension);
    emit(at, "PlanningDuration", Unit::Milliseconds, took.as_secs_f64() * 1_000.0, dimension);
    emit(at, "PlanningTokens", Unit::Count, usage.total_tokens() as f64, None);
    emit(at, "PlanningUsd", Unit::None, usage.usd(), None);
}

#[cfg(test)]
mod tests;
