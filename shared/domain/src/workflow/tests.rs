use super::*;
use crate::audit::verify_chain;
use crate::budget::Usage;
use crate::failure::FailureKind;
use crate::gate::{GateKind, GateStatus, Verdict};
use crate::ids::Generation;
use crate::outbox::Notice;
use crate::task::RunOutcome;
use crate::ticket::TicketStatus;

fn sha(letter: &str) -> CommitSha {
    letter.repeat(40).parse().unwrap()
}

/// A workflow with its whole history, told event by event.
struct Story {
    workflow: Workflow,
    entries: Vec<AuditEntry>,
    notices: Vec<Notice>,
}

impl Story {
    fn begin(limits: RoundLimits) -> Self {
        let ticket = Ticket {
            key: TicketKey::flux_lens("7"),
            version: 1,
            updated_at: Timestamp::UNIX_EPOCH,
            title: "T".to_owned(),
            description: "D".to_owned(),
            url: "https://tracker.example/7".to_owned(),
            priority: Priority::Normal,
            labels: vec![],
            reporter: Person::from_email("rita@example.com"),
            assignee: None,
            repository: "acme/app".parse().unwrap(),
            base_branch: "main".to_owned(),
        };
        let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
        let (workflow, entry) =
            Workflow::create(id, &ticket, limits, Actor::system("intake"), Timestamp::UNIX_EPOCH).unwrap();
        Self { workflow, entries: vec![entry], notices: vec![] }
    }

    fn then(mut self, event: Event) -> Self {
        let change = self.workflow.apply(event, Actor::system("test"), Timestamp::UNIX_EPOCH).unwrap();
        self.workflow = change.workflow;
        self.entries.push(change.entry);
        self.notices.extend(change.outbox.into_iter().map(|(_, message)| message.notice));
        self
    }

    fn refuses(&self, event: Event) {
        assert!(self.workflow.apply(event, Actor::system("test"), Timestamp::UNIX_EPOCH).is_err());
    }

    fn planned(self) -> Self {
        let revision = self.workflow.revision;
        let n = self.workflow.spec_gates + 1;
        let gate = GateKind::Spec.gate_id(&self.workflow.id, n).unwrap();
        self.then(Event::PlanningStarted { revision })
            .then(Event::SpecProposed {
                revision,
                spec_digest: Digest::of("spec"),
                base_commit: sha("a"),
                usage: Usage::default(),
            })
            .then(Event::GateOpened {
                gate,
                kind: GateKind::Spec,
                subject_digest: Digest::of("s"),
                due_at: Timestamp::UNIX_EPOCH,
            })
    }

    fn decided(self, kind: GateKind, status: GateStatus, verdict: Verdict) -> Self {
        let gate = self.workflow.open_gate.clone().unwrap();
        self.then(Event::GateDecided { gate, kind, status, verdict, comment: Some("why".to_owned()) })
    }

    fn approved(self) -> Self {
        self.planned().decided(GateKind::Spec, GateStatus::Approved, Verdict::Approve)
    }

    fn run(self) -> Self {
        let attempt = self.workflow.attempt;
        self.then(Event::RunPrepared { attempt, base_commit: sha("a") })
            .then(Event::RunEnded {
                attempt,
                outcome: RunOutcome::Completed,
                usage: Usage { turns: 1, ..Usage::default() },
                isolation: vec![],
            })
            .then(Event::ChangesVerified { attempt, digest: Digest::of("c"), files: vec![] })
    }

    fn published(self) -> Self {
        let attempt = self.workflow.attempt;
        let gate = GateKind::Pr.gate_id(&self.workflow.id, self.workflow.pr_gates + 1).unwrap();
        self.then(Event::QaFinished { attempt, passed: true, report: Digest::of("q"), blocking: vec![] })
            .then(Event::PrPublished {
                number: 5,
                url: "u".to_owned(),
                branch: "b".to_owned(),
                head_sha: sha("b"),
                tree_sha: sha("c"),
            })
            .then(Event::GateOpened {
                gate,
                kind: GateKind::Pr,
                subject_digest: Digest::of("p"),
                due_at: Timestamp::UNIX_EPOCH,
            })
    }

    fn failed_qa(self) -> Self {
        let attempt = self.workflow.attempt;
        self.then(Event::QaFinished {
            attempt,
            passed: false,
            report: Digest::of("q"),
            blocking: vec!["test".to_owned()],
        })
        .then(Event::AttemptFailed { attempt, reason: "test failed".to_owned(), violations: vec![] })
    }

    fn ends(self, state: WorkflowState, status: TicketStatus) {
        assert_eq!(self.workflow.state, state);
        let ended: Vec<_> = self.notices.iter().filter(|n| matches!(n, Notice::Ended { .. })).collect();
        assert!(matches!(ended[..], [Notice::Ended { status: said, .. }] if *said == status), "{ended:?}");
        verify_chain(&self.workflow.id, &self.entries, self.workflow.audit).unwrap();
        for event in [Event::Completed, Event::Cancelled, Event::PlanningStarted { revision: Revision::FIRST }] {
            self.refuses(event);
        }
    }
}

#[test]
fn a_ticket_is_resolved() {
    Story::begin(RoundLimits::default())
        .approved()
        .run()
        .published()
        .decided(GateKind::Pr, GateStatus::Approved, Verdict::Approve)
        .then(Event::PrMerged { merge_sha: sha("d") })
        .then(Event::Completed)
        .ends(WorkflowState::Completed, TicketStatus::Done);
}

