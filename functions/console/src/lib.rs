//! Web pages and the JSON API.
//!
//! Pages are made on the server and need no script and nothing from elsewhere. Who may see and do what:
//!
//! | path | who |
//! |---|---|
//! | `/`, `/analytics`, `/workflows/{id}`, `/workflows/{id}/{audit,diff,logs}`, GET `/api/…` | viewers |
//! | `/workflows/{id}/gate`, POST `/api/approvals/{gate}/{decide,edit,extend,hand-on}` | approvers whom the gate asks |
//! | `/operations`, POST `/workflows/{id}/{cancel,retry}`, `/api/workflows/{id}/{cancel,retry}`, `/account/refusals` | admins |
//! | GET `/api/openapi.json` | anybody |
//! | GET `/approvals/{link}` | whoever holds the link, which was sent to one person |
//! | POST `/approvals/{link}` | that very person, signed in as an approver |
//! | POST `/slack/interactions` | Slack, for members whom the gate asks |
//! | `/account/tokens` | whoever is signed in; admins see and revoke others' |
//!
//! Somebody is known by a session ([`domain::role`] says how they come to a role) or by an API token. Changes by a session
//! take a form of that session's own pages; the API's changes take a token. A GET changes nothing, so that a program that
//! opens links in mails decides nothing. Gates and task tokens belong to `approvals`; this function asks it to decide
//! and has no other way. What is refused is written down.

mod account;
mod analytics;
mod api;
mod approvals;
mod audit;
mod aws;
mod backend;
mod caller;
mod config;
mod cookies;
mod diff;
mod gate;
mod headers;
mod home;
mod human_factor;
mod operations;
mod origin;
mod pages;
mod problem;
mod refusals;
mod resume;
mod routes;
mod secret_text;
mod session;
mod sign_in;
mod slack;
mod tokens;
mod view;

use domain::Timestamp;
use domain::budget::Budget;
use domain::role::RoleRules;
use jiff::SignedDuration;

pub use aws::Aws;
pub use backend::{Backend, OauthApp, Secrets};
pub use config::Config;
pub use routes::{app, without_stage};
pub use sign_in::{Account, Github, NotIdentified};
pub use slack::SlackAccess;

/// What a ticket may spend on model calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// On planning, all revisions.
    pub plan: Budget,
    /// On the agent's attempts, all of them.
    pub run: Budget,
}

/// What an operator chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Start of every address, no slash at its end.
    pub base_url: String,
    /// GitHub's pages, where people sign in, no slash at its end.
    pub github_url: String,
    /// Whether who has an approval link may type a mailed code instead of signing in.
    pub codes: bool,
    /// What a ticket may spend.
    pub budgets: Budgets,
    /// Who has which role.
    pub role_rules: RoleRules,
    /// A session without a request for so long is over.
    pub session_idle: SignedDuration,
    /// A session so old is over.
    pub session_lifetime: SignedDuration,
}

/// Everything that a request needs.
#[derive(Debug)]
pub struct Console<B> {
    pub(crate) backend: B,
    pub(crate) settings: Settings,
    pub(crate) now: fn() -> Timestamp,
    pub(crate) refusals: refusals::Refusals,
}

impl<B: Backend> Console<B> {
    /// A console.
    pub fn new(backend: B, settings: Settings, now: fn() -> Timestamp) -> Self {
        Self { backend, settings, now, refusals: refusals::Refusals::default() }
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
