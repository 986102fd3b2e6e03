//! Archives: a redirect to a download that needs no header, only its own short-lived token.

use std::sync::{Arc, PoisonError};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;

use super::context::{CONTENTS_READ, Context};
use crate::auth::random_text;
use crate::error::{ApiError, ApiResult};
use crate::names::RepoName;
use crate::sim::{ArchiveTicket, Sim};
use crate::view;

/// How long the download's address works.
const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn default_tarball(context: Context) -> ApiResult<Response> {
    let access = context.access(CONTENTS_READ)?;
    let branch = context.sim.repo(&access.name)?.default_branch;
    redirect(&context, &branch).await
}

pub(super) async fn tarball(context: Context) -> ApiResult<Response> {
    redirect(&context, context.param("name")).await
}

async fn redirect(context: &Context, reference: &str) -> ApiResult<Response> {
    let access = context.access(CONTENTS_READ)?;
    let sim = &context.sim;
    let ticket = ArchiveTicket {
        repo: access.name.clone(),
        commit: access.git.resolve_commit(reference).await?,
        expires_at: sim.clock.now() + LIFETIME,
    };
    let token = random_text(32);
    let mut tickets = sim.archives.lock().unwrap_or_else(PoisonError::into_inner);
    tickets.retain(|_, t| t.expires_at > sim.clock.now());
    tickets.insert(token.clone(), ticket);
    drop(tickets);
    let path = view::encode_path(reference);
    let url = format!("{}/_codeload/{}/legacy.tar.gz/{path}?token={token}", sim.links.html_base(), access.name);
    Ok((StatusCode::FOUND, [("location", url)]).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct DownloadQuery {
    #[serde(default)]
    token: String,
}

/// `GET /_codeload/{owner}/{repo}/legacy.tar.gz/{ref}?token=…`.
pub(super) async fn download(
    State(sim): State<Arc<Sim>>,
    Path((owner, name, _)): Path<(String, String, String)>,
    Query(query): Query<DownloadQuery>,
) -> Response {
    match archive(&sim, &owner, &name, &query.token).await {
        Ok(response) => response,
        Err(error) if error.status == StatusCode::NOT_FOUND => (error.status, "404: Not Found").into_response(),
        Err(error) => (error.status, error.message).into_response(),
    }
}

async fn archive(sim: &Sim, owner: &str, name: &str, token: &str) -> ApiResult<Response> {
    let ticket = {
        let tickets = sim.archives.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.get(token).filter(|t| t.expires_at > sim.clock.now()).cloned()
    };
    let asked = RepoName::new(owner, name).map_err(|_| ApiError::not_found())?;
    let ticket = ticket.filter(|t| t.repo.key() == asked.key()).ok_or_else(ApiError::not_found)?;
    let commit = ticket.commit.ok_or_else(ApiError::not_found)?;
    let top = format!("{}-{}-{}", ticket.repo.owner, ticket.repo.name, commit.short());
    let bytes = sim.git.repo(&ticket.repo).tar_gz(&commit, &format!("{top}/")).await?;
    let headers = [
        ("content-type", "application/x-gzip".to_owned()),
        ("content-disposition", format!("attachment; filename={top}.tar.gz")),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
