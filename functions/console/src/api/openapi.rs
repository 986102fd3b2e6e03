//! The API's description, made from its types. Whoever adds a route names its handler in `paths`; a test compares the
//! description with the router.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder, Server};
use utoipa::{IntoResponses, OpenApi};

use super::{analytics, approvals, audit, desk, diff, metrics, resume, workflows};
use crate::Console;
use crate::backend::Backend;
use crate::cookies::Jar;
use crate::problem::{PROBLEM_TYPE, ProblemBody};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "pi-tickets",
        description = "Workflows, what they wait for, and decisions. What is wrong is told as problem details (RFC 9457).",
        license(name = "MIT", identifier = "MIT")
    ),
    paths(
        workflows::list,
        workflows::one,
        workflows::timeline,
        workflows::logs,
        workflows::spec,
        diff::diff,
        workflows::cancel,
        resume::retry,
        audit::export,
        approvals::pending,
        approvals::decide,
        desk::edit,
        desk::extend,
        desk::hand_on,
        metrics::metrics,
        analytics::analytics,
        document
    ),
    components(schemas(ProblemBody)),
    security(("token" = []), ("session" = []))
)]
struct Api;

/// The description, for an API below an address.
pub(crate) fn describe(base_url: &str) -> Document {
    let mut document = Api::openapi();
    document.servers = Some(vec![Server::new(base_url)]);
    let components = document.components.get_or_insert_default();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let token = token.description(Some("The deployment's token, or one that somebody made on their page of tokens."));
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    let about = "A session of somebody who signed in. It reads; changes take a token.";
    let session = ApiKey::Cookie(ApiKeyValue::with_description(Jar::session(base_url).name(), about));
    components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    document
}

/// This description.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    security(()),
    responses((status = 200, description = "An OpenAPI document.", body = Object))
)]
pub(crate) async fn document<B: Backend>(State(console): State<Arc<Console<B>>>) -> Json<Document> {
    Json(describe(&console.settings.base_url))
}

type Responses = BTreeMap<String, RefOr<Response>>;

fn problems(wanted: &[(u16, &str)]) -> Responses {
    let problem = |(status, about): &(u16, &str)| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new().description(*about).content(PROBLEM_TYPE, content).build();
        (status.to_string(), RefOr::T(response))
    };
    wanted.iter().map(problem).collect()
}

const READ: [(u16, &str); 5] = [
    (400, "Something in the request cannot be read; the detail names it."),
    (401, "There are no good credentials."),
    (403, "The credentials do not allow it."),
    (500, "Something is wrong on our side."),
    (503, "A part of the system is busy; try again in a moment."),
];
const UNKNOWN: [(u16, &str); 1] = [(404, "There is nothing here, or no longer.")];
const CHANGE: [(u16, &str); 4] = [
    (409, "It is no longer as the request supposes; `code` says how."),
    (413, "The body is too large."),
    (415, "The body is not JSON."),
    (422, "It cannot be done as asked; `code` says why."),
];

/// What every route may answer.
pub(super) struct ReadProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> Responses {
        problems(&READ)
    }
}

/// The same for routes with an id.
pub(super) struct IdProblems;

impl IntoResponses for IdProblems {
    fn responses() -> Responses {
        problems(&[READ.as_slice(), &UNKNOWN].concat())
    }
}

/// The same for routes that change something.
pub(super) struct ChangeProblems;

impl IntoResponses for ChangeProblems {
    fn responses() -> Responses {
        problems(&[READ.as_slice(), &UNKNOWN, &CHANGE].concat())
    }
}
