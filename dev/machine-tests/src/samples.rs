//! One example of every input and output of every step. The files in `statemachine/fixtures` hold them as JSON.

use std::collections::BTreeSet;

use domain::Digest;
use domain::gate::{GateKind, GateStatus};
use domain::ids::{Attempt, Revision, TaskToken, WorkflowId};
use domain::person::{Actor, Channel, Person};
use domain::slot::{Pause, SlotPool};
use domain::spec::{ChecklistItem, DraftFile, FileAction, SpecDraft, VerifiedBy};
use domain::state::WorkflowState;
use domain::steps::{
    AmendOutput, ApprovalStep, CollectOutput, Done, EditOutput, ExecutionInput, FinishOutput, GateOutput, MergeOutput,
    PlanInput, PlanOutput, PrepareOutput, PublishOutput, PublishStep, SlotOutput, StepError, WorkflowStep,
};
use domain::workflow::{ExecutionName, ResumePoint};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Presigned address of the agent's `task.json`.
pub const AGENT_URL: &str = "https://bucket.example/runs/agent/task.json?signature=1";
/// Presigned address of the gates' `task.json`.
pub const QA_URL: &str = "https://bucket.example/runs/qa/task.json?signature=2";

/// The workflow of every example.
#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a constant id")]
pub fn workflow_id() -> WorkflowId {
    "wf-0123456789abcdef0123-1".parse().expect("the id is valid")
}

/// An example, and how its type reads it.
#[derive(Debug)]
pub struct Sample {
    /// The file's name without `.json`: step, direction, variant.
    pub name: String,
    /// The example as JSON.
    pub json: Value,
    /// Reads a text as the example's type and writes it again.
    pub round_trip: fn(&str) -> serde_json::Result<Value>,
}

fn sample<T: Serialize + DeserializeOwned>(name: impl Into<String>, example: &T) -> Sample {
    let round_trip = |text: &str| serde_json::to_value(serde_json::from_str::<T>(text)?);
    Sample { name: name.into(), json: json(example), round_trip }
}

/// A value as JSON.
#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "step types have no keys that JSON lacks")]
pub fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("step types are JSON")
}

/// An error as Step Functions tells it.
pub fn error() -> StepError {
    StepError { error: "Transient".to_owned(), cause: "{\"errorMessage\":\"busy\"}".to_owned() }
}

/// The token of every example.
pub fn token() -> TaskToken {
    TaskToken::new(crate::probe::TOKEN)
}

/// Every input of `workflow`.
pub fn workflow_steps() -> Vec<WorkflowStep> {
    let id = workflow_id;
    let mut steps = Vec::new();
    for pool in SlotPool::ALL {
        steps.push(WorkflowStep::AcquireSlot { workflow_id: id(), pool, task_token: token() });
        steps.push(WorkflowStep::ReleaseSlot { workflow_id: id(), pool });
        steps.push(WorkflowStep::SweepSlots { pool });
        let since = domain::Timestamp::UNIX_EPOCH;
        let pause = Pause { by: "ann@example.com".to_owned(), since, reason: "The provider is away.".to_owned() };
        steps.push(WorkflowStep::PauseSlots { pool, pause: Some(pause) });
        steps.push(WorkflowStep::PauseSlots { pool, pause: None });
    }
    steps.push(WorkflowStep::Prepare { workflow_id: id() });
    for task_error in [None, Some(error())] {
        let attempt = Attempt::FIRST;
        steps.push(WorkflowStep::CollectRun { workflow_id: id(), attempt, task_error: task_error.clone() });
        steps.push(WorkflowStep::CollectQa { workflow_id: id(), attempt, task_error: task_error.clone() });
        let execution = Some(id().to_string());
        steps.push(WorkflowStep::Finish { workflow_id: id(), error: task_error, execution });
    }
    let execution = ExecutionName { workflow_id: id(), resumption: 1 };
    steps.push(WorkflowStep::ExecutionEnded { execution, error: error() });
    steps.push(WorkflowStep::AmendSpec { workflow_id: id(), attempt: Attempt::FIRST });
    steps.push(WorkflowStep::EditSpec {
        workflow_id: id(),
        of: Digest::of("spec"),
        draft: Box::new(draft()),
        by: Actor::Person { person: Person::from_email("ann@example.com"), channel: Channel::Console },
    });
    steps.push(WorkflowStep::SweepSandboxes);
    steps.push(WorkflowStep::Cancel { workflow_id: id() });
    steps
}

fn draft() -> SpecDraft {
    SpecDraft {
        title: "Keep sessions".to_owned(),
        problem_statement: "They end.".to_owned(),
        proposed_solution: "They last.".to_owned(),
        files: vec![DraftFile { path: "src/a.js".to_owned(), action: FileAction::Modify, reason: "why".to_owned() }],
        implementation_plan: vec!["Change it.".to_owned()],
        testing_strategy: "The suite.".to_owned(),
        verification_checklist: vec![ChecklistItem { text: "It works".to_owned(), verified_by: VerifiedBy::Person }],
        risks: vec![],
        new_dependencies: vec![],
        confidence: 0.5,
        estimated_usd: 0.5,
        estimated_minutes: 3,
    }
}

/// Every output of `workflow`'s `edit_spec`.
pub fn edit_outputs() -> [EditOutput; 3] {
    [
        EditOutput::Stored { revision: Revision::FIRST.next(), spec_digest: Digest::of("edited") },
        EditOutput::Refused { problems: vec!["`title` must be one line of 1 to 200 bytes".to_owned()] },
        EditOutput::NotAsked,
    ]
}

