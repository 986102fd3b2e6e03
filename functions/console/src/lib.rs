//! Web pages and the JSON API.
//!
//! Pages are made on the server and need no script, no cookie and nothing from elsewhere. Who may see what:
//!
//! | path | who |
//! |---|---|
//! | `/`, `/workflows/{id}`, `/workflows/{id}/audit`, `/workflows/{id}/logs` | holders of the API token, and of a signed view link ([`domain::view_token`]) |
//! | `/approvals/{link}` | whoever holds the link, which was sent to one person |
//! | `/api/…` | holders of the API token |
//!
//! A GET changes nothing, so that a program that opens links in mails decides nothing. A decision is a POST with a
//! value that only our own form has. Gates and task tokens belong to `approvals`; this function asks it to decide and
//! has no other way.

mod access;
mod api;
mod approvals;
mod audit;
mod aws;
mod backend;
mod config;
mod headers;
mod origin;
mod pages;
mod problem;
mod routes;
mod view;

use domain::Timestamp;

pub use aws::Aws;
pub use backend::{Backend, Secrets};
pub use config::Config;
pub use routes::{app, without_stage};

/// Everything that a request needs.
#[derive(Debug)]
pub struct Console<B> {
    pub(crate) backend: B,
    pub(crate) base_url: String,
    pub(crate) now: fn() -> Timestamp,
}

impl<B: Backend> Console<B> {
    /// A console whose links begin with `base_url`, which has no slash at its end.
    pub fn new(backend: B, base_url: String, now: fn() -> Timestamp) -> Self {
        Self { backend, base_url, now }
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