#[test]
fn a_merge_at_the_host_is_a_fact() {
    Story::begin(RoundLimits::default())
        .approved()
        .run()
        .published()
        .decided(GateKind::Pr, GateStatus::Approved, Verdict::MergedAtHost { merge_sha: sha("d") })
        .then(Event::Completed)
        .ends(WorkflowState::Completed, TicketStatus::Done);
}

#[test]
fn a_revision_is_planned_again_and_old_results_do_not_count() {
    let story = Story::begin(RoundLimits::default()).planned();
    let story = story.decided(GateKind::Spec, GateStatus::RevisionRequested, Verdict::Revise);
    assert_eq!(story.workflow.revision, Revision::new(2));
    assert_eq!(story.workflow.plan_feedback.as_deref(), Some("why"));
    story.refuses(Event::PlanningStarted { revision: Revision::FIRST });
    story.approved().run().published();
}

#[test]
fn a_failed_attempt_is_repaired_until_the_limit() {
    let limits = RoundLimits { repairs: 1, ..RoundLimits::default() };
    let story = Story::begin(limits).approved().run().failed_qa();
    assert_eq!((story.workflow.state, story.workflow.attempt), (WorkflowState::Executing, Attempt::new(2)));
    story.refuses(Event::QaFinished {
        attempt: Attempt::FIRST,
        passed: true,
        report: Digest::of("q"),
        blocking: vec![],
    });
    story.run().failed_qa().ends(WorkflowState::QaFailed, TicketStatus::Blocked);
}

#[test]
fn a_review_round_starts_the_repairs_anew() {
    let limits = RoundLimits { repairs: 1, review_rounds: 1, ..RoundLimits::default() };
    let story = Story::begin(limits).approved().run().failed_qa().run().published();
    let story = story.decided(GateKind::Pr, GateStatus::RevisionRequested, Verdict::Revise);
    assert_eq!((story.workflow.repairs, story.workflow.phase), (0, Phase::Review));
    let story = story.run().published().decided(GateKind::Pr, GateStatus::RevisionRequested, Verdict::Revise);
    assert_eq!(story.workflow.state, WorkflowState::AwaitingPrApproval, "no round is left: the publisher closes");
    story
        .then(Event::PrClosed { reason: "no rounds left".to_owned() })
        .ends(WorkflowState::PrClosed, TicketStatus::Blocked);
}

#[test]
fn each_end_of_the_spec_gate() {
    for (status, verdict, state, ticket) in [
        (GateStatus::Rejected, Verdict::Reject, WorkflowState::SpecRejected, TicketStatus::Blocked),
        (GateStatus::Expired, Verdict::Expire, WorkflowState::SpecRejected, TicketStatus::Blocked),
    ] {
        let story = Story::begin(RoundLimits::default()).planned();
        story.decided(GateKind::Spec, status, verdict).ends(state, ticket);
    }
}

#[test]
fn a_cancelled_gate_ends_the_workflow_only_where_somebody_asked_for_it() {
    let request = Event::CancelRequested { reason: "not needed".to_owned() };
    let story = Story::begin(RoundLimits::default()).planned().then(request);
    let story = story.decided(GateKind::Spec, GateStatus::Cancelled, Verdict::Cancel);
    assert_eq!(story.workflow.reason.as_deref(), Some("not needed"));
    story.ends(WorkflowState::Cancelled, TicketStatus::Cancelled);

    let story = Story::begin(RoundLimits::default()).planned();
    let story = story.decided(GateKind::Spec, GateStatus::Cancelled, Verdict::Cancel);
    assert_eq!((story.workflow.state, &story.workflow.open_gate), (WorkflowState::AwaitingSpecApproval, &None));
    story
        .then(Event::Failed { failure: Failure::new(FailureKind::Transient, "the execution timed out") })
        .ends(WorkflowState::Error, TicketStatus::Blocked);
}

#[test]
fn a_cancel_needs_a_request_and_an_error_needs_nothing() {
    let story = Story::begin(RoundLimits::default()).approved();
    story.refuses(Event::Cancelled);
    story
        .then(Event::CancelRequested { reason: "not needed".to_owned() })
        .then(Event::Cancelled)
        .ends(WorkflowState::Cancelled, TicketStatus::Cancelled);
    Story::begin(RoundLimits::default())
        .then(Event::Failed { failure: Failure::new(FailureKind::Internal, "bug") })
        .ends(WorkflowState::Error, TicketStatus::Blocked);
}

#[test]
fn a_broken_chain_is_found_at_its_place() {
    let story = Story::begin(RoundLimits::default()).approved().run();
    let (id, head) = (&story.workflow.id, story.workflow.audit);
    let check = |entries: Vec<AuditEntry>| verify_chain(id, &entries, head).unwrap_err().seq;
    let entries = story.entries.clone();
    let mut changed = entries.clone();
    changed[2].at = Timestamp::MAX;
    assert_eq!(check(changed), 3);
    let mut swapped = entries.clone();
    swapped.swap(1, 2);
    assert_eq!(check(swapped), 2);
    let mut dropped = entries.clone();
    dropped.remove(3);
    assert_eq!(check(dropped), 4);
    let mut cut = entries;
    cut.pop();
    assert_eq!(check(cut), head.seq);
}
