//! Human gates: open them, decide them, hand the answer to the state machine, make approval links.
//!
//! The gate's row is the arbiter. A decision is one transaction over the gate, the workflow and the audit trail; only
//! then is the task token spent. A crash between the two is finished by the queue of decisions, which the transaction
//! itself feeds by an outbox row, and below that by [`ApprovalRequest::Deliver`], which the sweeper sends. The function is deployed twice from one binary: as `gates` it does all of that, as `links` it makes
//! links and nothing else, so that the function that sends mail can be given the second without the first.
//!
//! [`ApprovalRequest::Deliver`]: domain::gate::requests::ApprovalRequest::Deliver

mod change;
mod clock;
mod codes;
mod config;
mod decide;
mod deliver;
mod handler;
mod links;
mod open;
mod queue;

pub use config::{Config, Context, Entry, GatesContext};
pub use handler::handle;
