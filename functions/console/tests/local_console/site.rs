//! The application over one world, and who calls it.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use console::{Aws, Config, Console, Github, Settings, app};
use domain::Timestamp;
use domain::budget::Budget;
use domain::gate::{Gate, GateKind};
use domain::ids::WorkflowId;
use domain::spec::FileAction;
use domain::steps::Done;
use domain::workflow::Workflow;
use github_sim::{EmailConfig, GithubSim, OauthApp, OrganizationConfig, Running, TeamConfig, UserConfig};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use runtime::Secrets;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::sample::{at, sha, ticket};
use testkit::{Functions, World};
use tower::ServiceExt as _;
use url::Url;

pub(crate) const BASE: &str = "https://pi.example/live";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SIGNING_KEY: &str = "a key of 128 random bits or more";
const CLIENT_ID: &str = "Ov23liExample";
const CLIENT_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) config: Config,
    /// The identity provider.
    pub(crate) github: Running,
    _folder: TempDir,
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
        functions.answering(Functions::SWEEPER, json!(true));
        let folder = tempfile::tempdir().unwrap();
        let github = identity_provider(folder.path()).await;
        let settings = Settings {
            codes: true,
            budgets: console::Budgets {
                plan: Budget { max_tokens: 400_000, max_micro_usd: 2_000_000, max_turns: 40 },
                run: Budget { max_tokens: 4_000_000, max_micro_usd: 300_000, max_turns: 200 },
            },
            base_url: BASE.to_owned(),
            github_url: github.html_base().to_owned(),
            role_rules: "viewer=org:70 approver=team:71 admin=user:72".parse().unwrap(),
            session_idle: SignedDuration::from_hours(2),
            session_lifetime: SignedDuration::from_hours(12),
        };
        let config = Config {
            state_table: world.names.state.clone(),
            gates_table: world.names.gates.clone(),
            audit_table: world.names.audit.clone(),
            bucket: world.names.bucket.clone(),
            audit_bucket: world.audit_bucket().await,
            console_table: world.names.console.clone(),
            settings,
            github_api_url: github.api_base(),
            approvals_function: Functions::APPROVALS.to_owned(),
            workflow_function: Functions::WORKFLOW.to_owned(),
            sweeper_function: Functions::SWEEPER.to_owned(),
            api_token_secret_arn: world.secret(&json!({ "token": TOKEN, "email": format!("{holder}@acme.example") })),
            signing_key_secret_arn: world.secret(&json!({ "key": SIGNING_KEY })),
            github_oauth_secret_arn: Some(
                world.secret(&json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET })),
            ),
            slack: None,
        };
        Self { world, functions, config, github, _folder: folder }
    }

    pub(crate) fn backend(&self) -> Aws {
        Aws {
            store: self.world.store.clone(),
            slots: self.world.slots.clone(),
            gates: self.world.gates.clone(),
            console: self.world.console.clone(),
            slack: None,
            github: Github::new(&self.config.settings, &self.config.github_api_url).unwrap(),
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
        self.send(request.header(header::CONTENT_TYPE, "application/json"), body.to_string()).await
    }

    /// Opens a page with cookies.
    pub(crate) async fn visit_as(&self, cookies: &str, path: &str) -> Answer {
        self.send(Request::get(path).header(header::COOKIE, cookies), String::new()).await
    }

    /// Posts a form with cookies.
    pub(crate) async fn submit(&self, cookies: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(Request::post(path).header(header::COOKIE, cookies).header(header::CONTENT_TYPE, kind), body).await
    }

    /// Says at GitHub who one is, and comes back; `to` is where one wanted to go.
    pub(crate) async fn come_back(&self, login: &str, to: &str) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return", to).finish();
        let begun = self.visit(&format!("/account/sign-in/github?{query}")).await;
        let asked: Url = begun.headers[header::LOCATION].to_str().unwrap().parse().unwrap();
        let mut form: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
        form.push(("login".to_owned(), login.to_owned()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let page = format!("{}/login/oauth/authorize", self.github.html_base());
        let consent = http.post(page).form(&form).send().await.unwrap();
        let back = consent.headers()["location"].to_str().unwrap().to_owned();
        let path = back.strip_prefix(BASE).unwrap();
        self.visit_as(&begun.cookies(), path).await
    }

    /// The cookies of somebody who signed in.
    pub(crate) async fn sign_in(&self, login: &str) -> String {
        self.come_back(login, "/").await.cookies()
    }

    async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        answer(app(Arc::new(Console::new(self.backend(), self.config.settings.clone(), clock))), request, body).await
    }
}

/// A GitHub with ann, bob and rita in a team, vic in its organization, adam on his own, and eve in neither.
async fn identity_provider(folder: &Path) -> Running {
    let mut config = github_sim::Config::new(folder);
    let logins = ["ann", "bob", "rita", "vic", "adam", "eve"];
    config.users = logins
        .into_iter()
        .map(|login| UserConfig {
            login: login.to_owned(),
            id: (login == "adam").then_some(72),
            emails: vec![
                EmailConfig { email: format!("{login}@home.example"), verified: true, primary: true },
                EmailConfig { email: format!("{login}@acme.example"), verified: true, primary: false },
                // Whoever says so has not shown it.
                EmailConfig { email: "ann@acme.example".to_owned(), verified: login == "ann", primary: false },
            ],
            ..UserConfig::default()
        })
        .collect();
    let names = |logins: &[&str]| logins.iter().map(|login| (*login).to_owned()).collect();
    config.organizations = vec![OrganizationConfig {
        id: 70,
        login: "acme".to_owned(),
        members: names(&["ann", "bob", "rita", "vic"]),
        teams: vec![TeamConfig { id: 71, slug: "reviewers".to_owned(), members: names(&["ann", "bob", "rita"]) }],
    }];
    config.oauth_app = Some(OauthApp {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.into(),
        callback_url: format!("{BASE}/account/sign-in/callback"),
    });
    GithubSim::start(config).await.unwrap()
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
    /// The cookies that it sets, as a browser sends them back.
    pub(crate) fn cookies(&self) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let pairs: Vec<_> =
            set.map(|text| text.split(';').next().unwrap()).filter(|pair| !pair.ends_with('=')).collect();
        pairs.join("; ")
    }

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
