//! Slack over real rows and a real queue.

use domain::ids::WorkflowId;
use domain::outbox::{OutboxChannel, OutboxPointer};
use notifier::{SlackChannel, SlackConfig};
use secrecy::SecretString;
use serde_json::json;
use slack::Slack;
use slack_sim::{CHANNEL, Slack as Sim, TEAM, TOKEN};
use testkit::sample::now;

use crate::office::Office;

/// An office with Slack, and a plan that waits for a decision.
async fn asked() -> (Office, Sim, WorkflowId) {
    let mut office = Office::start().await;
    let sim = Sim::start(vec![]).await.unwrap();
    office.config.slack = Some(SlackConfig {
        client: Slack::new(&sim.api_url(), SecretString::default()).unwrap(),
        token_secret_arn: office.world.secret(&json!({ "token": TOKEN })),
        queue_url: office.queue.clone(),
        channel: SlackChannel { team: TEAM.to_owned(), channel: CHANNEL.to_owned(), per_hour: 30 },
    });
    let (workflow, _) = office.planned().await;
    for row in office.world.store.outbox(&workflow.id).await.unwrap() {
        if row.channel == OutboxChannel::Slack {
            let pointer = OutboxPointer { workflow_id: workflow.id.clone(), seq: row.seq };
            office.put(&serde_json::to_string(&pointer).unwrap()).await;
        }
    }
    (office, sim, workflow.id)
}

#[tokio::test]
async fn a_question_is_posted_once_by_the_token_of_the_secret() {
    let (office, sim, id) = asked().await;
    assert_eq!(office.deliver().await, 0);
    let messages = sim.messages();
    assert_eq!((messages.len(), messages[0].buttons().len()), (1, 4));
    let thread = office.world.store.take_slack_thread(&id, now()).await.unwrap();
    assert_eq!((thread.messages.len(), thread.messages[0].ts.as_str()), (1, messages[0].ts.as_str()));
}

#[tokio::test]
async fn what_slack_wants_later_is_hidden_on_the_queue_for_that_long() {
    let (office, sim, _) = asked().await;
    sim.limit("chat.postMessage", 1, 1);
    // Received with a minute's time; Slack says one second.
    let received = office.receive().await;
    assert_eq!(office.invoke(&office.notifier(), &received, now).await.len(), 1);
    assert!(sim.messages().is_empty());
    let again = office.receive_within(20).await;
    assert_eq!(again.len(), 1, "it came back long before the minute was over");
    assert_eq!(office.invoke(&office.notifier(), &again, now).await.len(), 0);
    assert_eq!(sim.messages().len(), 1);
}
