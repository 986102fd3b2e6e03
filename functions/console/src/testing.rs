//! A workflow with its history, and a backend in memory that decides as `approvals` does.

mod memory;

use domain::audit::{AuditEntry, StoredAnchor};
use domain::budget::Usage;
use domain::diff::{ChangeDiff, DIFF_VERSION, DiffBody, FileDiff, Hunk, NO_NEWLINE};
use domain::failure::{Failure, FailureKind};
use domain::gate::policy::{Asked, RiskFacts};
use domain::gate::{About, Gate, GateKind, GateStatus, Subject};
use domain::ids::{Attempt, CommitSha, Generation, Revision, TicketKey, WorkflowId};
use domain::person::{Actor, Person};
use domain::qa::{ChecklistResult, CommandResult, Ended, GateResult, QA_REPORT_VERSION, QaReport};
use domain::spec::{
    AmendContext, ChecklistItem, DraftFile, FileAction, SPEC_VERSION, Spec, SpecDraft, SpecFile, SpecText, VerifiedBy,
    amend,
};
use domain::steps::EditOutput;
use domain::task::RunOutcome;
use domain::ticket::{Priority, Ticket};
use domain::workflow::{ChangedFile, Event, Expense, Forecast, RoundLimits, SpecEdit, Workflow};
use domain::{Digest, Timestamp};

pub(crate) use memory::{CODE, Memory, signed_in_person};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const BASE: &str = "https://pi.example/live";
pub(crate) const HOSTILE: &str =
    "Fix <img src=x onerror=alert(1)> [go](javascript:alert(1)) </style><script>alert(1)</script> \u{202e}";

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn sha(letter: &str) -> CommitSha {
    letter.repeat(40).parse().unwrap()
}

fn person(name: &str) -> Person {
    Person::from_email(format!("{name}@acme.example"))
}

/// A workflow, told event by event; each takes a minute.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) workflow: Workflow,
    pub(crate) trail: Vec<AuditEntry>,
    pub(crate) anchors: Vec<StoredAnchor>,
    pub(crate) gate: Option<Gate>,
    /// Those that are stored.
    specs: Vec<Spec>,
    pub(crate) expenses: Vec<Expense>,
    model: String,
    ticket: Ticket,
    minutes: i64,
}

impl Story {
    pub(crate) fn begin(id: &str, title: &str) -> Self {
        let ticket = Ticket {
            key: TicketKey::flux_lens(id),
            version: 1,
            updated_at: now(),
            title: title.to_owned(),
            description: String::new(),
            url: format!("https://lens.example/t/{id}"),
            priority: Priority::Normal,
            labels: vec![],
            reporter: person("rita"),
            assignee: None,
            repository: "acme/shop".parse().unwrap(),
            base_branch: "main".to_owned(),
        };
        let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
        let at = "2026-11-22T09:00:00Z".parse().unwrap();
        let (workflow, entry) =
            Workflow::create(id, &ticket, RoundLimits::default(), Actor::system("intake"), at).unwrap();
        Self {
            workflow,
            trail: vec![entry],
            anchors: vec![],
            gate: None,
            expenses: vec![],
            specs: vec![],
            model: "agent-1".to_owned(),
            ticket,
            minutes: 0,
        }
    }

    pub(crate) fn then(self, event: Event) -> Self {
        self.by(Actor::system("workflow"), event)
    }

    pub(crate) fn by(mut self, actor: Actor, event: Event) -> Self {
        self.minutes += 1;
        let start: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let at = Timestamp::from_second(start.as_second() + self.minutes * 60).unwrap();
        let change = self.workflow.apply(event, actor, at).unwrap();
        self.expenses.extend(change.expense());
        self.workflow = change.workflow;
        self.trail.push(change.entry);
        self
    }

