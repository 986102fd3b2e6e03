//! The application over one world, and who calls it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use console::{Aws, Config, Console, app};
use domain::Timestamp;
use domain::gate::{Gate, GateKind};
use domain::ids::WorkflowId;
use domain::spec::FileAction;
use domain::steps::Done;
use domain::workflow::Workflow;
use http_body_util::BodyExt as _;
use runtime::Secrets;
use serde_json::{Value, json};
use testkit::sample::{at, sha, ticket};
use testkit::{Functions, World};
use tower::ServiceExt as _;

pub(crate) const BASE: &str = "https://pi.example/live";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const VIEW_KEY: &str = "a key of 128 random bits or more";

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) config: Config,
}

impl Site {
    /// The API token acts on behalf of ann.
    pub(crate) async fn start() -> Self {
        Self::of("ann").await
    }

    /// The API token acts on behalf of somebody else.
    pub(crate) async fn of(holder: &str) -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        functions.serve_gates(&world, at(60));
        functions.serve_links(&world, at(60));
        functions.answering(Functions::WORKFLOW, serde_json::to_value(Done::Done).unwrap());
        let config = Config {
            state_table: world.names.state.clone(),
            gates_table: world.names.gates.clone(),
            audit_table: world.names.audit.clone(),
            bucket: world.names.bucket.clone(),
            audit_bucket: world.audit_bucket().await,
            public_base_url: BASE.to_owned(),
            approvals_function: Functions::APPROVALS.to_owned(),
            workflow_function: Functions::WORKFLOW.to_owned(),
            api_token_secret_arn: world.secret(&json!({ "token": TOKEN, "email": format!("{holder}@acme.example") })),
            view_key_secret_arn: world.secret(&json!({ "key": VIEW_KEY })),
        };
        Self { world, functions, config }
    }

    pub(crate) fn backend(&self) -> Aws {
        Aws {
            store: self.world.store.clone(),
            gates: self.world.gates.clone(),
            objects: self.world.objects.clone(),
            anchors: self.world.anchors(&self.config.audit_bucket),
            secrets: Secrets::from_config(&self.world.aws),
            invoker: self.functions.invoker(&self.world.aws),
            config: self.config.clone(),
        }
    }

    /// A workflow with a SPEC.
    pub(crate) async fn planned(&self, id: &str) -> Workflow {
        self.world.planned(&ticket(id), &sha("a"), &[("src/app.js", FileAction::Modify)]).await
    }

    /// A workflow whose SPEC waits for ann, bob and rita until [`at`] 3,600.
    pub(crate) async fn waiting(&self) -> Gate {
        let workflow = self.planned("FL-1").await;
        self.world.open(&workflow, GateKind::Spec).await
    }

    /// Reads from the API with the token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}")), String::new()).await
    }

    /// Reads without a token.
    pub(crate) async fn visit(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Posts to the API with the token.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        self.send(request, body.to_string()).await
    }

    /// Posts a form without a token.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(Request::post(path).header(header::CONTENT_TYPE, kind), body).await
    }

    async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        answer(app(Arc::new(Console::new(self.backend(), BASE.to_owned(), clock))), request, body).await
    }
}

/// Asks an application once.
pub(crate) async fn answer(app: Router, request: axum::http::request::Builder, body: String) -> Answer {
    let (parts, body) = app.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) fn clock() -> Timestamp {
    at(60)
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The status and, of a problem, its word for programs.
    pub(crate) fn problem(&self) -> (u16, Value) {
        (self.status.as_u16(), self.json()["code"].clone())
    }
}

/// The address of a workflow in the API.
pub(crate) fn api(id: &WorkflowId, rest: &str) -> String {
    format!("/api/workflows/{id}{rest}")
}
