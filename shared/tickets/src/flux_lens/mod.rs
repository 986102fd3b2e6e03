//! Flux Lens: the body of its webhooks ([`parse_event`]) and its REST API ([`FluxLens`]).

mod client;
mod error;
mod event;
mod http;

pub use client::{FluxLens, RetryPolicy, TrackedTicket};
pub use error::FluxLensError;
pub use event::{EVENT_NAMES, InvalidEvent, parse_event};
