//! A delivery of Flux Lens as an event.

use domain::Digest;
use domain::Timestamp;
use domain::inbound::{INBOUND_VERSION, Inbound, InboundEvent};

use crate::signature::VerifiedDelivery;

/// Reads a verified delivery.
///
/// # Errors
/// Text for the sender: what is wrong and with which field.
pub(crate) fn event(delivery: &VerifiedDelivery<'_>, now: Timestamp) -> Result<InboundEvent, String> {
    let event = tickets::flux_lens::parse_event(delivery.body()).map_err(|error| error.to_string())?;
    Ok(InboundEvent {
        version: INBOUND_VERSION,
        delivery_id: delivery_id("flux-lens", delivery.id())?,
        body_digest: Digest::of(delivery.body()),
        received_at: now,
        event: Inbound::Ticket(event),
    })
}

/// The sender's id, with the sender's name in front so that two senders cannot have one id.
pub(crate) fn delivery_id(source: &str, id: &str) -> Result<domain::DeliveryId, String> {
    format!("{source}:{id}").parse().map_err(|error: domain::ids::InvalidId| error.to_string())
}