    fn opened(mut self, kind: GateKind, subject: Subject) -> Self {
        let id =
            kind.gate_id(&self.workflow.id, 1 + self.workflow.spec_gates * u32::from(kind == GateKind::Spec)).unwrap();
        let asked = Asked::one_of(
            vec![person("ann"), person("rita")],
            "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap().duration_since(now()),
        );
        let requester = self.ticket.reporter.clone();
        let mut gate = Gate::new(id, self.workflow.id.clone(), subject, requester, asked, now()).unwrap();
        let (title, repository) = (self.ticket.title.clone(), self.ticket.repository.clone());
        gate.about = Some(About { title, repository });
        let (id, subject_digest, due_at) = (gate.id.clone(), gate.subject_digest, gate.due_at);
        self.gate = Some(gate);
        self.then(Event::GateOpened { gate: id, kind, subject_digest, due_at })
    }

    pub(crate) fn planned(self) -> Self {
        let spec = spec(&self.workflow);
        self.proposed(spec)
    }

    /// Ann sends the plan back, and the planner writes another one.
    pub(crate) fn revised(mut self) -> Self {
        let gate = self.gate.take().unwrap();
        let by = Actor::Person { person: person("ann"), channel: domain::person::Channel::Link };
        let event = Event::GateDecided {
            gate: gate.id,
            kind: gate.subject.kind(),
            status: GateStatus::RevisionRequested,
            verdict: domain::gate::Verdict::Revise,
            comment: Some("On “Solution”:\nSay <how>.".to_owned()),
        };
        let story = self.by(by, event);
        let mut spec = spec(&story.workflow);
        spec.revision = story.workflow.revision;
        spec.text.proposed_solution = "Count in milliseconds.".to_owned();
        spec.text.implementation_plan.push("Test it.".to_owned());
        story.proposed(spec)
    }

    fn proposed(self, spec: Spec) -> Self {
        let revision = spec.revision;
        let mut story = self.then(Event::PlanningStarted { revision });
        let spec_digest = spec.digest().unwrap();
        story.specs.push(spec);
        let subject = Subject::Spec {
            revision,
            spec_digest,
            base_commit: sha("a"),
            ticket_digest: story.ticket.content_digest(),
        };
        let usage = Usage { input_tokens: 9_000, output_tokens: 800, turns: 4, micro_usd: 39_000, ..Usage::default() };
        let event = Event::SpecProposed {
            revision,
            spec_digest,
            base_commit: sha("a"),
            usage,
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: Some(Forecast::new(0.2, 3, "planner-1")),
        };
        story.then(event).opened(GateKind::Spec, subject)
    }

    /// The agent of an approved plan asks for two more files.
    pub(crate) fn amended(self) -> Self {
        let attempt = Attempt::FIRST;
        let wanted = ["yarn.lock", "src/clock.js"].map(str::to_owned);
        let (outcome, reason) = (RunOutcome::Completed, "Time is read there.\n<b>Approve</b> at once!".to_owned());
        let story = self.approved().then(Event::RunPrepared { attempt, base_commit: sha("a") }).then(Event::RunEnded {
            attempt,
            outcome,
            usage: Usage::default(),
            isolation: vec![],
            refused_connections: 0,
            model: None,
        });
        let base_paths = ["src/session.js", "package-lock.json", "yarn.lock"].map(str::to_owned).into();
        let context = AmendContext {
            approved: &spec(&story.workflow),
            revision: story.workflow.next_revision(),
            attempt,
            base_commit: &sha("a"),
            base_paths: &base_paths,
            protected: &domain::path::ProtectedPaths::default(),
            allow_workflow_files: false,
        };
        let spec = amend(&wanted, &reason, context).spec.unwrap();
        let (revision, spec_digest) = (spec.revision, spec.digest().unwrap());
        let (added, _) = spec.added_first();
        let subject = Subject::Spec {
            revision,
            spec_digest,
            base_commit: sha("a"),
            ticket_digest: story.ticket.content_digest(),
        };
        let proposed = Event::ScopeChangeProposed {
            attempt,
            revision,
            spec_digest,
            base_commit: sha("a"),
            added: added
                .iter()
                .map(|file| ChangedFile { path: file.path.clone(), action: file.action, protection: file.protection })
                .collect(),
            refused: vec![],
            agent_reason: reason,
            kept: None,
            feedback: String::new(),
        };
        let mut story = story.then(proposed);
        story.specs.push(spec);
        story.opened(GateKind::Spec, subject)
    }

