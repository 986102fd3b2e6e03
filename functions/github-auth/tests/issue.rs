//! Tokens against the simulator, which keeps to what a token may do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::OnceLock;

use domain::Timestamp;
use domain::failure::FailureKind;
use github::{GithubError, Host, Repo};
use github_auth::{Credentials, Grant, issue};
use github_sim::{AppConfig, AppKey, Config, GithubSim, Level, NewRepo, Permission, PersonalToken, Running};

const APP_ID: u64 = 7;
const PERSONAL: &str = "ghp_personal";

struct World {
    sim: Running,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path());
        let mut app = AppConfig::new(APP_ID, "ticket-bot", keys().public_pem.clone());
        app.permissions.insert(Permission::Workflows, Level::Write);
        config.app = Some(app);
        config.personal_tokens = vec![PersonalToken { token: PERSONAL.into(), login: "maintainer".to_owned() }];
        let sim = GithubSim::start(config).await.unwrap();
        sim.create_repo(NewRepo::new("acme", "web").file("README.md", "# Web\n")).await.unwrap();
        Self { sim, _dir: dir }
    }

    fn host(&self) -> Host {
        Host::new(&self.sim.api_base()).unwrap()
    }

    fn repo(&self, token: &str) -> Repo {
        self.host().with_token(token.into()).unwrap().repo(&"acme/web".parse().unwrap())
    }
}

/// The App's key pair, made once.
fn keys() -> &'static AppKey {
    static KEYS: OnceLock<AppKey> = OnceLock::new();
    KEYS.get_or_init(|| AppKey::generate().unwrap())
}

fn app(app_id: u64) -> Credentials {
    Credentials::App { app_id, private_key: keys().private_pem.clone() }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_read_token_reads_and_a_write_token_writes() {
    let world = World::start().await;
    let web = "acme/web".parse().unwrap();
    let read = issue(&world.host(), &app(APP_ID), Grant::Read, &web, now()).await.unwrap();
    let repo = world.repo(&read.token);
    let head = repo.branch_head("main").await.unwrap();
    assert!(repo.checks(&head).await.is_ok());
    assert!(repo.pulls_from("main").await.is_ok());
    let denied = repo.create_branch("x", &head).await;
    assert!(matches!(denied, Err(GithubError::Refused { status: 403, .. })), "{denied:?}");
    for workflow_files in [false, true] {
        let write = issue(&world.host(), &app(APP_ID), Grant::Write { workflow_files }, &web, now()).await.unwrap();
        let branch = format!("x-{workflow_files}");
        assert!(world.repo(&write.token).create_branch(&branch, &head).await.is_ok());
    }
}

#[tokio::test]
async fn failures_say_what_to_do() {
    let world = World::start().await;
    let mut hidden = NewRepo::new("acme", "hidden");
    hidden.app_installed = false;
    world.sim.create_repo(hidden).await.unwrap();
    let fail = async |credentials: Credentials, repository: &str| {
        let repository = repository.parse().unwrap();
        issue(&world.host(), &credentials, Grant::Read, &repository, now()).await.unwrap_err()
    };
    let failure = fail(app(APP_ID), "acme/hidden").await;
    assert_eq!(failure.kind, FailureKind::RepositoryUnavailable);
    insta::assert_snapshot!(failure.message, @"the repository acme/hidden does not exist, or the GitHub App is not installed on it; correct the ticket's repository, or let an owner of acme add it to the App's installation, then retry");
    let failure = fail(Credentials::Token { token: PERSONAL.into() }, "acme/nothing").await;
    assert_eq!(failure.kind, FailureKind::RepositoryUnavailable);
    let failure = fail(Credentials::Token { token: "ghp_other".into() }, "acme/web").await;
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(!failure.message.contains("ghp_other"));
    let failure = fail(app(APP_ID + 1), "acme/web").await;
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    insta::assert_snapshot!(failure.message, @"GitHub does not accept the App's key: its number and key in the secret do not belong together");
    let broken = Credentials::App { app_id: APP_ID, private_key: "not a key".into() };
    assert_eq!(fail(broken, "acme/web").await.kind, FailureKind::Internal);
}

#[tokio::test]
async fn a_personal_token_is_passed_on_after_a_look() {
    let world = World::start().await;
    let credentials = Credentials::Token { token: PERSONAL.into() };
    let answer = issue(&world.host(), &credentials, Grant::Read, &"acme/web".parse().unwrap(), now()).await.unwrap();
    assert_eq!(answer.token, PERSONAL);
    assert_eq!(answer.expires_at.to_string(), "2026-11-22T11:00:00Z");
    assert_eq!(world.sim.calls().len(), 1);
}
