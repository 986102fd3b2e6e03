//! Dead letters, as the console asks for them.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::QueueAttributeName;
use domain::dead_letters::{DeadLetterQueue, DeadLetters};
use domain::steps::{Redriven, SweeperAsk};
use serde_json::json;

use crate::broom::Broom;

impl Broom {
    async fn send(&self, queue: &str, body: &str) {
        self.world.queues().send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }

    /// How many messages of a queue are being handled.
    async fn hidden(&self, queue: &str) -> u32 {
        let name = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let call = self.world.queues().get_queue_attributes().queue_url(queue).attribute_names(name.clone());
        call.send().await.unwrap().attributes.unwrap()[&name].parse().unwrap()
    }

    /// The bodies in a queue, which stay there.
    async fn bodies(&self, queue: &str) -> Vec<String> {
        let call = self.world.queues().receive_message().queue_url(queue).visibility_timeout(0);
        let messages = call.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default();
        messages.into_iter().map(|message| message.body.unwrap()).collect()
    }
}

#[tokio::test]
async fn dead_letters_are_told_of_and_handed_back() {
    let broom = Broom::start().await;
    let (workflow, _) = broom.planned("FL-1").await;
    let id = &workflow.id;
    let [email, finish, stream] = [0, 1, 2].map(|index: usize| broom.dead_letters[index].clone());
    let back_to = email.back_to.clone().unwrap();
    let all: Vec<DeadLetters> = broom.ask(&SweeperAsk::DeadLetters).await;
    assert!(all.iter().all(|letters| letters.number == 0 && letters.letters.is_empty()), "{all:?}");

    for seq in 0..12 {
        broom.send(&email.url, &json!({"workflow_id": id, "seq": seq}).to_string()).await;
    }
    broom.send(&stream.url, r#"{"DDBStreamBatchInfo":{}}"#).await;
    let event = json!({"detail": {"name": id, "status": "TIMED_OUT"}}).to_string();
    broom.send(&finish.url, &event).await;
    broom.send(&finish.url, "who knows").await;
    for _ in 0..2 {
        let all: Vec<DeadLetters> = broom.ask(&SweeperAsk::DeadLetters).await;
        let numbers: Vec<_> = all.iter().map(|letters| (letters.queue, letters.number)).collect();
        let expected = [(DeadLetterQueue::Email, 12), (DeadLetterQueue::Finish, 2), (DeadLetterQueue::Stream, 1)];
        assert_eq!(numbers, expected, "looking changes nothing");
        assert!(
            all[0].letters.iter().all(|letter| letter.workflow_id.as_ref() == Some(id) && letter.sent_at.is_some())
        );
        let about: BTreeSet<&str> = all[1].letters.iter().map(|letter| letter.about.as_str()).collect();
        assert_eq!(about, ["a message of another form", format!("the execution {id}").as_str()].into());
    }

    let moved: Redriven = broom.ask(&SweeperAsk::Redrive { queue: DeadLetterQueue::Email }).await;
    assert_eq!(moved, Redriven { moved: 12 });
    assert!(broom.bodies(&email.url).await.is_empty());
    assert_eq!(broom.bodies(&back_to).await.len(), 10);
    let again: Redriven = broom.ask(&SweeperAsk::Redrive { queue: DeadLetterQueue::Email }).await;
    assert_eq!(again.moved, 0);

    // An execution's end goes to the function that ends workflows.
    broom.sweep(0).await.unwrap();
    let moved: Redriven = broom.ask(&SweeperAsk::Redrive { queue: DeadLetterQueue::Finish }).await;
    assert_eq!((moved.moved, broom.world.workflow(id).await.state), (1, domain::WorkflowState::Error));
    let left: Vec<DeadLetters> = broom.ask(&SweeperAsk::DeadLetters).await;
    assert_eq!(left[2].number, 1, "what cannot be handed back stays");
    // What cannot be read stays too; it is hidden for a while from whoever tries next.
    assert_eq!(broom.hidden(&finish.url).await, 1);
}
