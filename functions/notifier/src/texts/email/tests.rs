use domain::gate::policy::{Quorum, RiskReason};
use domain::gate::{Approval, Delegation, Verdict};
use domain::person::{Actor, Channel, Person};
use insta::assert_snapshot;

use super::*;
use crate::facts::History;
use crate::testing::{HOSTILE, Story, amended, now, qa, seen, spec};

const URL: &str = "https://pi.example/live/approvals/0123abcd";

fn spec_mail_of(story: &Story) -> Mail {
    let (workflow, ticket) = (&story.workflow, &story.ticket);
    let frame = Frame { workflow, ticket, gate: story.gate.as_ref().unwrap(), call: Call::First, now: now(), url: URL };
    spec_mail(&frame, &spec(workflow))
}

fn pr_mail_of(story: &Story) -> Mail {
    let (workflow, ticket) = (&story.workflow, &story.ticket);
    let frame = Frame { workflow, ticket, gate: story.gate.as_ref().unwrap(), call: Call::First, now: now(), url: URL };
    pr_mail(&frame, &History::of(&story.trail).files, Some(&qa(workflow)))
}

fn published(title: &str) -> Story {
    Story::begin(title).planned().decided(Verdict::Approve).run().published()
}

#[test]
fn a_spec_is_shown() {
    let mail = spec_mail_of(&Story::begin("Keep sessions").planned());
    assert_snapshot!(mail.subject, @"Plan to approve: Keep sessions");
    assert_snapshot!(seen(&mail.text), @"
    Keep sessions

    May this be built in acme/shop?

    Read the plan and decide:
    https://pi.example/live/approvals/0123abcd

    You have 24 hours to decide, until Mon 23 Nov 2026, 10:00 UTC. If nobody decides by then, nothing is changed and the ticket is marked as blocked.

    WHAT THE TICKET ASKS
      Sessions end after 30 seconds instead of 30 minutes.

      See `src/session.js`.

    WHAT IS WRONG
      Sessions end after **30 seconds**; ask @¦ops.

    WHAT WILL BE DONE
      Use milliseconds. See https:¦//e.example/howto

    FILES THAT MAY CHANGE
    ! package-lock.json (modify) - protected: decides which dependencies are installed. One more package
      src/session.js (modify) - Milliseconds were taken for seconds

    IN NUMBERS
      Confidence: 85 %
      Forecast: $0.20, 3 minutes
      Checks: 1 item
      New packages: ms ^3
      Asked for by: rita@¦acme.example
      Ticket: flux-lens#FL-1

    This link is yours alone: do not forward it. Opening it decides nothing.
    ");
    assert_snapshot!("spec_mail_html", seen(&mail.html).replace("><", ">\n<"));
}

#[test]
fn a_later_plan_says_why_it_is_another_one() {
    let mut story = Story::begin("Keep sessions").planned();
    assert!(!spec_mail_of(&story).text.contains("WHY YOU ARE ASKED AGAIN"));
    story.workflow.plan_feedback = Some("`main` moved and changed: src/a.js. Ask @ops".to_owned());
    let text = seen(&spec_mail_of(&story).text);
    let (_, told) = text.split_once("WHY YOU ARE ASKED AGAIN\n").unwrap();
    assert_eq!(told.lines().next(), Some("  `main` moved and changed: src/a.js. Ask @¦ops"));
}

#[test]
fn an_amendment_says_so_and_has_the_added_files_first() {
    let story = Story::begin("Keep sessions").planned();
    let (workflow, ticket) = (&story.workflow, &story.ticket);
    let frame = Frame { workflow, ticket, gate: story.gate.as_ref().unwrap(), call: Call::First, now: now(), url: URL };
    let mail = spec_mail(&frame, &amended(workflow));
    assert_snapshot!(mail.subject, @"Amendment to approve: 2 more files for Keep sessions");
    assert_snapshot!(seen(&mail.text), @r"
    Keep sessions

    This is an amendment of the plan that was approved (revision 1): while it worked, the coding agent asked for 2 more files. Everything else is as approved. May the agent change these as well in acme/shop?

    Read the amendment and decide:
    https://pi.example/live/approvals/0123abcd

    You have 24 hours to decide, until Mon 23 Nov 2026, 10:00 UTC. If nobody decides by then, nothing is changed and the ticket is marked as blocked.

    ADDED FILES
    ! yarn.lock (modify) - protected: decides which dependencies are installed. Added: the agent asked for it in attempt 1.
      src/clock.js (create) - Added: the agent asked for it in attempt 1.

    WHY, IN THE AGENT'S OWN WORDS, WHICH NOBODY HAS CHECKED
      Time is read there. Ask @¦ops: https:¦//e.example/x

    FILES THAT ARE APPROVED ALREADY
    ! package-lock.json (modify) - protected: decides which dependencies are installed. One more package
      src/session.js (modify) - Milliseconds were taken for seconds

    WHAT THE TICKET ASKS
      Sessions end after 30 seconds instead of 30 minutes.

      See `src/session.js`.

    WHAT IS WRONG
      Sessions end after **30 seconds**; ask @¦ops.

    WHAT WILL BE DONE
      Use milliseconds. See https:¦//e.example/howto

    IN NUMBERS
      Confidence: 85 %
      Forecast: $0.20, 3 minutes
      Checks: 1 item
      New packages: ms ^3
      Revision: 2
      Asked for by: rita@¦acme.example
      Ticket: flux-lens#FL-1

    This link is yours alone: do not forward it. Opening it decides nothing.
    ");
    assert_snapshot!("amendment_mail_html", seen(&mail.html).replace("><", ">\n<"));
}

#[test]
fn a_pull_request_is_shown() {
    let mail = pr_mail_of(&published("Keep sessions"));
    assert_snapshot!(mail.subject, @"Change to merge: Keep sessions");
    assert_snapshot!(seen(&mail.text), @"
    Keep sessions

    May pull request 5 be merged into main of acme/shop?

    See the change and decide:
    https://pi.example/live/approvals/0123abcd

    You have 24 hours to decide, until Mon 23 Nov 2026, 10:00 UTC. If nobody decides by then, nothing is changed and the ticket is marked as blocked.

    WHAT THE TICKET ASKS
      Sessions end after 30 seconds instead of 30 minutes.

      See `src/session.js`.

    FILES THAT CHANGED
    ! package-lock.json (modify) - protected: decides which dependencies are installed
      src/session.js (modify)

    IN NUMBERS
      Checks: 1 of 2 passed; failed before the change already: lint; 1 checklist item for you to look at
      Attempts: 1
      Cost: $0.53
      Branch: pi-tickets/FL-1-ab12
      Head: bbbbbbbbbbbb
      Asked for by: rita@¦acme.example
      Ticket: flux-lens#FL-1

    This link is yours alone: do not forward it. Opening it decides nothing.
    ");
    assert_snapshot!("pr_mail_html", seen(&mail.html).replace("><", ">\n<"));
}

#[test]
fn the_only_link_is_the_decision_and_nothing_is_loaded() {
    for mail in [spec_mail_of(&Story::begin(HOSTILE).planned()), pr_mail_of(&published(HOSTILE))] {
        for form in [&mail.text, &mail.html] {
            assert_eq!(form.matches("://").count(), 1, "{form}");
            assert_eq!(form.matches(URL).count(), 1);
        }
        assert!(!mail.html.contains("<img"), "{}", mail.html);
        assert_eq!(mail.html.matches("href=").count(), 1);
        assert!(!mail.html.contains("@everyone") && !mail.subject.contains("@everyone"));
    }
}

#[test]
fn a_subject_is_one_line() {
    let mail = spec_mail_of(&Story::begin("a\r\nBcc: eve@e.example").planned());
    assert_snapshot!(seen(&mail.subject), @"Plan to approve: a Bcc: eve@¦e.example");
}

#[test]
fn a_mail_says_why_it_comes_again_and_how_many_approvals_it_takes() {
    let mut story = Story::begin("Keep sessions").planned();
    let (workflow, ticket) = (story.workflow.clone(), story.ticket.clone());
    let gate = story.gate.as_mut().unwrap();
    let reasons = vec![RiskReason::ProtectedFiles { count: 1 }, RiskReason::LowConfidence { percent: 40 }];
    gate.quorum = Quorum { required: 2, called_for: 3, reasons };
    let by = Actor::Person { person: Person::from_email("ann@acme.example"), channel: Channel::Console };
    gate.delegations.push(Delegation { from: by.clone(), to: Person::from_email("dora@acme.example"), at: now() });
    gate.approvals.push(Approval { by, at: now(), comment: None });
    let mail = |call| {
        let frame = Frame { workflow: &workflow, ticket: &ticket, gate, call, now: now(), url: URL };
        let mail = spec_mail(&frame, &spec(&workflow));
        let question = mail.text.split("\n\n").nth(1).unwrap_or_default().to_owned();
        (mail.subject, seen(&question), mail.text)
    };
    let of = |call| {
        let (subject, question, _) = mail(call);
        format!("{subject}\n{question}")
    };
    assert_snapshot!(of(Call::Again(Stage::Asked)), @"
    Edited: Plan to approve: Keep sessions
    An approver edited the plan and approved it so. Earlier approvals were of the plan before and count no more. May this be built in acme/shop?
    ");
    assert_snapshot!(of(Call::Again(Stage::Reminded)), @"
    Reminder: Plan to approve: Keep sessions
    This has waited for you since Sun 22 Nov 2026, 10:00 UTC. May this be built in acme/shop?
    ");
    assert_snapshot!(of(Call::Again(Stage::Escalated)), @"
    Still undecided: Plan to approve: Keep sessions
    Nobody has decided since Sun 22 Nov 2026, 10:00 UTC, so more people are asked now. May this be built in acme/shop?
    ");
    assert_snapshot!(of(Call::Again(Stage::LastCall)), @"
    Last call: Plan to approve: Keep sessions
    The time to decide is nearly over. May this be built in acme/shop?
    ");
    assert_snapshot!(of(Call::HandedOn), @"
    Handed on to you: Plan to approve: Keep sessions
    ann@¦acme.example (console) handed this decision on to you. May this be built in acme/shop?
    ");
    let (_, _, text) = mail(Call::First);
    assert_snapshot!(text.lines().find(|line| line.contains("Approvals")).unwrap().trim(), @"Approvals: 1 of 2 given; raised because of 1 protected file, the planner is only 40 % sure; 3 were called for, but no more people can give one");
}
