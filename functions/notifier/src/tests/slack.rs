//! Slack: one message for each gate, edited in place, its thread, and what happens when Slack is busy or away.

use domain::failure::{Failure, FailureKind};
use domain::gate::{Approval, Stage, Verdict};
use domain::person::{Actor, Channel, Person};
use domain::workflow::Event;
use slack::Slack;
use slack_sim::{CHANNEL, Message, TEAM, TOKEN};

use super::world::World;
use crate::testing::{Story, now, sha};

/// The questions, oldest first.
fn questions(world: &World) -> Vec<Message> {
    world.slack.messages().into_iter().filter(|message| message.thread_ts.is_none()).collect()
}

/// What stands in the thread of a question.
fn thread(world: &World, of: &Message) -> Vec<String> {
    let replies = world.slack.messages().into_iter().filter(|message| message.thread_ts.as_ref() == Some(&of.ts));
    replies.map(|message| message.text).collect()
}

fn shown(message: &Message) -> String {
    serde_json::to_string(&message.blocks).unwrap()
}

fn ann() -> Actor {
    Actor::Person { person: Person::from_email("ann@acme.example"), channel: Channel::Slack }
}

/// One of two approvals.
fn approved_once(mut story: Story) -> Story {
    let gate = story.gate.as_mut().unwrap();
    gate.quorum.required = 2;
    gate.approvals.push(Approval { by: ann(), at: now(), comment: None });
    let event = Event::GateApproved {
        gate: gate.id.clone(),
        kind: gate.subject.kind(),
        comment: None,
        approvals: 1,
        required: 2,
    };
    story.then(event)
}

fn reminded(mut story: Story, stage: Stage) -> Story {
    let gate = story.gate.as_mut().unwrap();
    gate.stage = stage;
    let event = Event::GateStage { gate: gate.id.clone(), kind: gate.subject.kind(), stage, added: vec![] };
    story.then(event)
}

#[tokio::test]
async fn a_gates_message_is_edited_in_place_to_its_outcome() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    assert_eq!(world.tell_slack().await, Vec::<String>::new());
    let asked = questions(&world);
    assert_eq!((asked.len(), asked[0].text.as_str()), (1, "Plan to approve: Keep sessions"));
    assert_eq!(asked[0].buttons().into_keys().collect::<Vec<_>>(), ["approve", "open", "reject", "revise"]);
    assert_eq!(
        asked[0].buttons()["open"]["url"],
        format!("https://pi.example/live/workflows/{}/gate", world.workflow_id())
    );

    world.then(approved_once);
    world.tell_slack().await;
    let counted = questions(&world);
    assert_eq!((counted.len(), &counted[0].ts, counted[0].edits), (1, &asked[0].ts, 1));
    assert!(shown(&counted[0]).contains("*1 of 2 approvals*"), "{}", shown(&counted[0]));
    assert_eq!(counted[0].buttons().len(), 4, "it still asks");

    world.then(|story| story.decided(Verdict::Approve));
    world.tell_slack().await;
    let decided = questions(&world);
    assert_eq!((decided.len(), &decided[0].ts, decided[0].edits), (1, &asked[0].ts, 2));
    assert_eq!(decided[0].text, "Plan approved: Keep sessions");
    assert_eq!(decided[0].buttons().into_keys().collect::<Vec<_>>(), ["open"], "nothing is left to press");
    assert!(shown(&decided[0]).contains("By ann@\u{200b}acme.example (link)"), "{}", shown(&decided[0]));
}

#[tokio::test]
async fn what_follows_is_told_in_the_thread_and_is_not_much() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.tell_slack().await;
    world.then(|story| story.decided(Verdict::Approve).run().published());
    world.tell_slack().await;
    world.then(|story| {
        story.decided(Verdict::Approve).then(Event::PrMerged { merge_sha: sha("d") }).then(Event::Completed)
    });
    assert_eq!(world.tell_slack().await, Vec::<String>::new());
    let asked = questions(&world);
    let texts: Vec<_> = asked.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["Plan approved: Keep sessions", "Change approved: Keep sessions"]);
    let first =
        ["The coding agent has started: attempt 1.", "Attempt 1 passed its checks.", "Pull request 5 is there."];
    assert_eq!(thread(&world, &asked[0]), first);
    assert_eq!(thread(&world, &asked[1]), ["Done: the change is merged."]);
    assert!(world.everything_for_slack_is_sent());
}

