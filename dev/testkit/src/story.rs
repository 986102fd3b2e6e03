//! Workflows as far as a test wants them, written as production writes them.

use domain::Digest;
use domain::budget::Usage;
use domain::gate::policy::RiskFacts;
use domain::gate::{Gate, GateKind, GateStatus, Verdict};
use domain::ids::{CommitSha, Generation, TaskToken, WorkflowId};
use domain::person::Actor;
use domain::spec::{AmendContext, FileAction, Spec, amend};
use domain::steps::ApprovalStep;
use domain::task::RunOutcome;
use domain::ticket::Ticket;
use domain::workflow::{Event, RoundLimits, Workflow};
use store::{TicketRow, keys};

use crate::{World, sample};

impl World {
    /// A new workflow of a ticket: `PENDING`.
    pub async fn begin(&self, ticket: &Ticket) -> Workflow {
        self.begin_with(ticket, RoundLimits::default()).await
    }

    /// The same with other limits.
    pub async fn begin_with(&self, ticket: &Ticket, limits: RoundLimits) -> Workflow {
        let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
        let (workflow, entry) = Workflow::create(id, ticket, limits, Actor::system("test"), sample::now()).unwrap();
        let row = TicketRow {
            version: 1,
            ticket_version: ticket.version,
            generation: Generation::FIRST,
            workflow_id: Some(workflow.id.clone()),
            cancelled: false,
        };
        let row = self.store.ticket_row_write(&ticket.key, &row).unwrap();
        self.store.create(&workflow, &entry, ticket, vec![row]).await.unwrap();
        workflow
    }

    /// Lets events happen to a workflow, one commit each.
    pub async fn tell(&self, id: &WorkflowId, events: impl IntoIterator<Item = Event>) -> Workflow {
        for event in events {
            let change = self.workflow(id).await.apply(event, Actor::system("test"), sample::now()).unwrap();
            self.store.commit(&change, vec![]).await.unwrap();
        }
        self.workflow(id).await
    }

    /// A workflow as it is now.
    pub async fn workflow(&self, id: &WorkflowId) -> Workflow {
        self.store.workflow(id).await.unwrap()
    }

    /// `PLANNING` with a stored SPEC: what a SPEC gate opens on.
    pub async fn planned(&self, ticket: &Ticket, base: &CommitSha, files: &[(&str, FileAction)]) -> Workflow {
        let workflow = self.begin(ticket).await;
        self.plan(&workflow, base, files).await
    }

    /// The same from `PENDING` or `PLANNING` on.
    pub async fn plan(&self, workflow: &Workflow, base: &CommitSha, files: &[(&str, FileAction)]) -> Workflow {
        let revision = workflow.revision;
        let spec: Spec = sample::spec(workflow, base, files);
        let spec_digest = spec.digest().unwrap();
        let key = keys::objects::spec_json(&workflow.id, revision);
        self.objects.put(&key, serde_json::to_vec(&spec).unwrap(), "application/json").await.unwrap();
        let proposed = Event::SpecProposed {
            revision,
            spec_digest,
            base_commit: base.clone(),
            usage: Usage::default(),
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: None,
        };
        self.tell(&workflow.id, [Event::PlanningStarted { revision }, proposed]).await
    }

    /// `SPEC_APPROVED`. The gate stands in the workflow's history only.
    pub async fn approved(&self, ticket: &Ticket, base: &CommitSha, files: &[(&str, FileAction)]) -> Workflow {
        let planned = self.planned(ticket, base, files).await;
        let gate = sample::gate(&planned);
        let (kind, status, verdict) = (GateKind::Spec, GateStatus::Approved, Verdict::Approve);
        let opened =
            Event::GateOpened { gate: gate.id.clone(), kind, subject_digest: gate.subject_digest, due_at: gate.due_at };
        let decided = Event::GateDecided { gate: gate.id, kind, status, verdict, comment: None };
        self.tell(&planned.id, [opened, decided]).await
    }

