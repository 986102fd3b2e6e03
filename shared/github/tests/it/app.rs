//! Acting as the App.

use std::collections::BTreeMap;

use github::{Access, GithubError, TokenGrant};
use github_sim::{AppKey, NewRepo, TokenFormat};
use secrecy::ExposeSecret as _;

use crate::world::{APP_ID, World, keys};

fn grant(repository: &str, permissions: &[(&str, Access)]) -> TokenGrant {
    let permissions: BTreeMap<String, Access> = permissions.iter().map(|(name, a)| ((*name).to_owned(), *a)).collect();
    TokenGrant { repository: repository.parse().unwrap(), permissions }
}

#[tokio::test]
async fn a_token_reaches_one_repository_and_does_what_it_may() {
    let world = World::start_with(|config| config.token_format = TokenFormat::Long).await;
    world.sim.create_repo(NewRepo::new("acme", "other").file("a", "a")).await.unwrap();
    let app = world.host().with_app(APP_ID, &keys().private_pem).unwrap();
    let minted = app.mint(&grant("acme/web", &[("contents", Access::Read)])).await.unwrap();
    assert!(minted.token.expose_secret().starts_with("ghs_"));
    assert!(!format!("{minted:?}").contains("ghs_"));
    let github = world.host().with_token(minted.token).unwrap();
    let repo = github.repo(&"acme/web".parse().unwrap());
    assert_eq!(repo.branch_head("main").await.unwrap(), world.first);
    let refused = repo.create_branch("x", &world.first).await;
    assert!(matches!(refused, Err(GithubError::Refused { status: 403, .. })), "{refused:?}");
    let other = github.repo(&"acme/other".parse().unwrap());
    assert!(matches!(other.settings().await, Err(GithubError::RepositoryNotFound { .. })));
}

#[tokio::test]
async fn where_the_app_is_not_installed_there_is_no_token() {
    let world = World::start().await;
    let mut hidden = NewRepo::new("acme", "hidden");
    hidden.app_installed = false;
    world.sim.create_repo(hidden).await.unwrap();
    let app = world.host().with_app(APP_ID, &keys().private_pem).unwrap();
    for repository in ["acme/hidden", "acme/nothing", "nobody/web"] {
        let answer = app.mint(&grant(repository, &[("contents", Access::Read)])).await;
        assert!(matches!(answer, Err(GithubError::RepositoryNotFound { .. })), "{repository}: {answer:?}");
    }
    let answer = app.mint(&grant("acme/web", &[("workflows", Access::Write)])).await;
    assert!(matches!(answer, Err(GithubError::Refused { status: 422, .. })), "{answer:?}");
}

#[tokio::test]
async fn a_wrong_key_or_app_is_refused() {
    let world = World::start().await;
    assert!(matches!(world.host().with_app(1, &"no key".into()), Err(GithubError::Setup(_))));
    let app = world.host().with_app(APP_ID + 1, &keys().private_pem).unwrap();
    let answer = app.mint(&grant("acme/web", &[])).await;
    assert!(matches!(answer, Err(GithubError::Unauthorized { .. })), "{answer:?}");
    let app = world.host().with_app(APP_ID, &AppKey::generate().unwrap().private_pem).unwrap();
    let answer = app.mint(&grant("acme/web", &[])).await;
    assert!(matches!(answer, Err(GithubError::Unauthorized { .. })), "{answer:?}");
}
