//! Values that tests begin with.

use domain::gate::policy::Asked;
use domain::gate::{Gate, GateKind, Subject};
use domain::ids::{Attempt, CommitSha, Revision, TicketKey, WorkflowId};
use domain::person::{Actor, Channel, Person};
use domain::qa::{CommandResult, Ended, GateResult, QA_REPORT_VERSION, QaReport};
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};
use domain::ticket::{Priority, Ticket};
use domain::workflow::Workflow;
use domain::{Digest, Timestamp};
use jiff::SignedDuration;

/// When every story begins.
pub fn now() -> Timestamp {
    at(0)
}

/// So many seconds after [`now`].
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_341_600 + seconds).unwrap()
}

/// Forty times the same letter.
pub fn sha(letter: &str) -> CommitSha {
    letter.repeat(40).parse().unwrap()
}

/// Somebody at acme.example.
pub fn person(name: &str) -> Person {
    Person::from_email(format!("{name}@acme.example"))
}

/// That person, through a link.
pub fn by(name: &str) -> Actor {
    Actor::Person { person: person(name), channel: Channel::Link }
}

/// A ticket of rita's for `acme/web`, branch `main`.
pub fn ticket(id: &str) -> Ticket {
    Ticket {
        key: TicketKey::flux_lens(id),
        version: 1,
        updated_at: now(),
        title: "Keep sessions for 30 minutes".to_owned(),
        description: "They end after 30 seconds.".to_owned(),
        url: format!("https://lens.example/t/{id}"),
        priority: Priority::Normal,
        labels: vec![],
        reporter: person("rita"),
        assignee: None,
        repository: "acme/web".parse().unwrap(),
        base_branch: "main".to_owned(),
    }
}

/// The SPEC of a workflow's current revision, with these files.
pub fn spec(workflow: &Workflow, base: &CommitSha, files: &[(&str, FileAction)]) -> Spec {
    let file = |(path, action): &(&str, FileAction)| SpecFile {
        path: path.parse().unwrap(),
        action: *action,
        reason: "why".to_owned(),
        protection: None,
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: workflow.id.clone(),
        revision: workflow.revision,
        ticket: workflow.ticket.key.clone(),
        ticket_digest: workflow.ticket.digest,
        base_commit: base.clone(),
        files: files.iter().map(file).collect(),
        amendment: None,
        text: SpecText {
            title: workflow.ticket.title.clone(),
            problem_statement: "They end.".to_owned(),
            proposed_solution: "They last.".to_owned(),
            confidence: 1.0,
            ..SpecText::default()
        },
    }
}

/// The QA report of a workflow's current attempt: its one gate passed.
pub fn qa(workflow: &Workflow) -> QaReport {
    let gates = vec![gate_result("unit tests", 0)];
    QaReport { gates, ..qa_of(&workflow.id, workflow.attempt, &sha("a"), Digest::of("changes")) }
}

/// A QA report without gates.
pub fn qa_of(workflow: &WorkflowId, attempt: Attempt, base: &CommitSha, change_set: Digest) -> QaReport {
    QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: workflow.clone(),
        attempt,
        base_commit: base.clone(),
        change_set,
        setup: None,
        gates: vec![],
        checklist: vec![],
        findings: vec![],
        bug_proof: None,
        refused_connections: 0,
        duration_ms: 2_000,
    }
}

/// The result of a required gate, `npm test`, which exited with `code`.
pub fn gate_result(name: &str, code: i32) -> GateResult {
    let result = CommandResult {
        command: "npm test".to_owned(),
        ended: Ended::Exit { code },
        duration_ms: 900,
        output: String::new(),
        output_bytes: 0,
    };
    GateResult { name: name.to_owned(), required: true, result, failed_on_base: None, tests: None }
}

/// An open SPEC gate of a workflow: the first, for an hour, with ann and bob as approvers.
pub fn gate(workflow: &Workflow) -> Gate {
    let subject = Subject::Spec {
        revision: Revision::FIRST,
        spec_digest: workflow.spec.as_ref().map_or_else(|| Digest::of("spec"), |spec| spec.digest),
        base_commit: sha("a"),
        ticket_digest: workflow.ticket.digest,
    };
    let asked = Asked::one_of(vec![person("ann"), person("bob")], SignedDuration::from_hours(1));
    let id = GateKind::Spec.gate_id(&workflow.id, 1).unwrap();
    Gate::new(id, workflow.id.clone(), subject, workflow.ticket.requester.clone(), asked, now()).unwrap()
}
