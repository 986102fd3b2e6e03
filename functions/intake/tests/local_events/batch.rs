//! Batches are answered message by message.

use domain::inbound::{INBOUND_VERSION, InboundEvent};
use domain::ticket::TicketEventKind;
use intake::handle;
use testkit::sample::{now, ticket};

use crate::inbox::{Inbox, batch, ticket_event};

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
