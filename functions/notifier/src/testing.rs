//! A workflow with its history, told event by event, and the other things that texts are made of.

use domain::audit::AuditEntry;
use domain::budget::Usage;
use domain::failure::Failure;
use domain::gate::policy::{Asked, RiskFacts};
use domain::gate::{Decision, Gate, GateKind, Subject, Verdict};
use domain::ids::{Attempt, CommitSha, Generation, Revision, TicketKey, WorkflowId};
use domain::person::{Actor, Channel, Person};
use domain::qa::{ChecklistResult, CommandResult, Ended, GateResult, QA_REPORT_VERSION, QaReport};
use domain::spec::{
    AmendContext, ChecklistItem, FileAction, NewDependency, SPEC_VERSION, Spec, SpecFile, SpecText, VerifiedBy, amend,
};
use domain::task::RunOutcome;
use domain::ticket::{Priority, Ticket};
use domain::verify::{Violation, ViolationKind};
use domain::workflow::{ChangedFile, Event, RoundLimits, Workflow};
use domain::{Digest, Timestamp};

pub(crate) const HOSTILE: &str = "Fix <img src=https://e.example/x> [now](https://e.example) @everyone `rm -rf` **!**";

/// A text with its zero-width spaces made visible.
pub(crate) fn seen(text: &str) -> String {
    text.replace('\u{200b}', "¦")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

pub(crate) fn sha(letter: &str) -> CommitSha {
    letter.repeat(40).parse().unwrap()
}

pub(crate) struct Story {
    pub(crate) ticket: Ticket,
    pub(crate) workflow: Workflow,
    pub(crate) trail: Vec<AuditEntry>,
    pub(crate) outbox: Vec<(u64, domain::outbox::OutboxMessage)>,
    pub(crate) gate: Option<Gate>,
    /// The gates before it.
    pub(crate) earlier: Vec<Gate>,
}

impl Story {
    pub(crate) fn begin(title: &str) -> Self {
        let ticket = Ticket {
            key: TicketKey::flux_lens("FL-1"),
            version: 1,
            updated_at: now(),
            title: title.to_owned(),
            description: "Sessions end after 30 seconds instead of 30 minutes.\n\nSee `src/session.js`.".to_owned(),
            url: "https://lens.example/t/FL-1".to_owned(),
            priority: Priority::Normal,
            labels: vec![],
            reporter: Person::from_email("rita@acme.example"),
            assignee: None,
            repository: "acme/shop".parse().unwrap(),
            base_branch: "main".to_owned(),
        };
        let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
        let limits = RoundLimits { repairs: 0, ..RoundLimits::default() };
        let (workflow, entry) = Workflow::create(id, &ticket, limits, Actor::system("intake"), now()).unwrap();
        Self { ticket, workflow, trail: vec![entry], outbox: vec![], gate: None, earlier: vec![] }
    }

    pub(crate) fn then(mut self, event: Event) -> Self {
        let change = self.workflow.apply(event, Actor::system("test"), now()).unwrap();
        self.workflow = change.workflow;
        self.trail.push(change.entry);
        self.outbox.extend(change.outbox);
        self
    }

    pub(crate) fn started(self) -> Self {
        let revision = self.workflow.revision;
        self.then(Event::PlanningStarted { revision })
    }

    pub(crate) fn planned(self) -> Self {
        let mut story = self.started();
        let spec_digest = spec(&story.workflow).digest().unwrap();
        let subject = Subject::Spec {
            revision: story.workflow.revision,
            spec_digest,
            base_commit: sha("a"),
            ticket_digest: story.ticket.content_digest(),
        };
        story = story.then(Event::SpecProposed {
            revision: Revision::FIRST,
            spec_digest,
            base_commit: sha("a"),
            usage: Usage { micro_usd: 120_000, turns: 4, ..Usage::default() },
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: None,
        });
        story.opened(GateKind::Spec, subject)
    }

    fn opened(mut self, kind: GateKind, subject: Subject) -> Self {
        let id = kind.gate_id(&self.workflow.id, 1).unwrap();
        let asked = Asked::one_of(
            vec![Person::from_email("ann@acme.example"), Person::from_email("bob@acme.example")],
            at("2026-11-23T10:00:00Z").duration_since(now()),
        );
        let requester = self.ticket.reporter.clone();
        let gate = Gate::new(id, self.workflow.id.clone(), subject, requester, asked, now()).unwrap();
        let event =
            Event::GateOpened { gate: gate.id.clone(), kind, subject_digest: gate.subject_digest, due_at: gate.due_at };
        self.earlier.extend(self.gate.replace(gate));
        self.then(event)
    }

    pub(crate) fn decided(mut self, verdict: Verdict) -> Self {
        let mut gate = self.gate.take().unwrap();
        let person = Person::from_email("ann@acme.example");
        gate.status = verdict.status();
        gate.decision = Some(Decision {
            verdict: verdict.clone(),
            by: Actor::Person { person, channel: Channel::Link },
            at: now(),
            comment: Some("Too broad.".to_owned()),
        });
        let event = Event::GateDecided {
            gate: gate.id.clone(),
            kind: gate.subject.kind(),
            status: gate.status,
            verdict,
            comment: Some("Too broad.".to_owned()),
        };
        self.gate = Some(gate);
        self.then(event)
    }

    pub(crate) fn run(self) -> Self {
        let attempt = self.workflow.attempt;
        let usage = Usage { micro_usd: 410_000, turns: 12, ..Usage::default() };
        self.then(Event::RunPrepared { attempt, base_commit: sha("a") })
            .then(Event::RunEnded {
                attempt,
                outcome: RunOutcome::Completed,
                usage,
                isolation: vec![],
                refused_connections: 0,
                model: None,
            })
            .then(Event::ChangesVerified { attempt, digest: Digest::of("c"), files: changed_files(), diff: None })
    }

    pub(crate) fn published(self) -> Self {
        let attempt = self.workflow.attempt;
        let report = qa_digest(&self.workflow);
        let story = self.then(Event::QaFinished { attempt, passed: true, report, blocking: vec![], findings: 0 }).then(
            Event::PrPublished {
                number: 5,
                url: "https://github.example/acme/shop/pull/5".to_owned(),
                branch: "pi-tickets/FL-1-ab12".to_owned(),
                head_sha: sha("b"),
                tree_sha: sha("c"),
            },
        );
        let subject = Subject::Pr { number: 5, head_sha: sha("b"), tree_sha: sha("c"), qa_report: report };
        story.opened(GateKind::Pr, subject)
    }

    pub(crate) fn failed_qa(self) -> Self {
        let attempt = self.workflow.attempt;
        let report = qa_digest(&self.workflow);
        let violations = vec![Violation {
            path: "README.md".to_owned(),
            kind: ViolationKind::PathNotInSpec,
            message: "`README.md` was changed (modify), but the approved SPEC does not name it".to_owned(),
        }];
        self.then(Event::QaFinished {
            attempt,
            passed: false,
            report,
            blocking: vec!["unit tests".to_owned()],
            findings: 0,
        })
        .then(Event::AttemptFailed {
            attempt,
            reason: "unit tests failed:\nnot ok 3 - keeps the session\n  @ann https://e.example".to_owned(),
            violations,
        })
    }

    pub(crate) fn broke(self, failure: Failure) -> Self {
        self.then(Event::Failed { failure })
    }
}

pub(crate) fn changed_files() -> Vec<ChangedFile> {
    [("package-lock.json", FileAction::Modify), ("src/session.js", FileAction::Modify)]
        .into_iter()
        .map(|(path, action)| {
            let path: domain::path::RepoPath = path.parse().unwrap();
            ChangedFile { protection: path.protection(), path, action }
        })
        .collect()
}

pub(crate) fn spec(workflow: &Workflow) -> Spec {
    let file = |path: &str, action, reason: &str| {
        let path: domain::path::RepoPath = path.parse().unwrap();
        SpecFile { protection: path.protection(), path, action, reason: reason.to_owned() }
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: workflow.id.clone(),
        revision: workflow.revision,
        ticket: workflow.ticket.key.clone(),
        ticket_digest: workflow.ticket.digest,
        base_commit: sha("a"),
        files: vec![
            file("src/session.js", FileAction::Modify, "Milliseconds were taken for seconds"),
            file("package-lock.json", FileAction::Modify, "One more package"),
        ],
        amendment: None,
        text: SpecText {
            title: workflow.ticket.title.clone(),
            problem_statement: "Sessions end after **30 seconds**; ask @ops.".to_owned(),
            proposed_solution: "Use milliseconds. See https://e.example/howto".to_owned(),
            implementation_plan: vec!["Change the constant.".to_owned()],
            testing_strategy: "The suite.".to_owned(),
            verification_checklist: vec![ChecklistItem {
                text: "Tests pass".to_owned(),
                verified_by: VerifiedBy::Gate { name: "unit tests".to_owned() },
            }],
            risks: vec![],
            new_dependencies: vec![NewDependency {
                name: "ms".to_owned(),
                version: "^3".to_owned(),
                reason: "Durations".to_owned(),
            }],
            confidence: 0.85,
            estimated_usd: 0.2,
            estimated_minutes: 3,
        },
    }
}

/// The amendment of [`spec`] that an agent's wish for two more files leads to.
pub(crate) fn amended(workflow: &Workflow) -> Spec {
    let base_paths = ["src/session.js", "package-lock.json", "yarn.lock"].map(str::to_owned).into();
    let wanted = ["src/clock.js", "yarn.lock"].map(str::to_owned);
    let context = AmendContext {
        approved: &spec(workflow),
        revision: spec(workflow).revision.next(),
        attempt: Attempt::FIRST,
        base_commit: &sha("a"),
        base_paths: &base_paths,
        protected: &domain::path::ProtectedPaths::default(),
        allow_workflow_files: false,
    };
    amend(&wanted, "Time is read there. Ask @ops: https://e.example/x", context).spec.unwrap()
}

pub(crate) fn qa(workflow: &Workflow) -> QaReport {
    let gate = |name: &str, code, failed_on_base| GateResult {
        name: name.to_owned(),
        required: true,
        result: CommandResult {
            command: "npm test".to_owned(),
            ended: Ended::Exit { code },
            duration_ms: 900,
            output: String::new(),
            output_bytes: 0,
        },
        failed_on_base,
        tests: None,
    };
    QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: workflow.id.clone(),
        attempt: workflow.attempt,
        base_commit: sha("a"),
        change_set: Digest::of("c"),
        setup: None,
        gates: vec![gate("unit tests", 0, None), gate("lint", 1, Some(true))],
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

pub(crate) fn qa_digest(workflow: &Workflow) -> Digest {
    Digest::of(serde_json::to_vec(&qa(workflow)).unwrap())
}
