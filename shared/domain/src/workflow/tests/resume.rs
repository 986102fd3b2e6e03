//! Workflows that ended without their result and go on.

use super::*;
use crate::workflow::{ResumePoint, Resumption};

fn failed() -> Event {
    Event::Failed { failure: Failure::new(FailureKind::GithubRefused, "no permission") }
}

impl Story {
    fn resumed(self, from: ResumePoint, comment: Option<&str>) -> Self {
        let number = self.workflow.execution().resumption + 1;
        let comment = comment.map(str::to_owned);
        self.then(Event::Resumed { resumption: Resumption { number, from }, comment })
    }

    fn broken(self) -> Self {
        self.then(failed())
    }

    fn qa(self, passed: bool) -> Self {
        let attempt = self.workflow.attempt;
        self.then(Event::QaFinished { attempt, passed, report: Digest::of("q"), blocking: vec![], findings: 0 })
    }

    fn merged(self) {
        self.decided(GateKind::Pr, GateStatus::Approved, Verdict::Approve)
            .then(Event::PrMerged { merge_sha: sha("d") })
            .then(Event::Completed)
            .ends_after_all();
    }

    fn ends_after_all(self) {
        assert_eq!(self.workflow.state, WorkflowState::Completed);
        verify_chain(&self.workflow.id, &self.entries, self.workflow.audit).unwrap();
        assert_eq!((&self.workflow.failure, &self.workflow.reason), (&None, &None));
    }
}

fn begin() -> Story {
    Story::begin(RoundLimits::default())
}

/// Story by story: where it broke, from where it can go on, and that it gets to its end from the first of those.
#[test]
fn each_end_has_the_point_at_which_least_is_repeated() {
    use ResumePoint::{AskPr, AskSpec, Check, Plan, Publish, Run};
    let proposed = || {
        let mut story = begin().planned().decided(GateKind::Spec, GateStatus::RevisionRequested, Verdict::Revise);
        let revision = story.workflow.revision;
        story = story.then(Event::PlanningStarted { revision });
        story
    };
    let rejected = |status, verdict| begin().planned().decided(GateKind::Spec, status, verdict);
    let closed = |status, verdict| {
        let story = begin().approved().run().published().decided(GateKind::Pr, status, verdict);
        story.then(Event::PrClosed { reason: "closed".to_owned() })
    };
    let limits = RoundLimits { repairs: 0, ..RoundLimits::default() };
    let unsuitable = Event::FoundUnsuitable { reason: "no code".to_owned(), usage: Usage::default() };
    let cases: Vec<(&str, Story, &[ResumePoint])> = vec![
        ("before planning", begin().broken(), &[Plan]),
        ("planning", proposed().broken(), &[Plan]),
        ("waiting for the plan's approval", begin().planned().broken(), &[AskSpec, Plan]),
        ("approved", begin().approved().broken(), &[Run, Plan]),
        ("checking", begin().approved().run().broken(), &[Check, Run, Plan]),
        ("publishing", begin().approved().run().qa(true).broken(), &[Publish, Run, Plan]),
        ("waiting for the merge", begin().approved().run().published().broken(), &[AskPr, Run, Plan]),
        ("unfit", begin().then(Event::PlanningStarted { revision: Revision::FIRST }).then(unsuitable), &[Plan]),
        ("no to the plan", rejected(GateStatus::Rejected, Verdict::Reject), &[Plan]),
        ("no answer to the plan", rejected(GateStatus::Expired, Verdict::Expire), &[AskSpec, Plan]),
        ("bad checks", Story::begin(limits).approved().run().failed_qa(), &[Run, Plan]),
        ("no to the change", closed(GateStatus::Rejected, Verdict::Reject), &[Run, Plan]),
        ("no answer to the change", closed(GateStatus::Expired, Verdict::Expire), &[Publish, Run, Plan]),
        ("again", begin().approved().broken().resumed(Run, None).broken(), &[Run, Plan]),
    ];
    for (name, story, points) in cases {
        assert_eq!(story.workflow.resume_points(), points, "{name}");
        let story = story.resumed(points[0], None);
        assert!(!story.workflow.state.is_terminal(), "{name}");
        assert_eq!(story.workflow.resume_points(), [], "{name}: it lives");
        let story = match points[0] {
            Plan => story.approved().run().published(),
            AskSpec => {
                let gate = GateKind::Spec.gate_id(&story.workflow.id, story.workflow.spec_gates + 1).unwrap();
                let (subject_digest, due_at) = (Digest::of("s"), Timestamp::UNIX_EPOCH);
                story
                    .then(Event::GateOpened { gate, kind: GateKind::Spec, subject_digest, due_at })
                    .decided(GateKind::Spec, GateStatus::Approved, Verdict::Approve)
                    .run()
                    .published()
            }
            Run => story.run().published(),
            Check | Publish => story.published(),
            AskPr => {
                let gate = GateKind::Pr.gate_id(&story.workflow.id, story.workflow.pr_gates + 1).unwrap();
                let (subject_digest, due_at) = (Digest::of("p"), Timestamp::UNIX_EPOCH);
                story.then(Event::GateOpened { gate, kind: GateKind::Pr, subject_digest, due_at })
            }
        };
        story.merged();
    }
}

