//! The words in which a path is told.

use domain::gate::{GateKind, GateStatus};
use domain::ids::Attempt;
use domain::slot::SlotPool;
use domain::state::WorkflowState;
use domain::steps::{
    AmendOutput, ApprovalStep, CollectOutput, Done, FinishOutput, GateOutput, MergeOutput, PlanInput, PlanOutput,
    PrepareOutput, PublishOutput, PublishStep, SlotOutput, StepError, WorkflowStep,
};
use domain::workflow::ResumePoint;
use machine_tests::probe::TOKEN;
use machine_tests::samples::{AGENT_URL, QA_URL, json, token, workflow_id};
use serde::Serialize;
use serde_json::{Value, json};

/// A path through the machine.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Where it begins, if it resumes a workflow.
    pub(crate) from: Option<ResumePoint>,
    /// The tasks and waits in order.
    pub(crate) visits: Vec<Visit>,
    pub(crate) ending: Ending,
}

/// A task's turn, or a wait's.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) state: &'static str,
    /// What it must be given.
    pub(crate) arguments: Value,
    /// What it answers, in the form in which the service would.
    pub(crate) answer: Result<Value, Trouble>,
}

/// An error and how often the state must try before it gives up.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) error: &'static str,
    pub(crate) tries: usize,
}

/// How an execution ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    Succeeded(Value),
    Failed { error: String },
}

/// What every error's cause is.
pub(crate) const CAUSE: &str = "mocked";

pub(crate) fn case(name: impl Into<String>, visits: impl IntoIterator<Item = Visit>, state: WorkflowState) -> Case {
    let (name, mut visits): (String, Vec<Visit>) = (name.into(), visits.into_iter().collect());
    let output = json(&FinishOutput { state });
    visits.push(finish(&name, None, Ok(&FinishOutput { state })));
    Case { name, from: None, visits, ending: Ending::Succeeded(output) }
}

/// A path whose last visit fails for good.
pub(crate) fn failing(name: impl Into<String>, visits: impl IntoIterator<Item = Visit>) -> Case {
    let (name, mut visits): (String, Vec<Visit>) = (name.into(), visits.into_iter().collect());
    let error = visits.last().unwrap().answer.clone().unwrap_err().error.to_owned();
    visits.push(finish(&name, Some(told(&error)), Ok(&FinishOutput { state: WorkflowState::Error })));
    Case { name, from: None, visits, ending: Ending::Failed { error } }
}

impl Visit {
    /// The same visit with an error instead of an answer.
    pub(crate) fn fails(mut self, error: &'static str, tries: usize) -> Self {
        self.answer = Err(Trouble { error, tries });
        self
    }

    /// The same visit with an answer that nobody knows.
    pub(crate) fn answers(mut self, payload: Value) -> Self {
        self.answer = Ok(json!({"StatusCode": 200, "Payload": payload}));
        self
    }
}

fn call(state: &'static str, function: &str, input: &impl Serialize, answer: &impl Serialize) -> Visit {
    let arguments = json!({"FunctionName": arn(function), "Payload": json(input)});
    Visit { state, arguments, answer: Ok(json!({"StatusCode": 200, "Payload": json(answer)})) }
}

fn wait(state: &'static str, function: &str, input: &impl Serialize, answer: &impl Serialize) -> Visit {
    let visit = call(state, function, input, answer);
    assert_eq!(visit.arguments["Payload"]["task_token"], TOKEN);
    Visit { answer: Ok(json(answer)), ..visit }
}

fn workflow(state: &'static str, step: &WorkflowStep, answer: &impl Serialize) -> Visit {
    call(state, "workflow", step, answer)
}

/// The function that a substitution names.
pub(crate) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{function}")
}

pub(crate) fn plan_slot(answer: SlotOutput) -> Visit {
    slot("AcquirePlanSlot", SlotPool::Plan, answer)
}

pub(crate) fn run_slot(answer: SlotOutput) -> Visit {
    slot("AcquireRunSlot", SlotPool::Run, answer)
}

fn slot(state: &'static str, pool: SlotPool, answer: SlotOutput) -> Visit {
    wait(
        state,
        "workflow",
        &WorkflowStep::AcquireSlot { workflow_id: workflow_id(), pool, task_token: token() },
        &answer,
    )
}

pub(crate) fn plan(answer: PlanOutput) -> Visit {
    call("Plan", "planner", &PlanInput { workflow_id: workflow_id() }, &answer)
}

pub(crate) fn release(state: &'static str, pool: SlotPool) -> Visit {
    workflow(state, &WorkflowStep::ReleaseSlot { workflow_id: workflow_id(), pool }, &Done::Done)
}

