//! Where the setup of a run may fetch packages from.

use codeartifact_sim::{Config, Running};
use domain::WorkflowState;
use domain::failure::FailureKind;
use domain::ids::Attempt;
use domain::packages::{Ecosystem, HostName, PackageSources};
use testkit::Log;
use testkit::archive::{File, pack};
use testkit::sample::now;
use workflow::{Packages, Repository};

use crate::desk::{Desk, Sandbox};

const WITH_SETUP: (&str, &str) = (".pi-tickets.toml", "[setup]\ncommand = \"npm ci\"\n");
const GOOD: File<'_> = File { path: "src/app.js", text: "two\n", existed: true };

/// A desk whose repository has these files too, and a CodeArtifact where it is always [`now`].
async fn start(files: &[(&str, &str)]) -> (Desk, Running) {
    let clock = std::sync::Arc::new(now);
    let artifacts = codeartifact_sim::start(Config { clock, ..Config::default() }).await.unwrap();
    let mut desk = Desk::start_with(files).await;
    desk.fetch_from(from(&desk, artifacts.base_url(), artifacts.config()));
    (desk, artifacts)
}

/// What the operator of a deployment configures.
fn from(desk: &Desk, endpoint: &str, config: &Config) -> Packages {
    let repository = Repository::by_arn(&config.arn("eu-central-1"), config.bucket_arn()).unwrap();
    Packages::new(&desk.world.aws, Some(repository), Some(endpoint.to_owned()), hosts())
}

fn hosts() -> Vec<HostName> {
    HostName::list("packages.example.org").unwrap()
}

/// An approved workflow's two sandboxes.
async fn both(desk: &Desk) -> [Sandbox; 2] {
    let id = desk.approved().await.id;
    let agent = desk.agent(&id).await;
    let gates = desk.second(&agent, pack(&id, Attempt::FIRST, &desk.host.first, &[GOOD])).await;
    [agent, gates]
}

/// The one token of a task's mirrors, of which there is one for each ecosystem.
fn token(sources: &PackageSources, artifacts: &Running) -> String {
    let ecosystems: Vec<Ecosystem> = sources.mirrors.iter().map(|mirror| mirror.ecosystem).collect();
    assert_eq!(ecosystems, Ecosystem::ALL);
    assert_eq!(sources.hosts, hosts());
    let mut tokens: Vec<&str> = vec![];
    for mirror in &sources.mirrors {
        assert_eq!(mirror.url, format!("{}/{}/packages/", artifacts.base_url(), mirror.ecosystem.as_str()));
        assert_eq!(mirror.redirects, HostName::list("assets-local.s3.eu-central-1.amazonaws.com").unwrap());
        tokens.push(mirror.token.as_ref().unwrap().expose());
    }
    tokens.dedup();
    let [token] = tokens.as_slice() else { panic!("{} tokens", tokens.len()) };
    (*token).to_owned()
}

#[tokio::test]
async fn each_sandbox_of_a_repository_with_a_setup_gets_a_token_that_ends_soon_after_it() {
    let (desk, artifacts) = start(&[WITH_SETUP]).await;
    let [agent, gates] = both(&desk).await;
    assert_eq!(gates.qa().setup, agent.agent().setup);

    let given = artifacts.tokens();
    assert_eq!(given.len(), 2, "one for each sandbox");
    for (sandbox, seconds) in [(&agent, 600), (&gates, 300)] {
        assert_eq!(sandbox.task.limits.total_seconds, seconds);
        let ends = given[&token(&sandbox.task.packages, &artifacts)];
        assert_eq!(ends.duration_since(now()).as_secs(), i64::try_from(seconds).unwrap() + 900);
    }
}

#[tokio::test]
async fn the_token_is_in_no_row_and_in_no_log() {
    let log = Log::collect();
    let (desk, artifacts) = start(&[WITH_SETUP]).await;
    let [agent, _] = both(&desk).await;
    let rows = desk.world.everything().await;
    for token in artifacts.tokens().keys() {
        assert!(!rows.contains(token));
        assert_eq!(log.before(token), None);
    }
    assert!(!format!("{:?}", agent.task).contains(&token(&agent.task.packages, &artifacts)));
}

#[tokio::test]
async fn without_a_setup_no_token_is_made() {
    let (desk, artifacts) = start(&[]).await;
    let [agent, gates] = both(&desk).await;
    assert!(agent.task.packages.is_empty() && gates.task.packages.is_empty());
    assert!(artifacts.tokens().is_empty());
}

#[tokio::test]
async fn a_wrong_repository_is_told_and_the_run_starts_once_it_is_right() {
    let (mut desk, artifacts) = start(&[WITH_SETUP]).await;
    let id = desk.approved().await.id;
    let wrong = |domain: &str, repository: &str| Config {
        domain: domain.to_owned(),
        repository: repository.to_owned(),
        ..Config::default()
    };
    let before = desk.world.everything().await;
    for (config, expected) in [
        (wrong("elsewhere", "packages"), "CodeArtifact did not give a token for `packages` of the domain `elsewhere`"),
        (wrong("local", "typo"), "CodeArtifact did not give an address for `typo` of the domain `local`"),
    ] {
        desk.fetch_from(from(&desk, artifacts.base_url(), &config));
        let failure = desk.prepare(&id).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal, "asking again does not help");
        assert!(failure.message.starts_with(expected), "{}", failure.message);
        assert!(failure.message.contains("ResourceNotFoundException"), "{}", failure.message);
    }
    assert_eq!(desk.world.everything().await, before, "nothing has begun");

    desk.fetch_from(from(&desk, artifacts.base_url(), artifacts.config()));
    token(&desk.agent(&id).await.task.packages, &artifacts);
    assert_eq!(desk.world.workflow(&id).await.state, WorkflowState::Executing);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_asked_again_later() {
    let mut desk = Desk::start_with(&[WITH_SETUP]).await;
    let id = desk.approved().await.id;
    desk.fetch_from(from(&desk, "http://127.0.0.1:1", &Config::default()));
    assert_eq!(desk.prepare(&id).await.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(desk.world.workflow(&id).await.state, WorkflowState::SpecApproved);
}