#[test]
fn what_is_done_or_cancelled_stays_ended() {
    let done = begin().approved().run().published().decided(GateKind::Pr, GateStatus::Approved, Verdict::Approve);
    let done = done.then(Event::PrMerged { merge_sha: sha("d") }).then(Event::Completed);
    let cancel = Event::CancelRequested { reason: "not needed".to_owned() };
    let cancelled = begin().approved().then(cancel.clone()).then(Event::Cancelled);
    let broken_while_asked_to_stop = begin().approved().then(cancel).broken();
    for story in [done, cancelled, broken_while_asked_to_stop, begin().approved()] {
        assert_eq!(story.workflow.resume_points(), []);
        for from in ResumePoint::ALL {
            story.refuses(Event::Resumed { resumption: Resumption { number: 1, from }, comment: None });
        }
    }
}

#[test]
fn a_resumption_counts_once_and_only_where_it_was_offered() {
    let story = begin().approved().broken();
    let wish = |number, from| Event::Resumed { resumption: Resumption { number, from }, comment: None };
    for (number, from) in [(0, ResumePoint::Run), (2, ResumePoint::Run), (1, ResumePoint::Publish)] {
        story.refuses(wish(number, from));
    }
    let story = story.then(wish(1, ResumePoint::Run));
    story.refuses(wish(2, ResumePoint::Run));
    assert_eq!(story.workflow.execution().to_string(), format!("{}-r1", story.workflow.id));
}

#[test]
fn nothing_of_an_attempt_that_broke_off_counts_for_the_next() {
    let attempt = Attempt::FIRST;
    let story = begin().approved().then(Event::RunPrepared { attempt, base_commit: sha("a") }).broken();
    let story = story.resumed(ResumePoint::Run, Some("Mind the clock."));
    assert_eq!((story.workflow.state, story.workflow.attempt.get()), (WorkflowState::SpecApproved, 2));
    assert_eq!(story.workflow.run_feedback.as_deref(), Some("Mind the clock."));
    story.refuses(Event::ChangesVerified { attempt, digest: Digest::of("late"), files: vec![], diff: None });
    story.run().published();
}

#[test]
fn repairs_begin_anew_and_the_agent_is_told_why() {
    let limits = RoundLimits { repairs: 1, ..RoundLimits::default() };
    let story = Story::begin(limits).approved().run().failed_qa().run().failed_qa();
    let story = story.resumed(ResumePoint::Run, Some("The suite needs a database."));
    let row = &story.workflow;
    assert_eq!((row.repairs, row.attempt.get(), row.phase), (0, 3, Phase::Repair));
    let told = row.run_feedback.as_deref().unwrap();
    assert!(told.contains("test failed") && told.contains("The suite needs a database."), "{told}");
    story.run().failed_qa().run().published();
}

#[test]
fn a_new_text_of_the_ticket_reaches_what_may_be_resumed_and_nothing_else() {
    let update = || Event::TicketUpdated { ticket_version: 2, ticket_digest: Digest::of("more precise") };
    let story = begin().planned().decided(GateKind::Spec, GateStatus::Rejected, Verdict::Reject).then(update());
    assert_eq!(story.workflow.state, WorkflowState::SpecRejected);
    assert_eq!(story.workflow.ticket.digest, Digest::of("more precise"));
    let cancel = Event::CancelRequested { reason: "no".to_owned() };
    begin().then(cancel).then(Event::Cancelled).refuses(update());
}

#[test]
fn a_closed_pull_request_is_followed_by_a_new_one() {
    let story = begin().approved().run().published().decided(GateKind::Pr, GateStatus::Expired, Verdict::Expire);
    let story = story.then(Event::PrClosed { reason: "expired".to_owned() });
    assert!(story.workflow.pr.is_some());
    assert_eq!(story.resumed(ResumePoint::Publish, None).workflow.pr, None);
}

#[test]
fn the_time_between_an_end_and_a_resumption_is_no_time_of_work() {
    let story = begin().approved().broken();
    let event = Event::Resumed { resumption: Resumption { number: 1, from: ResumePoint::Run }, comment: None };
    let later = Timestamp::from_second(86_400).unwrap();
    let resumed = story.workflow.apply(event, Actor::system("test"), later).unwrap().workflow;
    assert_eq!((resumed.stats.entered_at, resumed.stats.time_in(WorkflowState::Error)), (Some(later), None));
}