pub(crate) fn spec_gate(decision: GateStatus) -> Visit {
    gate("SpecGate", GateKind::Spec, &GateOutput { decision, settled: false, another_round: false })
}

pub(crate) fn pr_gate(decision: GateStatus, settled: bool, another_round: bool) -> Visit {
    gate("PrGate", GateKind::Pr, &GateOutput { decision, settled, another_round })
}

fn gate(state: &'static str, kind: GateKind, answer: &GateOutput) -> Visit {
    wait(state, "approvals", &ApprovalStep::Open { workflow_id: workflow_id(), kind, task_token: token() }, answer)
}

pub(crate) fn prepare(answer: &PrepareOutput) -> Visit {
    workflow("Prepare", &WorkflowStep::Prepare { workflow_id: workflow_id() }, answer)
}

pub(crate) fn ready(attempt: u32) -> Visit {
    prepare(&PrepareOutput::Ready { attempt: Attempt::new(attempt), task_url: AGENT_URL.to_owned() })
}

pub(crate) fn run_agent() -> Visit {
    sandbox("RunAgent", "agent", AGENT_URL)
}

pub(crate) fn run_qa() -> Visit {
    sandbox("RunQa", "qa", QA_URL)
}

fn sandbox(state: &'static str, kind: &str, url: &str) -> Visit {
    let arguments = json!({
        "Cluster": "cluster",
        "TaskDefinition": kind,
        "LaunchType": "FARGATE",
        "Group": workflow_id(),
        "EnableExecuteCommand": false,
        "NetworkConfiguration": {"AwsvpcConfiguration": {
            "Subnets": ["subnet-a", "subnet-b"], "SecurityGroups": [format!("sg-{kind}")], "AssignPublicIp": "DISABLED",
        }},
        "Overrides": {"ContainerOverrides": [
            {"Name": "runner", "Environment": [{"Name": domain::task::TASK_URL_VARIABLE, "Value": url}]},
        ]},
    });
    Visit { state, arguments, answer: Ok(json!({"LastStatus": "STOPPED", "Containers": [{"ExitCode": 0}]})) }
}

/// An error as later steps are told it.
pub(crate) fn told(error: &str) -> StepError {
    StepError { error: error.to_owned(), cause: CAUSE.to_owned() }
}

pub(crate) fn collect_run(attempt: u32, task_error: Option<StepError>, answer: &CollectOutput) -> Visit {
    let attempt = Attempt::new(attempt);
    workflow("CollectRun", &WorkflowStep::CollectRun { workflow_id: workflow_id(), attempt, task_error }, answer)
}

pub(crate) fn verified(attempt: u32) -> CollectOutput {
    CollectOutput::Verified { attempt: Attempt::new(attempt), task_url: QA_URL.to_owned() }
}

pub(crate) fn collect_qa(attempt: u32, task_error: Option<StepError>, answer: &CollectOutput) -> Visit {
    let attempt = Attempt::new(attempt);
    workflow("CollectQa", &WorkflowStep::CollectQa { workflow_id: workflow_id(), attempt, task_error }, answer)
}

pub(crate) fn amend(attempt: u32, answer: AmendOutput) -> Visit {
    let attempt = Attempt::new(attempt);
    workflow("AmendSpec", &WorkflowStep::AmendSpec { workflow_id: workflow_id(), attempt }, &answer)
}

pub(crate) fn publish(answer: PublishOutput) -> Visit {
    call("Publish", "publisher", &PublishStep::Publish { workflow_id: workflow_id() }, &answer)
}

pub(crate) fn merge(answer: MergeOutput) -> Visit {
    call("Merge", "publisher", &PublishStep::Merge { workflow_id: workflow_id() }, &answer)
}

pub(crate) fn close() -> Visit {
    call("Close", "publisher", &PublishStep::Close { workflow_id: workflow_id() }, &Done::Done)
}

/// A pause. It is given nothing and answers nothing.
pub(crate) fn pause() -> Visit {
    Visit { state: "WaitForChecks", arguments: Value::Null, answer: Ok(Value::Null) }
}

/// The end of the execution with this name.
pub(crate) fn finish(execution: &str, error: Option<StepError>, answer: Result<&FinishOutput, Trouble>) -> Visit {
    let step = WorkflowStep::Finish { workflow_id: workflow_id(), error, execution: Some(execution.to_owned()) };
    match answer {
        Ok(output) => workflow("Finish", &step, output),
        Err(trouble) => Visit { answer: Err(trouble), ..workflow("Finish", &step, &Value::Null) },
    }
}
