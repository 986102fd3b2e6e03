//! The function over one world.

use std::collections::BTreeSet;

use domain::Digest;
use domain::Timestamp;
use domain::budget::Usage;
use domain::failure::Failure;
use domain::ids::{Attempt, CommitSha, TaskToken, WorkflowId};
use domain::slot::SlotPool;
use domain::spec::FileAction;
use domain::steps::{AmendOutput, CollectOutput, Done, FinishOutput, PrepareOutput, StepError, WorkflowStep};
use domain::task::{AgentWork, QaWork, REPORT_VERSION, RunOutcome, RunReport, Task, Work};
use domain::workflow::Workflow;
use serde::de::DeserializeOwned;
use testkit::sample::{at, ticket};
use testkit::{CodeHost, Functions, World};
use workflow::Packages;

pub(crate) const POOL: SlotPool = SlotPool::Run;
/// What the SPEC of [`Desk::approved`] allows.
pub(crate) const SCOPE: &[(&str, FileAction)] = &[("src/app.js", FileAction::Modify)];

pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) host: CodeHost,
    context: workflow::Context,
}

impl Desk {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more files in the first commit.
    pub(crate) async fn start_with(files: &[(&str, &str)]) -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        let host = CodeHost::start(&[&[("README.md", "# Web\n"), ("src/app.js", "one\n")], files].concat()).await;
        host.serve_tokens(&functions);
        functions.serve_gates(&world, at(600));
        let context = world.workflow_function(&functions, &host);
        Self { world, functions, host, context }
    }

    /// Says where setup may fetch packages from.
    pub(crate) fn fetch_from(&mut self, packages: Packages) {
        self.context.packages = packages;
    }

    pub(crate) async fn step<A: DeserializeOwned>(&self, step: WorkflowStep) -> Result<A, Failure> {
        self.step_at(step, at(600)).await
    }

    async fn step_at<A: DeserializeOwned>(&self, step: WorkflowStep, now: Timestamp) -> Result<A, Failure> {
        let answer = workflow::handle(&self.context, serde_json::to_value(step).unwrap(), now).await?;
        Ok(serde_json::from_value(answer).unwrap())
    }

    pub(crate) async fn acquire(&self, id: &WorkflowId, token: &TaskToken, second: i64) {
        let step = WorkflowStep::AcquireSlot { workflow_id: id.clone(), pool: POOL, task_token: token.clone() };
        let _: Done = self.step_at(step, at(second)).await.unwrap();
    }

    pub(crate) async fn release(&self, id: &WorkflowId) {
        let _: Done = self.step(WorkflowStep::ReleaseSlot { workflow_id: id.clone(), pool: POOL }).await.unwrap();
    }

    pub(crate) async fn sweep(&self) {
        let _: Done = self.step(WorkflowStep::SweepSlots { pool: POOL }).await.unwrap();
    }

    pub(crate) async fn cancel(&self, id: &WorkflowId) {
        let _: Done = self.step(WorkflowStep::Cancel { workflow_id: id.clone() }).await.unwrap();
    }

    pub(crate) async fn finish(&self, id: &WorkflowId, error: Option<StepError>) -> FinishOutput {
        self.step(WorkflowStep::Finish { workflow_id: id.clone(), error, execution: None }).await.unwrap()
    }

    pub(crate) async fn prepare(&self, id: &WorkflowId) -> Result<PrepareOutput, Failure> {
        self.step(WorkflowStep::Prepare { workflow_id: id.clone() }).await
    }

    /// Starts the agent's sandbox.
    pub(crate) async fn agent(&self, id: &WorkflowId) -> Sandbox {
        let PrepareOutput::Ready { task_url, .. } = self.prepare(id).await.unwrap() else { panic!("not ready") };
        Sandbox::start(&task_url).await
    }

    /// Lets an agent deliver a change set that is verified. Answers the second sandbox.
    pub(crate) async fn second(&self, agent: &Sandbox, archive: Vec<u8>) -> Sandbox {
        agent.deliver(archive).await;
        let Task { workflow_id, attempt, .. } = &agent.task;
        let output = self.collect_run(workflow_id, *attempt).await.unwrap();
        let CollectOutput::Verified { task_url, .. } = output else { panic!("{output:?}") };
        Sandbox::start(&task_url).await
    }

    pub(crate) async fn collect_run(&self, id: &WorkflowId, attempt: Attempt) -> Result<CollectOutput, Failure> {
        let task_error = Some(StepError { error: "States.TaskFailed".to_owned(), cause: String::new() });
        self.step(WorkflowStep::CollectRun { workflow_id: id.clone(), attempt, task_error }).await
    }

    pub(crate) async fn amend(&self, id: &WorkflowId, attempt: Attempt) -> Result<AmendOutput, Failure> {
        self.step(WorkflowStep::AmendSpec { workflow_id: id.clone(), attempt }).await
    }

    pub(crate) async fn collect_qa(&self, id: &WorkflowId, attempt: Attempt) -> Result<CollectOutput, Failure> {
        self.step(WorkflowStep::CollectQa { workflow_id: id.clone(), attempt, task_error: None }).await
    }

    /// A workflow with an approved SPEC for the first commit.
    pub(crate) async fn approved(&self) -> Workflow {
        self.world.approved(&ticket("FL-1"), &self.host.first, SCOPE).await
    }

    pub(crate) async fn run_base(&self, id: &WorkflowId) -> CommitSha {
        self.world.workflow(id).await.run_base.unwrap()
    }
}

