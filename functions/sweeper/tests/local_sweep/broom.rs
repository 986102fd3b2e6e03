//! The function over one world, with `approvals` and `workflow` as they are deployed.

use std::sync::Arc;

use domain::dead_letters::DeadLetterQueue;
use domain::failure::Failure;
use domain::gate::{Gate, GateKind};
use domain::ids::{TaskToken, WorkflowId};
use domain::spec::FileAction;
use domain::steps::{ApprovalStep, SweeperAsk};
use domain::workflow::Workflow;
use serde::de::DeserializeOwned;
use sweeper::{Config, Context, DeadLetterUrls, Swept};
use testkit::sample::{at, sha, ticket};
use testkit::{CodeHost, Functions, World};

pub(crate) struct Broom {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) machine: String,
    pub(crate) queue: String,
    pub(crate) dead_letters: Vec<DeadLetterUrls>,
    pub(crate) workflow: Arc<workflow::Context>,
    context: Context,
    _host: CodeHost,
}

impl Broom {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        let host = CodeHost::start(&[("src/app.js", "one\n")]).await;
        let (machine, queue) = (world.endless_machine().await, world.queue().await);
        let mut dead_letters = Vec::new();
        for kind in [DeadLetterQueue::Email, DeadLetterQueue::Finish, DeadLetterQueue::Stream] {
            let back_to = if kind == DeadLetterQueue::Email { Some(world.queue().await) } else { None };
            dead_letters.push(DeadLetterUrls { queue: kind, url: world.queue().await, back_to });
        }
        let context = Context {
            config: Config {
                approvals_function: Functions::APPROVALS.to_owned(),
                workflow_function: Functions::WORKFLOW.to_owned(),
                state_machine: machine.clone(),
                queue_url: queue.clone(),
                dead_letters: dead_letters.clone(),
            },
            store: world.store.clone(),
            gates: world.gates.clone(),
            slots: world.slots.clone(),
            sfn: world.states(),
            sqs: world.queues(),
            invoker: functions.invoker(&world.aws),
        };
        let workflow = Arc::new(world.workflow_function(&functions, &host));
        Self { world, functions, machine, queue, dead_letters, workflow, context, _host: host }
    }

    /// Sweeps so many seconds after the beginning; every function has the same clock.
    pub(crate) async fn sweep(&self, second: i64) -> Result<Swept, Failure> {
        self.functions.serve_gates(&self.world, at(second));
        self.functions.serve_workflow(&self.workflow, at(second));
        self.sweep_with_these_functions(second).await
    }

    pub(crate) async fn sweep_with_these_functions(&self, second: i64) -> Result<Swept, Failure> {
        sweeper::sweep(&self.context, at(second)).await
    }

    /// Asks for a workflow to be started at once.
    pub(crate) async fn start_asked(&self, id: &WorkflowId) -> bool {
        self.ask(&SweeperAsk::Start { workflow_id: id.clone() }).await
    }

    /// Asks as the console does.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: &SweeperAsk) -> T {
        let answer = sweeper::handle(&self.context, serde_json::to_value(ask).unwrap(), at(0)).await.unwrap();
        serde_json::from_value(answer).unwrap()
    }

    /// A workflow with a SPEC, and its execution, which runs. Answers the execution's ARN too.
    pub(crate) async fn planned(&self, id: &str) -> (Workflow, String) {
        let workflow = self.world.planned(&ticket(id), &sha("a"), &[("src/app.js", FileAction::Modify)]).await;
        let execution = self.world.execute(&self.machine, workflow.id.as_str()).await;
        (workflow, execution)
    }

    /// Such a workflow that waits for the decision on its SPEC, until second 3,600.
    pub(crate) async fn asked(&self, id: &str, token: &TaskToken) -> Gate {
        let workflow = self.planned(id).await.0;
        self.open(&workflow, GateKind::Spec, token).await
    }

    pub(crate) async fn open(&self, workflow: &Workflow, kind: GateKind, token: &TaskToken) -> Gate {
        let step = ApprovalStep::Open { workflow_id: workflow.id.clone(), kind, task_token: token.clone() };
        let gates = self.world.gates_function(&self.world.aws);
        approvals::handle(&gates, serde_json::to_value(step).unwrap(), at(0)).await.unwrap();
        self.world.gates.gate(&kind.gate_id(&workflow.id, 1).unwrap()).await.unwrap().unwrap()
    }
}
