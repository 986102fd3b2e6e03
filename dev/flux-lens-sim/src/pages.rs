//! Pages for a person: the list of tickets, each ticket, and the form for a new one.

mod new;
mod style;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::delivery::{Delivery, DeliveryState};
use crate::markdown;
use crate::server::App;
use crate::ticket::{Comment, Person, Priority, Status, Ticket};
use crate::tracker::Record;

/// No script, no frame, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new().route("/", get(list)).route("/t/{id}", get(ticket)).route("/new", get(new::show).post(new::create))
}

async fn list(State(app): State<Arc<App>>) -> Response {
    page(StatusCode::OK, &app.read(|state| list_page(&state.tracker.list().collect::<Vec<_>>())))
}

async fn ticket(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let found = app.read(|state| {
        let record = state.tracker.get(&id).ok()?;
        let deliveries: Vec<_> = state.deliveries.iter().filter(|delivery| delivery.ticket == id).collect();
        Some(ticket_page(record, &deliveries))
    });
    match found {
        Some(found) => page(StatusCode::OK, &found),
        None => page(StatusCode::NOT_FOUND, &missing_page(&id)),
    }
}

fn page(status: StatusCode, markup: &Markup) -> Response {
    let headers =
        [("content-security-policy", POLICY), ("referrer-policy", "no-referrer"), ("cache-control", "no-store")];
    (status, headers, Html(markup.0.clone())).into_response()
}

fn layout(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Flux Lens" }
                link rel="icon" href="data:,";
                style { (PreEscaped(style::CSS)) }
            }
            body {
                header { a.brand href="/" { "Flux Lens" } span.hint { "simulated tracker" } }
                main { (content) }
            }
        }
    }
}

fn list_page(records: &[&Record]) -> Markup {
    let content = html! {
        h1 { "Tickets" }
        p { a href="/new" { "New ticket" } }
        @if records.is_empty() {
            p.empty { "There are no tickets yet." }
        } @else {
            table.tickets {
                thead { tr { th { "Ticket" } th { "Status" } th { "Priority" } th { "Repository" } th { "Updated" } } }
                tbody {
                    @for record in records {
                        tr {
                            td { a href={ "/t/" (record.ticket.id) } { span.id { (record.ticket.id) } " " (record.ticket.title) } }
                            td { (badge(record.status)) }
                            td { (priority(record.ticket.priority)) }
                            td { code { (record.ticket.repository) } }
                            td { (time(record.ticket.updated_at)) }
                        }
                    }
                }
            }
        }
    };
    layout("Tickets", &content)
}

fn ticket_page(record: &Record, deliveries: &[&Delivery]) -> Markup {
    let Record { ticket, status, comments } = record;
    let content = html! {
        p.id { (ticket.id) }
        h1 { (ticket.title) }
        p { (badge(*status)) " " (priority(ticket.priority)) @for label in &ticket.labels { " " span.label { (label) } } }
        (facts(ticket))
        section.description {
            @if ticket.description.trim().is_empty() { p.empty { "No description." } }
            @else { (PreEscaped(markdown::render(&ticket.description))) }
        }
        section {
            h2 { "Comments" span.count { (comments.len()) } }
            @if comments.is_empty() { p.empty { "Nobody has commented yet." } }
            @for entry in comments { (comment(entry)) }
        }
        (webhooks(deliveries))
    };
    layout(&format!("{} {}", ticket.id, ticket.title), &content)
}

fn facts(ticket: &Ticket) -> Markup {
    html! {
        dl {
            dt { "Repository" } dd { code { (ticket.repository) } " from " code { (ticket.base_branch) } }
            dt { "Reporter" } dd { (person(&ticket.reporter)) }
            dt { "Assignee" } dd { @match &ticket.assignee { Some(assignee) => (person(assignee)), None => "nobody" } }
            dt { "Updated" } dd { (time(ticket.updated_at)) ", version " (ticket.version) }
        }
    }
}

fn person(person: &Person) -> Markup {
    html! { a href={ "mailto:" (person.email) } { (person.email) } }
}

fn comment(comment: &Comment) -> Markup {
    html! {
        article id=(comment.id) {
            p.meta { strong { (comment.author) } " " (time(comment.created_at)) }
            (PreEscaped(markdown::render(&comment.body)))
        }
    }
}

fn webhooks(deliveries: &[&Delivery]) -> Markup {
    html! {
        details {
            summary { "Webhooks" span.count { (deliveries.len()) } }
            table {
                thead { tr { th { "Event" } th { "Version" } th { "Delivery" } th { "Attempts" } } }
                tbody {
                    @for delivery in deliveries {
                        tr {
                            td { code { (delivery.event) } }
                            td { (delivery.version) }
                            td { code { (delivery.id) } " " (delivery_state(delivery.state)) }
                            td { @for attempt in &delivery.attempts {
                                @match (attempt.status, &attempt.error) {
                                    (Some(status), _) => { (status) " " }
                                    (None, Some(error)) => { span.bad title=(error) { "no answer" } " " }
                                    (None, None) => {}
                                }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn missing_page(id: &str) -> Markup {
    let content = html! {
        h1 { "No such ticket" }
        p { "There is no ticket " code { (id) } ". " a href="/" { "All tickets" } }
    };
    layout("No such ticket", &content)
}

fn badge(status: Status) -> Markup {
    let class = match status {
        Status::Open => "open",
        Status::InProgress => "progress",
        Status::Done => "done",
        Status::Blocked => "blocked",
        Status::Cancelled => "cancelled",
    };
    html! { span class={ "badge " (class) } { (status) } }
}

fn priority(priority: Priority) -> Markup {
    html! { span class={ "priority " (priority) } { (priority) } }
}

fn delivery_state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
        DeliveryState::Skipped => "not sent: no endpoint",
    }
}

fn time(at: jiff::Timestamp) -> Markup {
    let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(at) { (shown) } }
}