/// Every output of `workflow`'s `prepare`.
pub fn prepare_outputs() -> [PrepareOutput; 4] {
    let ready = PrepareOutput::Ready { attempt: Attempt::FIRST, task_url: AGENT_URL.to_owned() };
    let verified = PrepareOutput::Verified { attempt: Attempt::FIRST };
    [ready, verified, PrepareOutput::Stale, PrepareOutput::Cancelled]
}

/// Every output of `workflow`'s `collect_run` and `collect_qa`.
pub fn collect_outputs() -> [CollectOutput; 6] {
    let verified = CollectOutput::Verified { attempt: Attempt::FIRST, task_url: QA_URL.to_owned() };
    [
        verified,
        CollectOutput::ScopeChangeRequested,
        CollectOutput::Passed,
        CollectOutput::Retry,
        CollectOutput::Failed,
        CollectOutput::Cancelled,
    ]
}

/// Every output of `workflow`'s `amend_spec`.
pub const AMEND_OUTPUTS: [AmendOutput; 4] =
    [AmendOutput::Amended, AmendOutput::Retry, AmendOutput::Failed, AmendOutput::Cancelled];
/// Every output of `planner`.
pub const PLAN_OUTPUTS: [PlanOutput; 3] = [PlanOutput::SpecReady, PlanOutput::NotSuitable, PlanOutput::Cancelled];
/// Every answer to a wait for a slot.
pub const SLOT_OUTPUTS: [SlotOutput; 2] = [SlotOutput::Acquired, SlotOutput::Cancelled];
/// Every output of `publisher`'s `publish`.
pub const PUBLISH_OUTPUTS: [PublishOutput; 2] = [PublishOutput::Published, PublishOutput::Cancelled];
/// Every output of `publisher`'s `merge`.
pub const MERGE_OUTPUTS: [MergeOutput; 4] =
    [MergeOutput::Merged, MergeOutput::Conflict, MergeOutput::Waiting, MergeOutput::Closed];
/// Every decision that a wait for a gate is answered with. `Pending` is none.
pub const DECISIONS: [GateStatus; 5] = [
    GateStatus::Approved,
    GateStatus::RevisionRequested,
    GateStatus::Rejected,
    GateStatus::Expired,
    GateStatus::Cancelled,
];

/// The variants of an enum that is told apart by `tag`, as serde lists them when it is given another.
pub fn variants<T: DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let unknown = serde_json::json!({ tag: "?" });
    let complaint = serde_json::from_value::<T>(unknown).err().map(|error| error.to_string()).unwrap_or_default();
    let expected = complaint.split_once("expected").map(|(_, list)| list.to_owned()).unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The word by which a tagged JSON value names its variant.
pub fn variant(json: &Value) -> String {
    let field = |name: &str| json[name].as_str().map(str::to_lowercase);
    field("outcome").or_else(|| field("decision")).or_else(|| field("step")).unwrap_or_default()
}

/// Every example.
pub fn all() -> Vec<Sample> {
    let id = workflow_id;
    let mut all = vec![
        sample("execution.input", &ExecutionInput { workflow_id: id(), from: None }),
        sample("execution.input.resumed", &ExecutionInput { workflow_id: id(), from: Some(ResumePoint::Publish) }),
        sample("planner.input", &PlanInput { workflow_id: id() }),
        sample("workflow.output.done", &Done::Done),
        sample("workflow.finish.output", &FinishOutput { state: WorkflowState::Completed }),
    ];
    for output in PLAN_OUTPUTS {
        all.push(sample(format!("planner.output.{}", variant(&json(&output))), &output));
    }
    for step in workflow_steps() {
        let example = json(&step);
        let pool = example["pool"].as_str().map(|pool| format!(".{pool}")).unwrap_or_default();
        let failed = if example["task_error"].is_object() || example["error"].is_object() { ".failed" } else { "" };
        let rests = if example["pause"].is_object() { ".rests" } else { "" };
        all.push(sample(format!("workflow.{}.input{pool}{failed}{rests}", variant(&example)), &step));
    }
    for output in SLOT_OUTPUTS {
        all.push(sample(format!("workflow.acquire_slot.output.{}", variant(&json(&output))), &output));
    }
    for output in prepare_outputs() {
        all.push(sample(format!("workflow.prepare.output.{}", variant(&json(&output))), &output));
    }
    for output in collect_outputs() {
        all.push(sample(format!("workflow.collect.output.{}", variant(&json(&output))), &output));
    }
    for output in AMEND_OUTPUTS {
        all.push(sample(format!("workflow.amend_spec.output.{}", variant(&json(&output))), &output));
    }
    for output in edit_outputs() {
        all.push(sample(format!("workflow.edit_spec.output.{}", variant(&json(&output))), &output));
    }
    for kind in [GateKind::Spec, GateKind::Pr] {
        let step = ApprovalStep::Open { workflow_id: id(), kind, task_token: token() };
        all.push(sample(format!("approvals.open.input.{}", kind.as_str()), &step));
    }
    for decision in DECISIONS {
        let output = GateOutput { decision, settled: false, another_round: false };
        all.push(sample(format!("approvals.open.output.{}", variant(&json(&output))), &output));
    }
    for step in [
        PublishStep::Publish { workflow_id: id() },
        PublishStep::Merge { workflow_id: id() },
        PublishStep::Close { workflow_id: id() },
    ] {
        all.push(sample(format!("publisher.{}.input", variant(&json(&step))), &step));
    }
    for output in PUBLISH_OUTPUTS {
        all.push(sample(format!("publisher.publish.output.{}", variant(&json(&output))), &output));
    }
    for output in MERGE_OUTPUTS {
        all.push(sample(format!("publisher.merge.output.{}", variant(&json(&output))), &output));
    }
    all
}
