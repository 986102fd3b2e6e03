mod resume;
mod stats;

use super::*;
use crate::audit::verify_chain;
use crate::budget::Usage;
use crate::failure::FailureKind;
use crate::gate::policy::RiskFacts;
use crate::gate::{GateKind, GateStatus, Verdict};
use crate::ids::Generation;
use crate::outbox::{Notice, OutboxChannel};
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
        // What is followed step by step is said once, by the number of the very entry.
        let (followed, told): (Vec<_>, Vec<_>) =
            change.outbox.into_iter().map(|(_, message)| message).partition(|m| m.channel == OutboxChannel::Slack);
        let ended = self.workflow.state.is_terminal();
        let expected = (change.entry.event.is_followed() || ended).then_some(change.entry.seq);
        let followed: Vec<_> = followed.into_iter().map(|message| message.notice).collect();
        assert_eq!(followed, expected.map(|entry| Notice::Recorded { entry }).into_iter().collect::<Vec<_>>());
        self.entries.push(change.entry);
        self.notices.extend(told.into_iter().map(|message| message.notice));
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
                facts: RiskFacts::default(),
                approvals: Box::default(),
                forecast: None,
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
                usage: Usage { turns: 1, micro_usd: 90, ..Usage::default() },
                isolation: vec![],
                refused_connections: 0,
                model: Some("model-a".to_owned()),
            })
            .then(Event::ChangesVerified { attempt, digest: Digest::of("c"), files: vec![], diff: None })
    }

    fn published(self) -> Self {
        let attempt = self.workflow.attempt;
        let gate = GateKind::Pr.gate_id(&self.workflow.id, self.workflow.pr_gates + 1).unwrap();
        self.then(Event::QaFinished { attempt, passed: true, report: Digest::of("q"), blocking: vec![], findings: 0 })
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
            findings: 0,
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
        findings: 0,
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

impl Story {
    /// The agent of the current attempt asks for a file, and an amendment is made.
    fn amended(self, kept: Option<Digest>) -> Self {
        let (attempt, revision) = (self.workflow.attempt, self.workflow.next_revision());
        let story = self.asked(attempt);
        let proposed = amendment(attempt, revision, kept);
        let story = story.then(proposed.clone());
        story.refuses(proposed);
        let gate = GateKind::Spec.gate_id(&story.workflow.id, story.workflow.spec_gates + 1).unwrap();
        let (subject_digest, due_at) = (Digest::of("s2"), Timestamp::UNIX_EPOCH);
        story.then(Event::GateOpened { gate, kind: GateKind::Spec, subject_digest, due_at })
    }

    fn asked(self, attempt: Attempt) -> Self {
        self.then(Event::RunPrepared { attempt, base_commit: sha("b") }).then(Event::RunEnded {
            attempt,
            outcome: RunOutcome::ScopeChangeRequested { paths: vec!["b.js".to_owned()], reason: "used".to_owned() },
            usage: Usage { turns: 1, ..Usage::default() },
            isolation: vec![],
            refused_connections: 0,
            model: None,
        })
    }
}

fn amendment(attempt: Attempt, revision: Revision, kept: Option<Digest>) -> Event {
    Event::ScopeChangeProposed {
        attempt,
        revision,
        spec_digest: Digest::of("amended"),
        base_commit: sha("b"),
        added: vec![],
        refused: vec![],
        agent_reason: "used".to_owned(),
        kept,
        feedback: "go on".to_owned(),
    }
}

#[test]
fn an_amendment_goes_back_to_the_gate_and_the_next_attempt_goes_on_from_the_last() {
    let kept = Digest::of("partial");
    let story = Story::begin(RoundLimits::default()).approved().amended(Some(kept));
    let entries = &story.entries[story.entries.len() - 2..];
    let moves: Vec<_> = entries.iter().map(|entry| (entry.from, entry.to)).collect();
    let asking = WorkflowState::AwaitingSpecApproval;
    assert_eq!(moves, [(WorkflowState::Executing, WorkflowState::Executing), (WorkflowState::Executing, asking)]);
    assert!(matches!(story.notices.last(), Some(Notice::SpecAwaitsApproval { revision, .. }) if revision.get() == 2));

    let story = story.decided(GateKind::Spec, GateStatus::Approved, Verdict::Approve);
    let row = &story.workflow;
    assert_eq!((row.state, row.attempt.get(), row.revision.get()), (WorkflowState::SpecApproved, 2, 2));
    assert_eq!(row.changes.as_ref().map(|changes| (changes.attempt, changes.digest)), Some((Attempt::FIRST, kept)));
    assert_eq!((row.run_feedback.as_deref(), row.repairs, row.phase), (Some("go on"), 0, Phase::Build));
    story
        .run()
        .published()
        .decided(GateKind::Pr, GateStatus::Approved, Verdict::Approve)
        .then(Event::PrMerged { merge_sha: sha("d") })
        .then(Event::Completed)
        .ends(WorkflowState::Completed, TicketStatus::Done);
}

#[test]
fn nothing_runs_between_an_amendment_and_its_gate() {
    let attempt = Attempt::FIRST;
    let story = Story::begin(RoundLimits::default()).approved().asked(attempt);
    story.refuses(amendment(attempt, Revision::FIRST, None));
    story.refuses(amendment(attempt, Revision::new(3), None));
    story.refuses(amendment(Attempt::new(2), Revision::new(2), None));
    assert!(!story.workflow.spec_gate_is_due());
    let story = story.then(amendment(attempt, Revision::new(2), None));
    assert!(story.workflow.spec_gate_is_due());
    let next = story.workflow.attempt;
    story.refuses(Event::RunPrepared { attempt: next, base_commit: sha("b") });
    story.refuses(Event::ChangesVerified { attempt: next, digest: Digest::of("c"), files: vec![], diff: None });
    story.refuses(Event::AttemptFailed { attempt: next, reason: String::new(), violations: vec![] });
}

#[test]
fn each_end_of_an_amendments_gate() {
    let asked = || Story::begin(RoundLimits::default()).approved().amended(Some(Digest::of("partial")));
    let rejected = asked().decided(GateKind::Spec, GateStatus::Rejected, Verdict::Reject);
    rejected.ends(WorkflowState::SpecRejected, TicketStatus::Blocked);

    let story = asked().decided(GateKind::Spec, GateStatus::RevisionRequested, Verdict::Revise);
    let row = &story.workflow;
    assert_eq!(
        (row.state, row.revision.get(), row.plan_feedback.as_deref()),
        (WorkflowState::Planning, 3, Some("why"))
    );
    assert_eq!((&row.changes, &row.run_feedback, &row.spec), (&None, &None, &None), "the new plan is built anew");
    let story = story.approved();
    assert_eq!(story.workflow.attempt.get(), 2, "no attempt is numbered twice");
    story.run().published();
}

#[test]
fn requests_for_more_files_are_limited_and_take_no_revision_from_people() {
    let limits = RoundLimits { scope_changes: 1, plan_revisions: 1, repairs: 1, ..RoundLimits::default() };
    let story = Story::begin(limits).approved().amended(None);
    assert!(story.workflow.may_revise());
    let story = story.decided(GateKind::Spec, GateStatus::Approved, Verdict::Approve);
    assert!(!story.workflow.may_change_scope());
    let attempt = story.workflow.attempt;
    let story = story.asked(attempt);
    story.refuses(amendment(attempt, Revision::new(3), None));

    let refused = |attempt| Event::ScopeChangeRefused {
        attempt,
        refused: vec![],
        reason: "no more".to_owned(),
        kept: Some(Digest::of("partial")),
    };
    let story = story.then(refused(attempt));
    let row = &story.workflow;
    assert_eq!((row.state, row.repairs, row.run_feedback.as_deref()), (WorkflowState::Executing, 1, Some("no more")));
    assert_eq!(row.changes.as_ref().map(|changes| changes.attempt), Some(attempt));
    let attempt = row.attempt;
    story.asked(attempt).then(refused(attempt)).ends(WorkflowState::QaFailed, TicketStatus::Blocked);
}

#[test]
fn a_row_of_before_the_limit_is_read() {
    let mut row = serde_json::to_value(Story::begin(RoundLimits::default()).workflow).unwrap();
    row.as_object_mut().unwrap().remove("scope_changes").unwrap();
    row["limits"].as_object_mut().unwrap().remove("scope_changes").unwrap();
    let row: Workflow = serde_json::from_value(row).unwrap();
    assert_eq!((row.scope_changes, row.limits.scope_changes), (0, 2));
}
