//! What the integration tests share: a running simulator, tokens, a plain HTTP client.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod receiver;

use std::process::Command;
use std::sync::OnceLock;

use github_sim::{
    AppConfig, AppKey, Clock, Config, EmailConfig, GithubSim, Level, NewFile, NewPush, NewRepo, OauthApp,
    OrganizationConfig, Permission, PersonalToken, RepoName, Role, Running, Sha, TeamConfig, UserConfig,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// The app's id.
pub(crate) const APP_ID: u64 = 4242;
/// The personal token of `maintainer`.
pub(crate) const PERSONAL: &str = "ghp_maintainerstoken";

/// The OAuth app.
pub(crate) const CLIENT_ID: &str = "Ov23liExample";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
/// Its callback.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:1/account/sign-in/callback";

/// The app's key pair, made once per test binary.
pub(crate) fn keys() -> &'static AppKey {
    static KEYS: OnceLock<AppKey> = OnceLock::new();
    KEYS.get_or_init(|| AppKey::generate().unwrap())
}

/// Runs a program with input and returns its output.
pub(crate) fn run(program: &str, args: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

/// A JWT of the app, issued now by this clock.
pub(crate) fn jwt(clock: &Clock, issuer: &Value, lifetime: i64, private: &str) -> String {
    let now = clock.now().as_second();
    let claims = json!({ "iat": now - 60, "exp": now + lifetime, "iss": issuer });
    let key = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
    encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
}

/// A simulator with one repository, `acme/web`.
pub(crate) struct World {
    pub(crate) sim: Running,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
    pub(crate) repo: RepoName,
    /// The first commit on `main`.
    pub(crate) first: Sha,
    pub(crate) dir: tempfile::TempDir,
}

/// The answer of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
        let mut config = Config::new(dir.path());
        config.clock = clock.clone();
        let mut app = AppConfig::new(APP_ID, "ticket-bot", keys().public_pem.clone());
        app.permissions.insert(Permission::Checks, Level::Read);
        config.app = Some(app);
        config.personal_tokens = vec![PersonalToken { token: PERSONAL.into(), login: "maintainer".to_owned() }];
        config.users = vec![UserConfig {
            login: "maintainer".to_owned(),
            name: Some("Mai Ntainer".to_owned()),
            email: Some("mai@example.com".to_owned()),
            emails: vec![
                EmailConfig { email: "mai@example.com".to_owned(), verified: true, primary: true },
                EmailConfig { email: "boss@example.com".to_owned(), ..EmailConfig::default() },
            ],
            ..UserConfig::default()
        }];
        let reviewers = TeamConfig { id: 77, slug: "reviewers".to_owned(), members: vec!["maintainer".to_owned()] };
        config.organizations = vec![OrganizationConfig {
            id: 7,
            login: "guild".to_owned(),
            members: vec!["maintainer".to_owned(), "alice".to_owned()],
            teams: vec![reviewers],
        }];
        config.oauth_app = Some(OauthApp {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.into(),
            callback_url: CALLBACK.to_owned(),
        });
        change(&mut config);
        let sim = GithubSim::start(config).await.unwrap();
        let mut new = NewRepo::new("acme", "web")
            .file("README.md", "# Web\n")
            .file("src/app.js", "line one\nline two\nline three\n")
            .file("docs/secret.txt", "not for export\n")
            .file(".gitattributes", "docs/secret.txt export-ignore\nVERSION export-subst\n")
            .file("VERSION", "$Format:%H$\n");
        new.collaborators.insert("alice".to_owned(), Role::Write);
        new.collaborators.insert("bob".to_owned(), Role::Read);
        let first = sim.create_repo(new).await.unwrap();
        let http = reqwest::Client::builder()
            .user_agent("github-sim-tests")
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let repo = "acme/web".parse().unwrap();
        Self { sim, clock, http, repo, first, dir }
    }

    /// The bare repository on disk.
    pub(crate) fn git_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("repos/acme/web.git")
    }

    /// Runs git in the bare repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let dir = format!("--git-dir={}", self.git_dir().display());
        let mut all = vec![dir.as_str()];
        all.extend_from_slice(args);
        run("git", &all, "").trim().to_owned()
    }

    pub(crate) fn app_jwt(&self) -> String {
        jwt(&self.clock, &json!(APP_ID), 540, keys().private_pem.expose_secret())
    }

    /// An installation token for `acme/web`, limited as given.
    pub(crate) async fn installation_token(&self, limits: Value) -> String {
        let jwt = self.app_jwt();
        let installation = self.call(Method::GET, "/repos/acme/web/installation", &jwt, None).await;
        let path = format!("/app/installations/{}/access_tokens", installation.body["id"]);
        let answer = self.call(Method::POST, &path, &jwt, Some(limits)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["token"].as_str().unwrap().to_owned()
    }

    /// Calls the API; an empty token sends no header.
    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.sim.api_base()));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// Calls the control API.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}/_sim{path}", self.sim.html_base()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// Pushes one text file to a branch.
    pub(crate) async fn push(&self, branch: &str, path: &str, text: &str) -> Sha {
        let files = [(path.to_owned(), Some(NewFile::text(text)))].into();
        let push = NewPush {
            branch: branch.to_owned(),
            message: format!("Change {path}\n\nBecause."),
            files,
            from: None,
            force: false,
            actor: Some("alice".to_owned()),
        };
        self.sim.push(&self.repo, push).await.unwrap()
    }

    /// Pushes a branch with one new file and opens a pull request from it, as the app.
    pub(crate) async fn open_pull(&self, branch: &str, token: &str) -> u64 {
        self.push(branch, &format!("{}.txt", branch.replace('/', "-")), "new\n").await;
        let body = json!({ "title": format!("Add {branch}"), "head": branch, "base": "main", "body": "Why." });
        let answer = self.call(Method::POST, "/repos/acme/web/pulls", token, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["number"].as_u64().unwrap()
    }
}

/// Sends a request and reads a JSON body, if there is one.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}