    /// From `SPEC_APPROVED`: the agent's first run asked for another file, and the amendment of the SPEC is stored.
    pub async fn scope_change(&self, id: &WorkflowId) -> Workflow {
        let workflow = self.workflow(id).await;
        let (attempt, base) = (workflow.attempt, workflow.spec.as_ref().unwrap().base_commit.clone());
        let approved = self.objects.get(&keys::objects::spec_json(id, workflow.revision), 1 << 20).await.unwrap();
        let context = AmendContext {
            approved: &serde_json::from_slice(&approved).unwrap(),
            revision: workflow.next_revision(),
            attempt,
            base_commit: &base,
            base_paths: &["src/app.js".to_owned()].into(),
            protected: &domain::path::ProtectedPaths::default(),
            allow_workflow_files: false,
        };
        let (paths, reason) = (vec!["src/clock.js".to_owned()], "Time is read there.".to_owned());
        let amended = amend(&paths, &reason, context).spec.unwrap();
        let (spec, spec_digest) = self.objects.propose_spec(amended).await.unwrap();
        let outcome = RunOutcome::ScopeChangeRequested { paths, reason: reason.clone() };
        let proposed = Event::ScopeChangeProposed {
            attempt,
            revision: spec.revision,
            spec_digest,
            base_commit: base.clone(),
            added: vec![],
            refused: vec![],
            agent_reason: reason,
            kept: None,
            feedback: "go on".to_owned(),
        };
        let events = [
            Event::RunPrepared { attempt, base_commit: base },
            Event::RunEnded {
                attempt,
                outcome,
                usage: Usage::default(),
                isolation: vec![],
                refused_connections: 0,
                model: None,
            },
            proposed,
        ];
        self.tell(id, events).await
    }

    /// `PR_CREATED`, number 5: what a pull request gate opens on.
    pub async fn published(&self, ticket: &Ticket, head: &CommitSha) -> Workflow {
        let workflow = self.approved(ticket, &sample::sha("a"), &[("src/app.js", FileAction::Modify)]).await;
        self.publish(&workflow, 5, head).await
    }

    /// The same from `SPEC_APPROVED` on, with another number.
    pub async fn publish(&self, workflow: &Workflow, number: u64, head: &CommitSha) -> Workflow {
        let attempt = workflow.attempt;
        let (outcome, usage, isolation) = (RunOutcome::Completed, Usage::default(), vec![]);
        let qa = serde_json::to_vec(&sample::qa(workflow)).unwrap();
        let report = Digest::of(&qa);
        self.objects.put(&keys::objects::qa_json(&workflow.id, attempt), qa, "application/json").await.unwrap();
        let events = [
            Event::RunPrepared { attempt, base_commit: sample::sha("a") },
            Event::RunEnded { attempt, outcome, usage, isolation, refused_connections: 0, model: None },
            Event::ChangesVerified { attempt, digest: Digest::of("changes"), files: vec![], diff: None },
            Event::QaFinished { attempt, passed: true, report, blocking: vec![], findings: 0 },
            Event::PrPublished {
                number,
                url: format!("https://github.example/acme/web/pull/{number}"),
                branch: "pi-tickets/fl-1".to_owned(),
                head_sha: head.clone(),
                tree_sha: sample::sha("c"),
            },
        ];
        let repository = &workflow.ticket.repository;
        self.store.put_pull_request(repository, number, &workflow.id).await.unwrap();
        self.tell(&workflow.id, events).await
    }

    /// Opens the first gate of a kind, as `approvals` does it. Nothing waits for its token.
    pub async fn open(&self, workflow: &Workflow, kind: GateKind) -> Gate {
        let (workflow_id, task_token) = (workflow.id.clone(), TaskToken::new("token"));
        let step = ApprovalStep::Open { workflow_id, kind, task_token };
        let gates = self.gates_function(&self.aws);
        approvals::handle(&gates, serde_json::to_value(step).unwrap(), sample::now()).await.unwrap();
        let id = kind.gate_id(&workflow.id, 1).unwrap();
        self.gates.gate(&id).await.unwrap().unwrap()
    }

    /// The names of the events in a workflow's audit trail, whose chain must hold.
    pub async fn trail(&self, id: &WorkflowId) -> Vec<String> {
        let trail = self.store.trail(id).await.unwrap();
        trail.verify().unwrap();
        let name = |event: &Event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
        trail.readable().iter().map(|entry| name(&entry.event)).collect()
    }
}