/// A sandbox: it knows one address and what stands behind it.
pub(crate) struct Sandbox {
    pub(crate) task: Task,
}

impl Sandbox {
    pub(crate) async fn start(task_url: &str) -> Self {
        Self { task: serde_json::from_slice(&get(task_url).await).unwrap() }
    }

    pub(crate) fn agent(&self) -> &AgentWork {
        let Work::Agent(work) = &self.task.work else { panic!("another sort of work") };
        work
    }

    pub(crate) fn qa(&self) -> &QaWork {
        let Work::Qa(work) = &self.task.work else { panic!("another sort of work") };
        work
    }

    /// The paths in the workspace.
    pub(crate) async fn workspace(&self) -> BTreeSet<String> {
        let bytes = get(&self.task.workspace.url).await;
        assert_eq!(Digest::of(&bytes), self.task.workspace.digest);
        let mut archive = tar::Archive::new(zstd::Decoder::new(bytes.as_slice()).unwrap());
        let entries = archive.entries().unwrap();
        entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn report(&self, outcome: RunOutcome) -> RunReport {
        RunReport {
            version: REPORT_VERSION,
            workflow_id: self.task.workflow_id.clone(),
            attempt: self.task.attempt,
            outcome,
            changes: None,
            qa_report: None,
            usage: Usage { turns: 1, ..Usage::default() },
            summary: None,
            isolation: vec![],
            refused_connections: 0,
            duration_ms: 1,
        }
    }

    pub(crate) async fn send(&self, report: &RunReport) {
        assert_eq!(put(&self.task.report_url, serde_json::to_vec(report).unwrap()).await, 200);
    }

    /// Uploads a change set and says so.
    pub(crate) async fn deliver(&self, archive: Vec<u8>) {
        let changes = Some(Digest::of(&archive));
        assert_eq!(put(&self.agent().changes_url, archive).await, 200);
        self.send(&RunReport { changes, ..self.report(RunOutcome::Completed) }).await;
    }
}

pub(crate) async fn get(url: &str) -> Vec<u8> {
    let answer = client().get(url).send().await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap().to_vec()
}

pub(crate) async fn put(url: &str, body: Vec<u8>) -> u16 {
    client().put(url).body(body).send().await.unwrap().status().as_u16()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
