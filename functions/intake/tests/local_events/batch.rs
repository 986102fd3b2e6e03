//! Batches are answered message by message.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use domain::inbound::{INBOUND_VERSION, InboundEvent};
use domain::ticket::TicketEventKind;
use intake::handle;
use testkit::sample::{now, ticket};

use crate::inbox::{Inbox, batch, ticket_event};

/// A queue, as its event source shows it to the function.
struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    arn: String,
}

impl Queue {
    async fn of(inbox: &Inbox) -> Self {
        let (client, url) = (inbox.world.queues(), inbox.world.queue().await);
        let name = QueueAttributeName::QueueArn;
        let answer = client.get_queue_attributes().queue_url(&url).attribute_names(name.clone()).send().await.unwrap();
        let arn = answer.attributes.unwrap()[&name].clone();
        Self { client, url, arn }
    }

    /// Takes a message so that it can be taken again at once, unless the function puts it off.
    async fn take(&self) -> Option<SqsMessage> {
        let count = MessageSystemAttributeName::ApproximateReceiveCount;
        let call = self.client.receive_message().queue_url(&self.url).message_system_attribute_names(count.clone());
        let call = call.visibility_timeout(0).wait_time_seconds(0);
        let received = call.send().await.unwrap().messages.unwrap_or_default().pop()?;
        let mut message = SqsMessage::default();
        message.attributes.insert("ApproximateReceiveCount".to_owned(), received.attributes?[&count].clone());
        message.event_source_arn = Some(self.arn.clone());
        (message.message_id, message.receipt_handle, message.body) =
            (received.message_id, received.receipt_handle, received.body);
        Some(message)
    }

    /// Lets the time pass for which a message is put off.
    async fn let_time_pass(&self, message: &SqsMessage) {
        let call = self.client.change_message_visibility().queue_url(&self.url);
        let call = call.receipt_handle(message.receipt_handle.as_deref().unwrap());
        call.visibility_timeout(0).send().await.unwrap();
    }
}

fn text(event: &InboundEvent) -> String {
    serde_json::to_string(event).unwrap()
}

#[tokio::test]
async fn only_what_failed_comes_again() {
    let inbox = Inbox::start().await;
    let good = |id: &str| ticket_event(&format!("flux-lens:{id}"), TicketEventKind::Created, &ticket(id));
    let newer = InboundEvent { version: INBOUND_VERSION + 1, ..good("FL-3") };
    // An id that was used for another body is not an error of ours: it would come again for ever.
    let reused = InboundEvent { delivery_id: "flux-lens:FL-1".parse().unwrap(), ..good("FL-4") };
    let bodies = [text(&good("FL-1")), "{".to_owned(), text(&newer), text(&reused), text(&good("FL-2"))];
    let response = handle(&inbox.context, batch(bodies), now()).await;
    let failed: Vec<String> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    assert_eq!(failed, ["1", "2"]);
    assert_eq!(inbox.executions().await.len(), 2, "FL-1 and FL-2");
}

#[tokio::test]
async fn a_message_that_failed_is_put_off_twice_and_then_left_to_the_queue() {
    let inbox = Inbox::start().await;
    let queue = Queue::of(&inbox).await;
    queue.client.send_message().queue_url(&queue.url).message_body("{").send().await.unwrap();
    for put_off in [true, true, false] {
        let message = queue.take().await.unwrap();
        let mut event = SqsEvent::default();
        event.records = vec![message.clone()];
        let response = handle(&inbox.context, event, now()).await;
        assert_eq!(response.batch_item_failures.len(), 1);
        assert_eq!(queue.take().await.is_none(), put_off);
        if put_off {
            queue.let_time_pass(&message).await;
        }
    }
}