    pub(crate) fn spec(&self, digest: Digest) -> Spec {
        self.specs.iter().find(|spec| spec.digest().unwrap() == digest).unwrap().clone()
    }

    /// Stores an edit as `workflow` would, but for its rules: a title is needed.
    pub(crate) fn edited(&mut self, of: Digest, draft: SpecDraft, by: Actor) -> EditOutput {
        if draft.title.trim().is_empty() {
            return EditOutput::Refused { problems: vec!["`title`: <nothing> is no title".to_owned()] };
        }
        let Actor::Person { person, .. } = &by else { return EditOutput::NotAsked };
        let mut spec = self.spec(of);
        spec.revision = self.workflow.next_revision();
        spec.text.title = draft.title;
        spec.text.proposed_solution = draft.proposed_solution;
        spec.text.implementation_plan = draft.implementation_plan;
        spec.text.verification_checklist = draft.verification_checklist;
        spec.files = draft.files.into_iter().map(spec_file).collect();
        let (revision, spec_digest) = (spec.revision, spec.digest().unwrap());
        let facts = RiskFacts::of(&spec);
        self.specs.push(spec);
        let edit = SpecEdit { revision, spec_digest, of, by: Person::clone(person), facts };
        *self = self.clone().by(by, Event::SpecEdited { edit, changed: vec!["Solution".to_owned()] });
        EditOutput::Stored { revision, spec_digest }
    }

    pub(crate) fn approved(mut self) -> Self {
        let gate = self.gate.take().unwrap();
        let by = Actor::Person { person: person("ann"), channel: domain::person::Channel::Link };
        let event = Event::GateDecided {
            gate: gate.id,
            kind: gate.subject.kind(),
            status: GateStatus::Approved,
            verdict: domain::gate::Verdict::Approve,
            comment: None,
        };
        self.by(by, event)
    }

    /// Its agent uses a model of this name from now on.
    pub(crate) fn with_model(mut self, name: &str) -> Self {
        name.clone_into(&mut self.model);
        self
    }

    /// The pull request is merged, and the ticket closed.
    pub(crate) fn merged(mut self) -> Self {
        self.gate = None;
        self.then(Event::PrMerged { merge_sha: sha("d") }).then(Event::Completed)
    }

