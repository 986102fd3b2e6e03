//! The function over one world, and workflows as far as it needs them.

use std::sync::Arc;
use std::time::Duration;

use ::github::{Host, Repo, RetryPolicy};
use domain::budget::Usage;
use domain::failure::Failure;
use domain::gate::{GateKind, Verdict};
use domain::ids::{CommitSha, WorkflowId};
use domain::spec::FileAction;
use domain::steps::{Done, MergeOutput, PublishOutput, PublishStep};
use domain::task::RunOutcome;
use domain::workflow::{Event, PullRequestRef, RoundLimits, Workflow};
use domain::{Digest, Timestamp};
use github_auth::Grant;
use github_sim::{Fault, Outcome, When};
use publisher::{Config, Context, handle};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::keys;
use testkit::archive::{File, pack};
use testkit::sample::{self, at, ticket};
use testkit::{CodeHost, Functions, World};

/// The file that every change is about.
pub(crate) const PATH: &str = "src/app.js";

pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) host: CodeHost,
    pub(crate) context: Context,
    owners: Repo,
}

impl Desk {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        let host = CodeHost::start_with_app(&[("README.md", "# Web\n"), (PATH, "one\n")]).await;
        let grant = Grant::Write { workflow_files: false };
        let tokens = world.github_auth_function(&host, &CodeHost::credentials(), grant);
        // An App's token of itself is made by the system's clock, so the GitHub's stands by that too.
        functions.serve_github_auth(&Arc::new(tokens), Timestamp::now());
        let context = context(&world, &functions, &host, 1);
        let github = Host::new(&host.api_url()).unwrap().with_token(CodeHost::TOKEN.into()).unwrap();
        Self { owners: github.repo(&"acme/web".parse().unwrap()), world, functions, host, context }
    }

    /// The function with a client that never tries again, so that every fault ends the step.
    pub(crate) fn fragile(&self) -> Context {
        context(&self.world, &self.functions, &self.host, 0)
    }

    pub(crate) async fn publish(&self, id: &WorkflowId) -> Result<PublishOutput, Failure> {
        publish_with(&self.context, id).await
    }

    pub(crate) async fn merge(&self, id: &WorkflowId) -> Result<MergeOutput, Failure> {
        merge_with(&self.context, id).await
    }

    pub(crate) async fn close(&self, id: &WorkflowId) -> Result<Done, Failure> {
        close_with(&self.context, id).await
    }

    /// A workflow whose first change passed its gates: `src/app.js` says `two`.
    pub(crate) async fn tested(&self) -> WorkflowId {
        self.tested_with(RoundLimits::default()).await
    }

    pub(crate) async fn tested_with(&self, limits: RoundLimits) -> WorkflowId {
        self.tested_as("two\n", limits).await
    }

    /// The same with a text for the file.
    pub(crate) async fn tested_as(&self, text: &str, limits: RoundLimits) -> WorkflowId {
        let begun = self.world.begin_with(&ticket("FL-1"), limits).await;
        let planned = self.world.plan(&begun, &self.host.first, &[(PATH, FileAction::Modify)]).await;
        self.decide(&planned.id, GateKind::Spec, Verdict::Approve, None).await;
        self.attempt(&planned.id, &self.host.first, text).await;
        planned.id
    }

    /// The workflow's present attempt, which starts from `base`, ends with this text and passes its gates.
    pub(crate) async fn attempt(&self, id: &WorkflowId, base: &CommitSha, text: &str) {
        let attempt = self.world.workflow(id).await.attempt;
        let archive = pack(id, attempt, base, &[File { path: PATH, text, existed: true }]);
        let digest = Digest::of(&archive);
        let report = sample::qa_of(id, attempt, base, digest);
        let report = serde_json::to_vec(&report).unwrap();
        let (outcome, usage) = (RunOutcome::Completed, Usage::default());
        let events = [
            Event::RunPrepared { attempt, base_commit: base.clone() },
            Event::RunEnded { attempt, outcome, usage, isolation: vec![], refused_connections: 0, model: None },
            Event::ChangesVerified { attempt, digest, files: vec![], diff: None },
            Event::QaFinished { attempt, passed: true, report: Digest::of(&report), blocking: vec![], findings: 0 },
        ];
        self.put(&keys::objects::verified(id, attempt), archive).await;
        self.put(&keys::objects::qa_json(id, attempt), report).await;
        self.world.tell(id, events).await;
    }

    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>) {
        self.world.objects.put(key, bytes, "application/octet-stream").await.unwrap();
    }

    /// Opens a gate and decides it. The gate stands in the workflow's history only.
    pub(crate) async fn decide(&self, id: &WorkflowId, kind: GateKind, verdict: Verdict, comment: Option<&str>) {
        let workflow = self.world.workflow(id).await;
        let gate = kind.gate_id(id, 1 + workflow.pr_gates).unwrap();
        let (status, comment) = (verdict.status(), comment.map(str::to_owned));
        let opened =
            Event::GateOpened { gate: gate.clone(), kind, subject_digest: Digest::of("subject"), due_at: at(3_600) };
        let decided = Event::GateDecided { gate, kind, status, verdict, comment };
        self.world.tell(id, [opened, decided]).await;
    }

    /// A workflow with a pull request, and that.
    pub(crate) async fn published(&self) -> (WorkflowId, PullRequestRef) {
        let id = self.tested().await;
        assert_eq!(self.publish(&id).await, Ok(PublishOutput::Published));
        let pull = self.pull(&id).await;
        (id, pull)
    }

    /// The same with the pull request approved.
    pub(crate) async fn approved(&self) -> (WorkflowId, PullRequestRef) {
        let (id, pull) = self.published().await;
        self.decide(&id, GateKind::Pr, Verdict::Approve, None).await;
        (id, pull)
    }

    pub(crate) async fn workflow(&self, id: &WorkflowId) -> Workflow {
        self.world.workflow(id).await
    }

    /// The pull request as the workflow's row has it.
    pub(crate) async fn pull(&self, id: &WorkflowId) -> PullRequestRef {
        self.workflow(id).await.pr.unwrap()
    }

    /// The repository as its owner sees it.
    pub(crate) const fn repo(&self) -> &Repo {
        &self.owners
    }

    /// Branches and pull requests, as they are.
    pub(crate) async fn github(&self) -> Value {
        let state = self.host.sim.state().await.unwrap();
        state["repositories"][0].clone()
    }

    /// The text of the file that every change is about.
    pub(crate) async fn text(&self, commit: &CommitSha) -> String {
        let repo = self.repo();
        let tree = repo.tree(&repo.commit(commit).await.unwrap().tree).await.unwrap();
        let entry = tree.entries.iter().find(|entry| entry.path == PATH).unwrap();
        String::from_utf8(repo.blob(&entry.sha).await.unwrap()).unwrap()
    }

    /// Makes the next calls fail.
    pub(crate) fn fail(&self, times: u32, method: &str, path: &str, when: When, outcome: Outcome) {
        let (method, path) = (Some(method.to_owned()), path.to_owned());
        self.host.sim.inject(Fault { method, path, times, skip: 0, delay_ms: 0, when, outcome, fired: 0 });
    }

    /// How many calls with this method and end of the path reached GitHub.
    pub(crate) fn calls(&self, method: &str, end: &str) -> usize {
        self.host.sim.calls().iter().filter(|call| call.method == method && call.path.ends_with(end)).count()
    }
}

