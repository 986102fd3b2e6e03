//! The form for a new ticket.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{layout, page};
use crate::problem::Problem;
use crate::server::App;
use crate::ticket::{NewTicket, Priority};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Fields {
    title: String,
    description: String,
    repository: String,
    base_branch: String,
    labels: String,
    priority: Priority,
}

pub(super) async fn show() -> Response {
    page(StatusCode::OK, &form())
}

/// Creates the ticket, as if a person had typed it into the real tracker, and shows it.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Problem> {
    // Another site's page, open in the same browser, must not file tickets here.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the form was sent from another site"));
    }
    let ticket = app.create(fields.into())?;
    Ok(Redirect::to(&format!("/t/{}", ticket.id)).into_response())
}

impl From<Fields> for NewTicket {
    fn from(fields: Fields) -> Self {
        let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            id: None,
            version: None,
            updated_at: None,
            title: fields.title.trim().to_owned(),
            description: fields.description,
            url: None,
            priority: fields.priority,
            labels: fields.labels.split(',').filter_map(|label| given(label.to_owned())).collect(),
            reporter: None,
            assignee: None,
            repository: fields.repository.trim().to_owned(),
            base_branch: given(fields.base_branch),
        }
    }
}

fn form() -> Markup {
    let content = html! {
        h1 { "New ticket" }
        form method="post" action="/new" {
            label { "Title" input name="title" required maxlength="200" autofocus; }
            label { "Description, Markdown" textarea name="description" rows="10" {} }
            label { "Repository, owner/name" input name="repository" required pattern="[^/\\s]+/[^/\\s]+"; }
            label { "Base branch, if not main" input name="base_branch"; }
            label { "Labels, separated by commas" input name="labels"; }
            label { "Priority" select name="priority" {
                @for priority in [Priority::High, Priority::Normal, Priority::Low] {
                    option value=(priority) selected[priority == Priority::default()] { (priority) }
                }
            } }
            button { "Create" }
        }
    };
    layout("New ticket", &content)
}
