//! The simulator itself: state, log, webhooks, faults, clock.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Call;
use crate::config::WebhookConfig;
use crate::error::ApiResult;
use crate::faults::Fault;
use crate::sim::Sim;
use crate::state::Repo;
use crate::webhooks::Delivery;

type Shared = State<Arc<Sim>>;

/// What exists, in brief: repositories with branches and pull requests, and the number of deliveries.
///
/// # Errors
/// 500 when Git fails.
pub(crate) async fn summary(sim: &Sim) -> ApiResult<Value> {
    let repos: Vec<Repo> = sim.store.read(|s| s.repos.values().cloned().collect());
    let mut shown = Vec::with_capacity(repos.len());
    for repo in &repos {
        let git = sim.git.repo(&repo.name);
        let branches: serde_json::Map<String, Value> = git
            .refs("refs/heads/")
            .await?
            .into_iter()
            .filter_map(|r| Some((r.name.strip_prefix("refs/heads/")?.to_owned(), r.sha.to_string().into())))
            .collect();
        let mut pulls = Vec::new();
        for pull in repo.pulls.values() {
            pulls.push(json!({
                "number": pull.number,
                "title": pull.title,
                "state": pull.state.as_str(),
                "merged": pull.merged.is_some(),
                "merge_commit_sha": pull.merged.as_ref().map(|m| &m.sha),
                "author": pull.author,
                "head": { "ref": pull.head_ref, "sha": pull.head_sha },
                "base": { "ref": pull.base_ref, "sha": pull.base_sha },
                "labels": pull.labels,
                "comments": pull.comments.len(),
                "reviews": pull.reviews.iter().map(|r| json!({
                    "author": r.author, "state": r.state.as_str(), "body": r.body,
                })).collect::<Value>(),
                "html_url": sim.links.repo_html(&repo.name, &format!("/pull/{}", pull.number)),
            }));
        }
        shown.push(json!({
            "full_name": repo.name.to_string(),
            "default_branch": repo.default_branch,
            "git_dir": git.dir(),
            "branches": branches,
            "pulls": pulls,
        }));
    }
    let (sent, failed) = sim.store.read(|s| {
        let delivered = s.deliveries.iter().filter(|d| d.delivered()).count();
        (delivered, s.deliveries.len() - delivered)
    });
    Ok(json!({ "repositories": shown, "deliveries": { "delivered": sent, "undelivered": failed } }))
}

pub(super) async fn state(State(sim): Shared) -> ApiResult<Json<Value>> {
    summary(&sim).await.map(Json)
}

pub(super) async fn calls(State(sim): Shared) -> Json<Vec<Call>> {
    Json(sim.calls.list())
}

pub(super) async fn deliveries(State(sim): Shared) -> Json<Vec<Delivery>> {
    Json(sim.store.read(|s| s.deliveries.clone()))
}

pub(super) async fn redeliver(State(sim): Shared, Path(id): Path<u64>) -> ApiResult<StatusCode> {
    sim.redeliver(id)?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookBody {
    url: String,
    secret: secrecy::SecretString,
    #[serde(default)]
    attempts: Option<u32>,
}

pub(super) async fn set_webhook(State(sim): Shared, Json(body): Json<WebhookBody>) -> StatusCode {
    let mut target = WebhookConfig::new(body.url, body.secret);
    target.attempts = body.attempts.unwrap_or(target.attempts);
    sim.webhooks.set_target(Some(target));
    sim.ping();
    StatusCode::NO_CONTENT
}

pub(super) async fn remove_webhook(State(sim): Shared) -> StatusCode {
    sim.webhooks.set_target(None);
    StatusCode::NO_CONTENT
}

pub(super) async fn faults(State(sim): Shared) -> Json<Vec<Fault>> {
    Json(sim.faults.list())
}

pub(super) async fn add_fault(State(sim): Shared, Json(fault): Json<Fault>) -> StatusCode {
    sim.faults.add(fault);
    StatusCode::CREATED
}

pub(super) async fn clear_faults(State(sim): Shared) -> StatusCode {
    sim.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockBody {
    advance_seconds: i64,
}

pub(super) async fn clock(State(sim): Shared, Json(body): Json<ClockBody>) -> Json<Value> {
    sim.clock.advance(body.advance_seconds);
    Json(json!({ "now": sim.clock.now() }))
}
