//! A delivery of GitHub, reduced to where to look.

use domain::inbound::{GithubHint, INBOUND_VERSION, Inbound, InboundEvent};
use domain::{Digest, Repository, Timestamp};
use serde::Deserialize;

use crate::flux_lens::delivery_id;
use crate::signature::VerifiedDelivery;

/// Events that can change what a workflow waits for.
const EVENTS: &[&str] = &["pull_request", "pull_request_review", "check_suite", "push"];

#[derive(Deserialize)]
struct Payload {
    repository: RepositoryBody,
    #[serde(default)]
    pull_request: Option<Pull>,
    #[serde(default)]
    check_suite: Option<CheckSuite>,
    #[serde(default, rename = "ref")]
    git_ref: Option<String>,
}

#[derive(Deserialize)]
struct RepositoryBody {
    full_name: Repository,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    #[serde(default)]
    head: Option<Head>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    branch: String,
}

#[derive(Deserialize)]
struct CheckSuite {
    #[serde(default)]
    head_branch: Option<String>,
    #[serde(default)]
    pull_requests: Vec<Pull>,
}

/// Reads a verified delivery. `None`: nothing that anybody waits for.
///
/// # Errors
/// Text for the sender: what is wrong and with which field.
pub(crate) fn event(
    event: &str,
    delivery: &VerifiedDelivery<'_>,
    now: Timestamp,
) -> Result<Option<InboundEvent>, String> {
    if !EVENTS.contains(&event) {
        return Ok(None);
    }
    let mut json = serde_json::Deserializer::from_slice(delivery.body());
    let payload: Payload = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| format!("the field `{}`: {}", error.path(), error.inner()))?;
    let suite = payload.check_suite;
    let branch = payload
        .pull_request
        .as_ref()
        .and_then(|pull| pull.head.as_ref().map(|head| head.branch.clone()))
        .or_else(|| suite.as_ref().and_then(|suite| suite.head_branch.clone()))
        .or_else(|| payload.git_ref.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)));
    let number = payload.pull_request.as_ref().or(suite.as_ref().and_then(|suite| suite.pull_requests.first()));
    Ok(Some(InboundEvent {
        version: INBOUND_VERSION,
        delivery_id: delivery_id("github", delivery.id())?,
        body_digest: Digest::of(delivery.body()),
        received_at: now,
        event: Inbound::GithubHint(GithubHint {
            event: event.to_owned(),
            repository: payload.repository.full_name,
            pull_request: number.map(|pull| pull.number),
            branch,
        }),
    }))
}