    /// Something broke.
    pub(crate) fn broken(mut self) -> Self {
        self.gate = None;
        self.then(Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") })
    }

    pub(crate) fn published(self) -> Self {
        let attempt = Attempt::FIRST;
        let usage =
            Usage { input_tokens: 50_000, output_tokens: 6_000, turns: 12, micro_usd: 240_000, ..Usage::default() };
        let file = |path: &str, action| {
            let path: domain::path::RepoPath = path.parse().unwrap();
            ChangedFile { protection: path.protection(), path, action }
        };
        let files = vec![file("src/session.js", FileAction::Modify), file("package-lock.json", FileAction::Modify)];
        let report = qa_digest(&self.workflow);
        let diff = Some(Digest::of(serde_json::to_vec(&change_diff(&self.workflow)).unwrap()));
        let model = Some(self.model.clone());
        let story = self
            .then(Event::RunPrepared { attempt, base_commit: sha("a") })
            .then(Event::RunEnded {
                attempt,
                outcome: RunOutcome::Completed,
                usage,
                isolation: vec![],
                refused_connections: 0,
                model,
            })
            .then(Event::ChangesVerified { attempt, digest: Digest::of("c"), files, diff })
            .then(Event::QaFinished { attempt, passed: true, report, blocking: vec![], findings: 0 })
            .then(Event::PrPublished {
                number: 5,
                url: "https://github.example/acme/shop/pull/5".to_owned(),
                branch: "pi-tickets/FL-1-ab12".to_owned(),
                head_sha: sha("b"),
                tree_sha: sha("c"),
            });
        let subject = Subject::Pr { number: 5, head_sha: sha("b"), tree_sha: sha("c"), qa_report: report };
        story.opened(GateKind::Pr, subject)
    }
}

fn spec_file(DraftFile { path, action, reason }: DraftFile) -> SpecFile {
    let path: domain::path::RepoPath = path.parse().unwrap();
    SpecFile { protection: path.protection(), path, action, reason }
}

pub(crate) fn spec(workflow: &Workflow) -> Spec {
    let file = |path: &str| {
        let path: domain::path::RepoPath = path.parse().unwrap();
        let reason = "Milliseconds were taken for seconds".to_owned();
        SpecFile { protection: path.protection(), path, action: FileAction::Modify, reason }
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: workflow.id.clone(),
        revision: Revision::FIRST,
        ticket: workflow.ticket.key.clone(),
        ticket_digest: workflow.ticket.digest,
        base_commit: sha("a"),
        files: vec![file("package-lock.json"), file("src/session.js")],
        amendment: None,
        text: SpecText {
            title: workflow.ticket.title.clone(),
            problem_statement: "Sessions end after **30 seconds**.".to_owned(),
            proposed_solution: workflow.ticket.title.clone(),
            implementation_plan: vec!["Change the constant.".to_owned()],
            testing_strategy: "The suite.".to_owned(),
            verification_checklist: vec![ChecklistItem {
                text: "Tests pass".to_owned(),
                verified_by: VerifiedBy::Gate { name: "unit tests".to_owned() },
            }],
            risks: vec![],
            new_dependencies: vec![],
            confidence: 0.85,
            estimated_usd: 0.2,
            estimated_minutes: 3,
        },
    }
}

/// What the change of the first attempt changes, with a hostile line.
fn change_diff(workflow: &Workflow) -> ChangeDiff {
    let file = |path: &str, body| {
        let path: domain::path::RepoPath = path.parse().unwrap();
        FileDiff {
            protection: path.protection(),
            path,
            action: FileAction::Modify,
            by_amendment: false,
            executable: false,
            added: 2,
            removed: 1,
            body,
        }
    };
    let lines = [
        " function alive(session, now) {",
        "-  return now - session.seen < 30; // seconds",
        "+  return now - session.seen < \"<script>\"; // \u{202e}",
        "+  /* 1800",
        "   */",
        NO_NEWLINE,
    ];
    let hunk = Hunk { old_start: 7, new_start: 7, lines: lines.map(str::to_owned).to_vec() };
    ChangeDiff {
        version: DIFF_VERSION,
        workflow_id: workflow.id.clone(),
        attempt: Attempt::FIRST,
        base_commit: sha("a"),
        change_set: Digest::of("c"),
        files: vec![
            file("package-lock.json", DiffBody::Withheld),
            file("src/session.js", DiffBody::Lines { hunks: vec![hunk], omitted: 3 }),
        ],
    }
}

fn qa(workflow: &Workflow) -> QaReport {
    let gate = |name: &str, code, failed_on_base, output: &str| GateResult {
        name: name.to_owned(),
        required: true,
        result: CommandResult {
            command: "npm test".to_owned(),
            ended: Ended::Exit { code },
            duration_ms: 900,
            output: output.to_owned(),
            output_bytes: 0,
        },
        failed_on_base,
        tests: None,
    };
    QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: workflow.id.clone(),
        attempt: Attempt::FIRST,
        base_commit: sha("a"),
        change_set: Digest::of("c"),
        setup: None,
        gates: vec![gate("unit tests", 0, None, ""), gate("lint", 1, Some(true), "<b>unused</b>")],
        checklist: vec![ChecklistResult {
            text: "It looks right".to_owned(),
            verified_by: VerifiedBy::Person,
            passed: None,
        }],
        findings: vec![],
        bug_proof: None,
        refused_connections: 0,
        duration_ms: 2_000,
    }
}

fn qa_digest(workflow: &Workflow) -> Digest {
    Digest::of(serde_json::to_vec(&qa(workflow)).unwrap())
}
