//! The control API under `/_sim`: what tests and scenarios do that is not part of GitHub. The calls are listed in the crate's README.

mod repos;
mod system;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

use crate::sim::Sim;

pub(crate) use self::system::summary;

/// The routes below `/_sim`.
pub(crate) fn router() -> Router<Arc<Sim>> {
    let repo = Router::new()
        .route("/push", post(repos::push))
        .route("/pulls/{number}/reviews", post(repos::review))
        .route("/pulls/{number}/merge", post(repos::merge))
        .route("/pulls/{number}/close", post(repos::close))
        .route("/pulls/{number}/reopen", post(repos::reopen))
        .route("/check-runs", post(repos::check_run))
        .route("/statuses", post(repos::status))
        .route("/protection/{*branch}", put(repos::protect).delete(repos::unprotect));
    Router::new()
        .route("/state", get(system::state))
        .route("/calls", get(system::calls))
        .route("/repos", post(repos::create))
        .nest("/repos/{owner}/{repo}", repo)
        .route("/deliveries", get(system::deliveries))
        .route("/deliveries/{id}/redeliver", post(system::redeliver))
        .route("/webhook", put(system::set_webhook).delete(system::remove_webhook))
        .route("/faults", get(system::faults).post(system::add_fault).delete(system::clear_faults))
        .route("/clock", post(system::clock))
}