fn context(world: &World, functions: &Functions, host: &CodeHost, repeats: usize) -> Context {
    let pause = Duration::from_millis(1);
    let retry = RetryPolicy { repeats, first_pause: pause, longest_pause: pause, longest_rate_limit: pause };
    Context {
        config: Config {
            public_base_url: "https://tickets.example".to_owned(),
            github_auth_function: Functions::GITHUB_AUTH.to_owned(),
            github_api_url: host.api_url(),
            allow_workflow_files: false,
        },
        store: world.store.clone(),
        objects: world.objects.clone(),
        invoker: functions.invoker(&world.aws),
        host: Host::new(&host.api_url()).unwrap().with_retry(retry),
    }
}

pub(crate) async fn publish_with(context: &Context, id: &WorkflowId) -> Result<PublishOutput, Failure> {
    step(context, PublishStep::Publish { workflow_id: id.clone() }).await
}

pub(crate) async fn merge_with(context: &Context, id: &WorkflowId) -> Result<MergeOutput, Failure> {
    step(context, PublishStep::Merge { workflow_id: id.clone() }).await
}

pub(crate) async fn close_with(context: &Context, id: &WorkflowId) -> Result<Done, Failure> {
    step(context, PublishStep::Close { workflow_id: id.clone() }).await
}

async fn step<A: DeserializeOwned>(context: &Context, step: PublishStep) -> Result<A, Failure> {
    let answer = handle(context, serde_json::to_value(step).unwrap(), at(600)).await?;
    Ok(serde_json::from_value(answer).unwrap())
}
