//! The REST API, mounted at `/api/v3` (as GitHub Enterprise does) and at the root (as api.github.com does).

mod apps;
mod archive;
mod blobs;
mod branches;
mod busy;
mod calls;
mod commits;
mod compare;
mod contents;
mod context;
mod gate;
mod issues;
mod limits;
mod paging;
mod people;
mod pulls;
mod refs;
mod repos;
mod reviews;
mod trees;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post, put};

pub(crate) use self::busy::Busy;
pub use self::calls::Call;
pub(crate) use self::calls::CallLog;
pub(crate) use self::limits::RateLimiter;

use crate::error::ApiError;
use crate::sim::Sim;

/// GitHub takes blobs of up to 40 MB through the API, which are larger as base64 in JSON.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// The API below a path of its own, where every other address is GitHub's 404.
pub(crate) fn mounted(sim: &Arc<Sim>) -> Router<Arc<Sim>> {
    gated(routes().fallback(unknown_route).method_not_allowed_fallback(unknown_route), sim)
}

/// The API among other routes, with the downloads that archives are redirected to.
pub(crate) fn merged(sim: &Arc<Sim>) -> Router<Arc<Sim>> {
    let download = "/_codeload/{owner}/{repo}/legacy.tar.gz/{*name}";
    gated(routes().route(download, get(archive::download)), sim)
}

fn gated(routes: Router<Arc<Sim>>, sim: &Arc<Sim>) -> Router<Arc<Sim>> {
    routes.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(from_fn_with_state(Arc::clone(sim), gate::pass))
}

/// All routes, relative to the API base.
fn routes() -> Router<Arc<Sim>> {
    let repo = Router::new()
        .route("/", get(repos::get))
        .route("/installation", get(apps::of_repository))
        .route("/branches", get(branches::list))
        .route("/branches/{*rest}", get(branches::get))
        .route("/git/ref/{*name}", get(refs::get))
        .route("/git/matching-refs/{*prefix}", get(refs::matching))
        .route("/git/refs", post(refs::create))
        .route("/git/refs/{*name}", patch(refs::update).merge(delete(refs::delete)))
        .route("/git/commits", post(commits::create))
        .route("/git/commits/{sha}", get(commits::get_git))
        .route("/git/trees", post(trees::create))
        .route("/git/trees/{*name}", get(trees::get))
        .route("/git/blobs", post(blobs::create))
        .route("/git/blobs/{sha}", get(blobs::get))
        .route("/contents", get(contents::root))
        .route("/contents/", get(contents::root))
        .route("/contents/{*path}", get(contents::get))
        .route("/tarball", get(archive::default_tarball))
        .route("/tarball/{*name}", get(archive::tarball))
        .route("/compare/{*spec}", get(compare::get))
        .route("/commits", get(commits::list))
        .route("/commits/{*rest}", get(commits::get))
        .route("/collaborators/{login}/permission", get(users::permission))
        .route("/pulls", get(pulls::list).post(pulls::create))
        .route("/pulls/{number}", get(pulls::get).patch(pulls::update))
        .route("/pulls/{number}/merge", put(pulls::merge).get(pulls::is_merged))
        .route("/pulls/{number}/files", get(pulls::files))
        .route("/pulls/{number}/commits", get(pulls::commits))
        .route("/pulls/{number}/reviews", get(reviews::list).post(reviews::create))
        .route("/pulls/{number}/comments", get(reviews::comments))
        .route("/pulls/{number}/requested_reviewers", post(reviews::request))
        .route("/issues/{number}/comments", get(issues::comments).post(issues::comment))
        .route("/issues/{number}/labels", get(issues::labels).post(issues::add_labels));
    Router::new()
        .route("/app", get(apps::get))
        .route("/app/installations", get(apps::installations))
        .route("/app/installations/{id}", get(apps::installation))
        .route("/app/installations/{id}/access_tokens", post(apps::access_token))
        .route("/installation/repositories", get(apps::repositories))
        .route("/installation/token", delete(apps::revoke))
        .route("/rate_limit", get(users::rate_limit))
        .route("/user", get(users::me))
        .route("/user/emails", get(people::emails))
        .route("/user/orgs", get(people::organizations))
        .route("/user/teams", get(people::teams))
        .route("/users/{login}", get(users::get))
        .nest("/repos/{owner}/{repo}", repo)
}

async fn unknown_route() -> ApiError {
    ApiError::not_found()
}
