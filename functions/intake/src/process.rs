//! One delivery, once.

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::inbound::{Inbound, InboundEvent, SecretOwner};
use store::DeliveryClaim;

use crate::config::Context;
use crate::{host, tickets};

/// Handles a delivery unless it was handled before. A handler that dies in the middle leaves a lease that runs out;
/// everything it did can be done again.
///
/// # Errors
/// A [`Failure`]: the message has to come again.
pub async fn process(context: &Context, event: &InboundEvent, now: Timestamp) -> Result<(), Failure> {
    let id = &event.delivery_id;
    match context.store.claim_delivery(id, event.body_digest, now).await? {
        Ok(DeliveryClaim::Handle) => {}
        Ok(DeliveryClaim::Done) => {
            tracing::info!(delivery = %id, "the delivery was handled before");
            return Ok(());
        }
        Ok(DeliveryClaim::Busy) => {
            return Err(Failure::new(FailureKind::Transient, format!("the delivery {id} is being handled")));
        }
        Err(store::DeliveryConflict) => {
            tracing::warn!(delivery = %id, "the delivery id was used for another body before; ignored");
            return Ok(());
        }
    }
    let result = match &event.event {
        Inbound::Ticket(event) => tickets::apply(context, event, now).await,
        Inbound::GithubHint(hint) => host::look(context, hint, now).await,
        Inbound::SecretsHeld { fingerprints } => {
            let noted = context.store.put_known_secrets(SecretOwner::Webhook, fingerprints.clone()).await;
            noted.map_err(Failure::from)
        }
    };
    match result {
        Ok(()) => Ok(context.store.finish_delivery(id).await?),
        Err(failure) => {
            if let Err(error) = context.store.release_delivery(id).await {
                tracing::warn!(delivery = %id, %error, "the delivery stays claimed until its lease runs out");
            }
            Err(failure)
        }
    }
}
