//! Both entries of the function over one world.

use approvals::{Context, handle};
use domain::Timestamp;
use domain::failure::Failure;
use domain::gate::policy::RiskFacts;
use domain::gate::requests::{
    ApprovalRequest, ChangeAnswer, ClockAnswer, DecideAnswer, DeliverAnswer, LinkRequest, MintedCode, MintedLink,
};
use domain::gate::{DecisionRequest, Gate, GateKind, GateStatus, Verdict};
use domain::ids::{GateId, TaskToken, WorkflowId};
use domain::spec::FileAction;
use domain::steps::{ApprovalStep, GateOutput};
use domain::workflow::{Event, Workflow};
use domain::{Digest, budget::Usage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
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

    /// An open SPEC gate of a SPEC that adds a package, for which it takes two approvals.
    pub(crate) async fn opened_at_risk(&self, token: &TaskToken) -> Gate {
        let facts = RiskFacts { new_dependencies: 1, ..RiskFacts::default() };
        let begun = self.world.begin(&ticket("FL-1")).await;
        let (revision, spec_digest) = (begun.revision, Digest::of("spec"));
        let (usage, approvals) = (Usage::default(), Box::default());
        let proposed = Event::SpecProposed {
            revision,
            spec_digest,
            base_commit: sha("a"),
            usage,
            facts,
            approvals,
            forecast: None,
        };
        let workflow = self.world.tell(&begun.id, [Event::PlanningStarted { revision }, proposed]).await;
        self.open(&workflow.id, GateKind::Spec, token).await;
        self.gate(&GateKind::Spec.gate_id(&workflow.id, 1).unwrap()).await
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

    /// The function as it would be deployed without one of the approvers.
    pub(crate) fn without(&self, name: &str) -> Context {
        let mut context = self.world.gates_function(&self.world.aws);
        if let Context::Gates(gates) = &mut context {
            gates.config.policy.approvers.retain(|approver| *approver != person(name));
        }
        context
    }

    pub(crate) async fn decide_by(
        &self,
        context: &Context,
        gate: &GateId,
        decision: DecisionRequest,
        now: Timestamp,
    ) -> DecideAnswer {
        ask(context, &ApprovalRequest::Decide { gate: gate.clone(), decision }, now).await.unwrap()
    }

    /// Gives messages of the queue to the function. Answers the ids of those that come again.
    pub(crate) async fn queue(&self, context: &Context, messages: &[(&str, Value)]) -> Vec<String> {
        let records = messages.iter().map(|(id, body)| json!({ "messageId": id, "body": body.to_string() }));
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let answer = handle(context, event, at(90)).await.unwrap();
        let failed = answer["batchItemFailures"].as_array().unwrap().iter();
        failed.map(|item| item["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn queue_here(&self, messages: &[(&str, Value)]) -> Vec<String> {
        self.queue(&self.gates, messages).await
    }

    pub(crate) async fn cancel(&self, id: &WorkflowId) -> DecideAnswer {
        self.request(ApprovalRequest::Cancel { workflow_id: id.clone() }, at(60)).await.unwrap()
    }

    pub(crate) async fn deliver(&self, gate: &GateId, now: Timestamp) -> DeliverAnswer {
        self.request(ApprovalRequest::Deliver { gate: gate.clone() }, now).await.unwrap()
    }

    pub(crate) async fn clock(&self, gate: &GateId, now: Timestamp) -> ClockAnswer {
        self.request(ApprovalRequest::Clock { gate: gate.clone() }, now).await.unwrap()
    }

    pub(crate) async fn extend(&self, gate: &GateId, name: &str, due_at: Timestamp) -> ChangeAnswer {
        let request = ApprovalRequest::Extend { gate: gate.clone(), by: by(name), due_at };
        self.request(request, at(60)).await.unwrap()
    }

    pub(crate) async fn delegate(&self, gate: &GateId, name: &str, to: &str) -> ChangeAnswer {
        let request = ApprovalRequest::Delegate { gate: gate.clone(), by: by(name), to: Box::new(person(to)) };
        self.request(request, at(60)).await.unwrap()
    }

    pub(crate) async fn mint(&self, gate: &GateId, name: &str, now: Timestamp) -> Result<MintedLink, Failure> {
        let request = LinkRequest::Mint { gate: gate.clone(), recipient: person(name) };
        ask(&self.links, &request, now).await
    }

    pub(crate) async fn mint_code(&self, link: Digest, number: u32, now: Timestamp) -> Result<MintedCode, Failure> {
        ask(&self.links, &LinkRequest::MintCode { link, number }, now).await
    }

    /// Asks the entry that can only make links for something else.
    pub(crate) async fn misuse(&self, request: ApprovalRequest) -> Result<DecideAnswer, Failure> {
        ask(&self.links, &request, at(60)).await
    }

    pub(crate) async fn request<A: DeserializeOwned>(
        &self,
        request: ApprovalRequest,
        now: Timestamp,
    ) -> Result<A, Failure> {
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
    DecisionRequest { verdict, by: by(name), subject_digest: Some(gate.subject_digest), comment, sections: vec![] }
}

pub(crate) fn told(decision: GateStatus) -> Outcome {
    told_of(&GateOutput { decision, settled: false, another_round: false })
}

pub(crate) fn told_of(output: &GateOutput) -> Outcome {
    Outcome::Success(serde_json::to_value(output).unwrap())
}
