//! Flux Lens, the ticket tracker, on loopback.
//!
//! A real HTTP server over real state: the REST API that the service uses, webhooks signed and delivered as a real
//! service does it (in the background, at least once, with back-off), pages for a person, and a control API
//! ([`control`]) for tests and local runs. [`signing`] makes deliveries by hand.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use flux_lens_sim::{Config, Endpoint, signing::{Scheme, Secret}};
//!
//! let sim = flux_lens_sim::start(Config::default()).await?;
//! sim.send_webhooks_to(Some(Endpoint {
//!     url: "http://127.0.0.1:4566/webhooks/flux-lens".to_owned(),
//!     scheme: Scheme::Standard,
//!     secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?],
//! }));
//! let ticket = sim.create(serde_json::from_str(r#"{"title": "Fix it", "repository": "acme/shop"}"#)?)?;
//! println!("{}", ticket.url);
//! sim.shutdown().await;
//! # Ok(()) }
//! ```

pub mod control;
pub mod delivery;
pub mod faults;
mod forge;
mod markdown;
mod pages;
mod problem;
mod rest;
pub mod server;
pub mod signing;
pub mod state;
pub mod ticket;
pub mod tracker;

pub use delivery::{Delivery, DeliveryState, Endpoint, RetryPolicy};
pub use faults::Fault;
pub use forge::{Answer, ForgeError, Forgery, SignatureKind};
pub use server::{Clock, Config, Running, TimedOut, start};
pub use state::{RestCall, State};
pub use ticket::{Comment, NewTicket, Person, Priority, Status, Ticket, TicketChange};
pub use tracker::{EventKind, Record, TrackerError};
