//! The handler over rows in memory, the real client of the tracker against its simulator, and the real client of SES
//! against a server that keeps the mails.

mod slack;
mod world;

use domain::Digest;
use domain::failure::{Failure, FailureKind};
use domain::gate::{GateKind, Verdict};
use domain::person::Person;
use domain::workflow::Event;
use flux_lens_sim::Status;
use serde_json::json;

use self::world::World;
use crate::testing::{Story, now, sha};

fn published() -> Story {
    Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().published()
}

fn completed() -> Story {
    let story = published().decided(Verdict::Approve);
    story.then(Event::PrMerged { merge_sha: sha("d") }).then(Event::Completed)
}

#[tokio::test]
async fn a_ticket_is_told_from_start_to_end() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert_eq!(world.ticket_status(), Status::InProgress);
    assert_eq!(world.comments().len(), 1, "the plan");
    assert_eq!(world.recipients(), ["ann@acme.example", "bob@acme.example"]);
    let world = World::of(completed()).await;
    world.notify_all().await;
    assert_eq!(world.ticket_status(), Status::Done);
    assert!(world.comments().last().unwrap().contains("Done: the change is merged"));
    assert!(world.recipients().is_empty(), "both gates were decided before their mails were due");
    assert!(world.everything_is_sent());
}

#[tokio::test]
async fn a_message_that_comes_twice_is_sent_once() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.notify_all().await;
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert_eq!((world.comments().len(), world.recipients().len()), (1, 2));
}

#[tokio::test]
async fn an_ended_ticket_is_not_moved_back_whatever_the_order() {
    let world = World::of(completed()).await;
    let mut seqs = world.seqs();
    seqs.reverse();
    world.notify(&seqs).await;
    assert_eq!(world.ticket_status(), Status::Done);
}

#[tokio::test]
async fn an_end_that_overtakes_the_start_is_told_again() {
    // The end is written while the start is being told.
    let world = World::of(Story::begin("Keep sessions").started()).await;
    world.end_after_the_next_look(Failure::new(FailureKind::Internal, "bug"));
    world.notify_all().await;
    assert_eq!(world.ticket_status(), Status::Blocked);
}

#[tokio::test]
async fn a_later_workflow_keeps_its_status() {
    let failure = Failure::new(FailureKind::ModelUnavailable, "no answer");
    let world = World::of(Story::begin("Keep sessions").started().broke(failure)).await;
    world.start_a_later_workflow();
    world.notify_all().await;
    assert_eq!(world.ticket_status(), Status::Open);
    assert_eq!(world.comments().len(), 1, "what became of the earlier one is still told");
}

#[tokio::test]
async fn one_failing_mailbox_keeps_nobody_else_from_theirs_and_sends_nothing_twice() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.mail_fails_for("ann@acme.example", 1);
    let failed = world.notify_all().await;
    assert_eq!(failed.len(), 1);
    assert_eq!(world.recipients(), ["bob@acme.example"]);
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert_eq!(world.recipients(), ["bob@acme.example", "ann@acme.example"]);
    assert_eq!(world.comments().len(), 1);
}

#[tokio::test]
async fn each_approver_gets_a_link_of_their_own() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.notify_all().await;
    let mails = world.mails();
    let link = |n: usize| mails[n]["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap().to_owned();
    assert!(link(0).contains("https://pi.example/live/approvals/link-1\n"));
    assert!(link(1).contains("https://pi.example/live/approvals/link-2\n"));
    assert_eq!(mails[0]["FromEmailAddress"], "pi@acme.example");
    assert_eq!(mails[0]["Destination"], json!({"ToAddresses": ["ann@acme.example"]}));
}

#[tokio::test]
async fn a_gate_whose_time_is_over_needs_no_mail() {
    let mut story = Story::begin("Keep sessions").planned();
    story.gate.as_mut().unwrap().due_at = now();
    let world = World::of(story).await;
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert!(world.recipients().is_empty() && world.everything_is_sent());
}

#[tokio::test]
async fn a_gate_that_closes_while_its_mails_are_made_brings_nothing_back() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.no_more_links();
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert!(world.recipients().is_empty() && world.everything_is_sent());
}

/// The plan's gate after somebody asked for a code with ann's link.
fn with_a_code() -> Story {
    let story = Story::begin("Keep sessions").planned();
    let gate = story.gate.clone().unwrap();
    let (to, link) = (Box::new(Person::from_email("ann@acme.example")), Digest::of("link"));
    story.then(Event::CodeRequested { gate: gate.id, kind: GateKind::Spec, to, link, number: 1 })
}

#[tokio::test]
async fn a_code_goes_once_to_whom_the_link_belongs() {
    let world = World::of(with_a_code()).await;
    let code = *world.seqs().last().unwrap();
    for _ in 0..2 {
        assert_eq!(world.notify(&[code]).await, Vec::<String>::new());
    }
    assert_eq!(world.recipients(), ["ann@acme.example"]);
    let text = world.mails()[0]["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap().to_owned();
    assert!(text.contains("\n  000001\n") && !text.contains("://"), "{text}");
}

#[tokio::test]
async fn a_decided_gate_needs_no_code() {
    let world = World::of(with_a_code().decided(Verdict::Approve)).await;
    world.notify_all().await;
    assert!(world.recipients().is_empty());
}

#[tokio::test]
async fn a_row_that_another_sender_holds_comes_back() {
    let world = World::of(Story::begin("Keep sessions").started()).await;
    world.hold(1);
    assert_eq!(world.notify(&[1]).await, ["m-1"]);
    assert_eq!(world.ticket_status(), Status::Open);
}

#[tokio::test]
async fn a_tracker_that_is_down_gets_its_message_later() {
    let world = World::of(Story::begin("Keep sessions").started()).await;
    world.tracker_fails(503, 2);
    assert_eq!(world.notify_all().await, ["m-1"], "the first try and its repeat failed");
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert_eq!(world.ticket_status(), Status::InProgress);
}

#[tokio::test]
async fn a_tracker_that_says_no_for_good_is_not_asked_for_ever() {
    let world =
        World::of(Story::begin("Keep sessions").started().broke(Failure::new(FailureKind::Internal, "bug"))).await;
    world.tracker.cancel("FL-1").unwrap();
    assert_eq!(world.notify_all().await, Vec::<String>::new());
    assert_eq!((world.ticket_status(), world.comments().len()), (Status::Cancelled, 1));
}

#[tokio::test]
async fn a_message_that_is_no_pointer_goes_to_the_dead_letters() {
    let world = World::of(Story::begin("Keep sessions")).await;
    for body in ["", "{}", "null", r#"{"workflow_id": "../x", "seq": 1}"#] {
        assert_eq!(world.deliver(vec![("m-x".to_owned(), body.to_owned())]).await, ["m-x"], "{body}");
    }
    assert_eq!(world.notify(&[99]).await, Vec::<String>::new(), "a row that is gone is nothing to wait for");
}
