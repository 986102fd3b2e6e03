//! What is where.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use lambda_http::{Request, RequestExt as _, Service};
use tower::ServiceExt as _;

use crate::backend::Backend;
use crate::problem::{ApiProblem, PageProblem, Problem};
use crate::{
    Console, account, analytics, api, approvals, audit, caller, diff, gate, headers, home, operations, resume, sign_in,
    slack, view,
};

/// Largest form or request, bytes: an edited SPEC of the longest sort, percent-encoded.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The same of the API: comments of the longest sort.
const MAX_API_BODY_BYTES: usize = 128 * 1024;

/// The pages and the API.
pub fn app<B: Backend>(console: Arc<Console<B>>) -> Router {
    let api = Router::new()
        .route("/workflows", get(api::workflows::list::<B>))
        .route("/workflows/{id}", get(api::workflows::one::<B>))
        .route("/workflows/{id}/timeline", get(api::workflows::timeline::<B>))
        .route("/workflows/{id}/audit", get(api::audit::export::<B>))
        .route("/workflows/{id}/logs", get(api::workflows::logs::<B>))
        .route("/workflows/{id}/diff", get(api::diff::diff::<B>))
        .route("/workflows/{id}/spec", get(api::workflows::spec::<B>))
        .route("/workflows/{id}/cancel", post(api::workflows::cancel::<B>))
        .route("/workflows/{id}/retry", post(api::resume::retry::<B>))
        .route("/approvals/pending", get(api::approvals::pending::<B>))
        .route("/approvals/{id}/decide", post(api::approvals::decide::<B>))
        .route("/approvals/{id}/edit", post(api::desk::edit::<B>))
        .route("/approvals/{id}/extend", post(api::desk::extend::<B>))
        .route("/approvals/{id}/hand-on", post(api::desk::hand_on::<B>))
        .route("/metrics", get(api::metrics::metrics::<B>))
        .route("/analytics", get(api::analytics::analytics::<B>))
        .route("/openapi.json", get(api::openapi::document::<B>))
        .fallback(|| async { ApiProblem(Problem::not_found()) })
        .method_not_allowed_fallback(|| async { ApiProblem(Problem::method_not_allowed()) })
        .layer(DefaultBodyLimit::max(MAX_API_BODY_BYTES));
    Router::new()
        .route("/", get(home::home::<B>))
        .route("/analytics", get(analytics::page::<B>))
        .route("/workflows/{id}", get(view::workflow::<B>))
        .route("/workflows/{id}/audit", get(audit::show::<B>))
        .route("/workflows/{id}/diff", get(diff::page::<B>))
        .route("/workflows/{id}/logs", get(view::logs::<B>))
        .route("/workflows/{id}/gate", get(gate::show::<B>).post(gate::decide::<B>))
        .route("/workflows/{id}/gate/edit", get(gate::edit_form::<B>).post(gate::save_edit::<B>))
        .route("/workflows/{id}/gate/time", post(gate::extend::<B>))
        .route("/workflows/{id}/gate/hand-on", post(gate::hand_on::<B>))
        .route("/workflows/{id}/cancel", post(view::cancel::<B>))
        .route("/workflows/{id}/retry", post(resume::retry::<B>))
        .route("/operations", get(operations::page::<B>))
        .route("/operations/pause", post(operations::pause::<B>))
        .route("/operations/dead-letters", post(operations::redrive::<B>))
        .route("/account/sign-in", get(sign_in::page::<B>))
        .route("/account/sign-in/github", get(sign_in::begin::<B>))
        .route("/account/sign-in/callback", get(sign_in::callback_from_github::<B>))
        .route("/account/sign-out", post(sign_in::out::<B>))
        .route("/account/tokens", get(account::tokens::<B>).post(account::make::<B>))
        .route("/account/tokens/revoke", post(account::revoke::<B>))
        .route("/account/refusals", get(account::refusals::<B>))
        .route("/approvals/{link}", get(approvals::show::<B>).post(approvals::decide::<B>))
        .route("/slack/interactions", post(slack::interactions::<B>).layer(slack::body_limit()))
        .nest("/api", api)
        .fallback(|| async { PageProblem(Problem::not_found()) })
        .method_not_allowed_fallback(|| async { PageProblem(Problem::method_not_allowed()) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&console), caller::layer::<B>))
        .layer(middleware::from_fn(headers::layer))
        .with_state(console)
}

/// The same for API Gateway, whose stage is a part of the public addresses but not of our routes.
pub fn without_stage(
    app: Router,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Future + Send> + Clone {
    lambda_http::service_fn(move |mut request: Request| {
        let app = app.clone();
        async move {
            let path = request.raw_http_path().to_owned();
            if let Some(uri) = with_path(request.uri(), &path) {
                *request.uri_mut() = uri;
            }
            app.oneshot(request).await
        }
    })
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    if path.is_empty() {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_taken_out_and_the_query_stays() {
        let uri: Uri = "https://x.example/live/workflows/1?after=a%20b".parse().unwrap();
        assert_eq!(with_path(&uri, "/workflows/1").unwrap().to_string(), "/workflows/1?after=a%20b");
        assert_eq!(with_path(&uri, ""), None);
        assert_eq!(with_path(&uri, "/a b"), None);
    }
}