#[tokio::test]
async fn a_message_that_comes_twice_posts_nothing_twice() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.tell_slack().await;
    world.then(|story| story.decided(Verdict::Approve).run());
    world.tell_slack().await;
    let before = (world.slack.messages(), world.slack.calls().len());
    for _ in 0..2 {
        world.forget_that_anything_was_sent();
        assert_eq!(world.tell_slack().await, Vec::<String>::new());
    }
    assert_eq!((world.slack.messages(), world.slack.calls().len()), before, "Slack is not even called");
    // Where the thread is not written down, the same deliveries do post it all again: that is what keeps them from it.
    world.lose_thread();
    world.forget_that_anything_was_sent();
    world.then(Story::published);
    world.tell_slack().await;
    assert!(world.slack.messages().len() > before.0.len());
}

#[tokio::test]
async fn the_newest_message_tells_what_older_ones_would_have() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.tell_slack().await;
    world.then(|story| story.decided(Verdict::Approve).run().published());
    let mut seqs = world.slack_seqs();
    seqs.reverse();
    assert_eq!(world.notify(&seqs).await, Vec::<String>::new());
    let asked = questions(&world);
    assert_eq!(asked.len(), 2);
    assert_eq!(thread(&world, &asked[0]).len(), 3, "in the order in which it happened");
    assert!(thread(&world, &asked[0])[0].contains("has started"));
}

#[tokio::test]
async fn those_who_have_not_answered_are_mentioned() {
    let mut story = Story::begin("Keep sessions").planned();
    let gate = story.gate.as_mut().unwrap();
    gate.approvers[0].slack_id = Some(format!("{TEAM}/U0ANN"));
    gate.approvers[1].slack_id = Some(format!("{TEAM}/U0BOB"));
    let mut elsewhere = Person::from_email("eve@acme.example");
    elsewhere.slack_id = Some("T0OTHER/U0EVE".to_owned());
    gate.approvers.push(elsewhere);
    let world = World::of(story).await;
    world.tell_slack().await;
    world.then(approved_once);
    world.then(|story| reminded(story, Stage::Reminded));
    world.tell_slack().await;
    let replies: Vec<_> = world.slack.messages().into_iter().filter(|m| m.thread_ts.is_some()).collect();
    assert_eq!(replies.len(), 1);
    let text = shown(&replies[0]);
    assert!(text.contains("<@U0BOB> Half of the time is over."), "{text}");
    assert!(
        !text.contains("U0ANN") && !text.contains("<@U0EVE>") && text.contains("eve@\u{200b}acme.example"),
        "{text}"
    );
    // Stages that were missed are told as the last of them.
    world.then(|story| reminded(reminded(story, Stage::Escalated), Stage::LastCall));
    world.tell_slack().await;
    let last = world.slack.messages().pop().unwrap();
    assert!(last.text.starts_with("Last call"), "{}", last.text);
    assert_eq!(world.slack.messages().iter().filter(|m| m.thread_ts.is_some()).count(), 2);
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_slack_says() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.slack.limit("chat.postMessage", 1, 47);
    assert_eq!(world.tell_slack().await.len(), 1);
    assert_eq!((world.postponed(), questions(&world).len()), (vec![47], 0));
    let calls = world.slack.calls().len();
    assert_eq!(world.tell_slack().await.len(), 1, "nothing is tried before");
    assert_eq!(world.slack.calls().len(), calls);
    let again = world.postponed()[1];
    assert!((46..=48).contains(&again), "{again}");
    // Mail and ticket go their own way meanwhile.
    assert_eq!(world.notify(&world.seqs_besides_slack()).await, Vec::<String>::new());
    assert_eq!((world.recipients().len(), world.comments().len()), (2, 1));
    // Slack took nothing, so nothing was counted.
    let world = World::of(Story::begin("Keep sessions").planned()).await.with_slack(|_, channel| {
        channel.as_mut().unwrap().per_hour = 1;
    });
    world.slack.limit("chat.postMessage", 1, 0);
    world.tell_slack().await;
    world.tell_slack().await;
    assert_eq!(questions(&world).len(), 1);
}

