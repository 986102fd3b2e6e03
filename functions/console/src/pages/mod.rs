//! Pages, as pure functions: the same facts give the same page.
//!
//! Foreign words (tickets, SPECs, model and command output, comments) are escaped, lose what cannot be seen, and make no
//! link but to the web.

mod account;
mod analytics;
mod attempts;
mod audit;
mod chart;
mod code;
mod diff;
mod evidence;
mod gate;
mod home;
mod layout;
mod logs;
mod markdown;
mod operations;
mod parts;
mod spent;
mod timeline;
mod words;
mod workflow;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use domain::Timestamp;
use domain::audit::{AuditEntry, BrokenChain};
use domain::gate::Gate;
use domain::qa::QaReport;
use domain::spec::Spec;
use domain::workflow::{ChangedFile, Event, Workflow};
use maud::Markup;
use store::LogLine;

use crate::Budgets;

pub(crate) use account::{SignInFacts, TokenFacts, refusals, sign_in, sign_in_first, tokens};
pub(crate) use analytics::analytics;
pub(crate) use audit::audit;
pub(crate) use diff::{DiffFacts, diff};
pub(crate) use gate::{EditFacts, FormFacts, GateFacts, decided, edit, gate};
pub(crate) use home::{HomeFacts, Inbox, home};
pub(crate) use layout::{STYLE, problem};
pub(crate) use logs::logs;
pub(crate) use operations::{OperationsFacts, operations};
pub(crate) use workflow::workflow;

/// What a workflow's page shows.
pub(crate) struct WorkflowFacts {
    pub(crate) workflow: Workflow,
    pub(crate) trail: Vec<AuditEntry>,
    /// Where the trail does not hold by itself.
    pub(crate) broken: Option<BrokenChain>,
    pub(crate) lines: Vec<LogLine>,
    pub(crate) gate: Option<Gate>,
    pub(crate) spec: Option<Spec>,
    pub(crate) qa: Option<QaReport>,
    pub(crate) budgets: Budgets,
    pub(crate) now: Timestamp,
}

impl WorkflowFacts {
    /// The files of the last verified change set.
    fn changed(&self) -> &[ChangedFile] {
        changed_files(&self.trail)
    }
}

/// The files of the last verified change set that a trail tells of.
pub(crate) fn changed_files(trail: &[AuditEntry]) -> &[ChangedFile] {
    let found = trail.iter().rev().find_map(|entry| match &entry.event {
        Event::ChangesVerified { files, .. } => Some(files.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// What a page of progress shows.
pub(crate) struct LogFacts<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) lines: &'a [LogLine],
    /// Where the next page begins, if there may be one.
    pub(crate) next: Option<String>,
}

/// A page as an answer.
pub(crate) fn page(markup: &Markup) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, html)], markup.0.clone()).into_response()
}
