//! Both entries of the function over one world.

use approvals::{Context, handle};
use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::requests::{ApprovalRequest, DecideAnswer, DeliverAnswer, LinkRequest, MintedLink};
use domain::gate::{DecisionRequest, Gate, GateKind, GateStatus, Verdict};
use domain::ids::{GateId, TaskToken, WorkflowId};
use domain::spec::FileAction;
use domain::steps::{ApprovalStep, GateOutput};
use domain::workflow::Workflow;
use serde::Serialize;
use serde::de::DeserializeOwned;
use testkit::sample::{at, by, now, person, sha, ticket};
use testkit::{Outcome, World};

pub(crate) struct Office {
    pub(crate) world: World,
    gates: Context,
    links: Context,
}

impl Office {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let gates = world.gates_function(&world.aws);
        let links = Context::Links(world.gates.clone());
        Self { world, gates, links }
    }

    /// The same rows, but Step Functions does not answer: as if the function died before it came to that.
    pub(crate) fn cut_off(&self) -> Context {
        self.world.gates_function(&self.world.unreachable())
    }

    /// A workflow with a SPEC to decide on.
    pub(crate) async fn planned(&self) -> Workflow {
        self.world.planned(&ticket("FL-1"), &sha("a"), &[("src/app.js", FileAction::Modify)]).await
    }

    pub(crate) async fn open(&self, id: &WorkflowId, kind: GateKind, token: &TaskToken) {
        let step = ApprovalStep::Open { workflow_id: id.clone(), kind, task_token: token.clone() };
        let _: domain::steps::Done = ask(&self.gates, &step, now()).await.unwrap();
    }

    /// An open SPEC gate.
    pub(crate) async fn opened(&self, token: &TaskToken) -> Gate {
        let workflow = self.planned().await;
        self.open(&workflow.id, GateKind::Spec, token).await;
        self.gate(&GateKind::Spec.gate_id(&workflow.id, 1).unwrap()).await
    }

    pub(crate) async fn gate(&self, id: &GateId) -> Gate {
        self.world.gates.gate(id).await.unwrap().unwrap()
    }

    pub(crate) async fn decide(&self, gate: &GateId, decision: DecisionRequest, now: Timestamp) -> DecideAnswer {
        self.request(ApprovalRequest::Decide { gate: gate.clone(), decision }, now).await.unwrap()
    }

    pub(crate) async fn cancel(&self, id: &WorkflowId) -> DecideAnswer {
        self.request(ApprovalRequest::Cancel { workflow_id: id.clone() }, at(60)).await.unwrap()
    }

    pub(crate) async fn deliver(&self, gate: &GateId, now: Timestamp) -> DeliverAnswer {
        self.request(ApprovalRequest::Deliver { gate: gate.clone() }, now).await.unwrap()
    }

    pub(crate) async fn mint(&self, gate: &GateId, name: &str, now: Timestamp) -> Result<MintedLink, Failure> {
        let request = LinkRequest::Mint { gate: gate.clone(), recipient: person(name) };
        ask(&self.links, &request, now).await
    }

    /// Asks the entry that can only make links for something else.
    pub(crate) async fn misuse(&self, request: ApprovalRequest) -> Result<DecideAnswer, Failure> {
        ask(&self.links, &request, at(60)).await
    }

    async fn request<A: DeserializeOwned>(&self, request: ApprovalRequest, now: Timestamp) -> Result<A, Failure> {
        ask(&self.gates, &request, now).await
    }
}

pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(
    context: &Context,
    request: &Q,
    now: Timestamp,
) -> Result<A, Failure> {
    let answer = handle(context, serde_json::to_value(request).unwrap(), now).await?;
    Ok(serde_json::from_value(answer).unwrap())
}

/// What somebody says who saw the gate as it is.
pub(crate) fn says(name: &str, verdict: Verdict, gate: &Gate) -> DecisionRequest {
    let comment = Some(format!("{name} says so"));
    DecisionRequest { verdict, by: by(name), subject_digest: Some(gate.subject_digest), comment }
}

pub(crate) fn told(decision: GateStatus) -> Outcome {
    told_of(&GateOutput { decision, settled: false, another_round: false })
}

pub(crate) fn told_of(output: &GateOutput) -> Outcome {
    Outcome::Success(serde_json::to_value(output).unwrap())
}