#[tokio::test]
async fn a_slack_that_is_away_holds_up_nothing_else() {
    for slack in [
        Ok(Slack::new("http://127.0.0.1:9/api", TOKEN.into()).unwrap()),
        Err(Failure::new(FailureKind::Internal, "the secret cannot be read")),
    ] {
        let story = Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().published();
        let world = World::of(story).await.with_slack(|access, _| access.slack = Some(slack));
        let failed = world.notify_all().await;
        assert_eq!(failed.len(), world.slack_seqs().len());
        assert_eq!(world.recipients().len(), 2);
        assert!(world.comments().len() >= 2 && world.postponed().is_empty());
    }
}

#[tokio::test]
async fn where_slack_was_turned_off_nothing_is_left_to_say() {
    let world = World::of(Story::begin("Keep sessions").planned()).await.with_slack(|access, channel| {
        (access.slack, *channel) = (None, None);
    });
    assert_eq!(world.tell_slack().await, Vec::<String>::new());
    assert!(world.everything_for_slack_is_sent() && world.slack.calls().is_empty());
}

#[tokio::test]
async fn one_sender_at_a_time_has_a_thread() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.hold_thread(true);
    assert_eq!(world.tell_slack().await.len(), 1);
    assert_eq!((world.postponed(), world.slack.calls().len()), (vec![5], 0));
    world.hold_thread(false);
    assert_eq!(world.tell_slack().await, Vec::<String>::new());
    assert_eq!(questions(&world).len(), 1);
}

#[tokio::test]
async fn a_gate_that_was_decided_meanwhile_is_not_asked_about() {
    let world = World::of(Story::begin("Keep sessions").planned().decided(Verdict::Approve).run()).await;
    world.tell_slack().await;
    assert!(world.slack.calls().is_empty(), "and without a message there is no thread");
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_not_missed() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.tell_slack().await;
    world.slack.delete(&questions(&world)[0].ts);
    world.then(|story| story.decided(Verdict::Approve).run());
    assert_eq!(world.tell_slack().await, Vec::<String>::new());
    assert!(world.slack.messages().is_empty());
}

#[tokio::test]
async fn a_workflow_that_breaks_leaves_no_buttons() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.tell_slack().await;
    world.then(|story| story.broke(Failure::new(FailureKind::Internal, "bug")));
    world.tell_slack().await;
    let asked = questions(&world);
    assert_eq!(asked[0].text, "Plan closed, because the work on it has ended: Keep sessions");
    assert_eq!(asked[0].buttons().into_keys().collect::<Vec<_>>(), ["open"]);
    assert_eq!(thread(&world, &asked[0]), ["Stopped: something broke."]);
}

/// A flood of tickets: what is posted in an hour has an end, and people are told that there is more.
#[tokio::test]
async fn a_thousand_gates_are_no_thousand_messages() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    for _ in 0..1_000 {
        // Each time a workflow of its own, as far as Slack can tell.
        world.lose_thread();
        world.forget_that_anything_was_sent();
        assert_eq!(world.tell_slack().await, Vec::<String>::new());
    }
    let asked = questions(&world);
    assert_eq!(asked.len(), 31);
    assert!(asked[30].text.starts_with("30 questions were asked here within the hour"), "{}", asked[30].text);
    assert_eq!(world.slack.calls().len(), 31, "and Slack is not called for the rest");
}

#[tokio::test]
async fn what_was_over_the_limit_is_asked_when_its_reminder_is_due() {
    let world = World::of(Story::begin("Keep sessions").planned()).await;
    world.fill_hour(30);
    world.tell_slack().await;
    assert!(!world.slack.messages()[0].text.contains("Keep sessions"));
    world.fill_hour(0);
    world.then(|story| reminded(story, Stage::Reminded));
    world.tell_slack().await;
    let asked = questions(&world);
    assert_eq!((asked.len(), asked[1].text.as_str()), (2, "Plan to approve: Keep sessions"));
    assert_eq!(asked[1].buttons().len(), 4);
    assert!(world.slack.calls().iter().all(|call| call.error.is_none() && call.body["channel"] == CHANNEL));
}
