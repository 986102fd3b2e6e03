//! The model endpoint inside the sandbox.
//!
//! The agent knows a loopback address and a dummy key. The proxy behind it adds the provider's credential, lets through
//! only what a chat completion needs, counts tokens and cost, and cuts the run off at its budget.

pub mod meter;
pub mod protocol;
pub mod request;
pub mod retry;
pub mod server;
pub mod sse;
pub mod upstream;

pub use meter::{Meter, MeterState};
pub use protocol::Protocol;
pub use server::{ModelProxy, ProxyConfig};
pub use upstream::Upstream;
