//! What a token of the App reaches, and what it may do there.

use github::{EntryKind, GithubError, Identity, NewCommit, NewTreeEntry, Repo};
use github_auth::Grant;
use github_sim::{AppConfig, Level, Permission};
use testkit::CodeHost;

use crate::desk::{Desk, WRITE};

/// Writes a file on a new branch, as far as it gets.
async fn write(repo: &Repo, branch: &str, path: &str) -> Result<(), GithubError> {
    let head = repo.branch_head("main").await?;
    let blob = repo.create_blob(b"x\n").await?;
    let base = repo.commit(&head).await?.tree;
    let entry = NewTreeEntry::Write { path: path.to_owned(), kind: EntryKind::File, blob };
    let commit = NewCommit {
        message: "Ours".to_owned(),
        tree: repo.create_tree(&base, &[entry]).await?,
        parents: vec![head],
        author: Identity { name: "bot".to_owned(), email: "bot@example.com".to_owned() },
        date: "2026-11-22T10:00:00Z".parse().unwrap(),
    };
    let commit = repo.create_commit(&commit).await?;
    repo.create_branch(branch, &commit.sha).await.map(drop)
}

fn is_forbidden(answer: &Result<(), GithubError>) -> bool {
    matches!(answer, Err(GithubError::Refused { status: 403, .. }))
}

#[tokio::test]
async fn a_read_token_reads_one_repository_and_writes_nothing() {
    let desk = Desk::start(Grant::Read).await;
    let token = desk.ask("acme/web").await.unwrap();
    let repo = desk.repo(&token, "acme/web");
    assert_eq!(repo.branch_head("main").await.unwrap(), desk.host.first);
    repo.checks(&desk.host.first).await.unwrap();
    let answer = write(&repo, "x", "src/app.js").await;
    assert!(is_forbidden(&answer), "{answer:?}");
    assert_eq!(repo.branch("x").await.unwrap(), None);

    let other = desk.repo(&token, "acme/other").settings().await;
    assert!(matches!(other, Err(GithubError::RepositoryNotFound { .. })), "{other:?}");
    let life = token.expires_at.duration_since(desk.opened);
    assert!((3_590..=3_660).contains(&life.as_secs()), "{life:?}");
}

#[tokio::test]
async fn a_write_token_writes_everything_but_the_repositorys_own_workflows() {
    let desk = Desk::start(WRITE).await;
    let repo = desk.repo(&desk.ask("acme/web").await.unwrap(), "acme/web");
    write(&repo, "code", "src/app.js").await.unwrap();
    let answer = write(&repo, "workflow", ".github/workflows/ci.yml").await;
    assert!(is_forbidden(&answer), "{answer:?}");
    assert_eq!(repo.branch("workflow").await.unwrap(), None);
}

#[tokio::test]
async fn workflow_files_take_a_permission_that_the_owner_granted() {
    let grant = Grant::Write { workflow_files: true };
    let desk = Desk::start(grant).await;
    let failure = desk.ask("acme/web").await.unwrap_err();
    insta::assert_snapshot!(failure, @"GithubRefused: the App's installation on acme/web lacks a permission; let an owner of acme accept the App's present permissions, then retry. GitHub says: The permissions requested are not granted to this installation.");

    let mut app = AppConfig::new(CodeHost::APP_ID, "ticket-bot", CodeHost::app_key().public_pem.clone());
    app.permissions.insert(Permission::Workflows, Level::Write);
    let host = CodeHost::start_with(&[("README.md", "# Web\n")], |config| config.app = Some(app)).await;
    let desk = Desk::start_with(grant, &CodeHost::credentials(), |context| {
        context.host = github::Host::new(&host.api_url()).unwrap();
    })
    .await;
    let repo = desk.repo(&desk.ask("acme/web").await.unwrap(), "acme/web");
    write(&repo, "workflow", ".github/workflows/ci.yml").await.unwrap();
}
