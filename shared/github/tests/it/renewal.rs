//! Tokens that end before their time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::failure::{Failure, FailureKind};
use github::{Access, GithubError, Repo, TokenGrant};
use secrecy::{ExposeSecret as _, SecretString};

use crate::world::{APP_ID, TOKEN, World, keys};

/// What the source of tokens was asked.
type Asked = Arc<Mutex<Vec<Option<String>>>>;

/// A client whose source gives out these answers, one after the other.
async fn client(world: &World, answers: Vec<Result<SecretString, Failure>>) -> (Repo, Asked) {
    let asked = Asked::default();
    let (seen, answers) = (Arc::clone(&asked), Mutex::new(answers.into_iter()));
    let tokens = move |rejected: Option<SecretString>| {
        seen.lock().unwrap().push(rejected.map(|token| token.expose_secret().to_owned()));
        let answer = answers.lock().unwrap().next().expect("another token was asked for");
        std::future::ready(answer)
    };
    let github = world.host().with_tokens(tokens).await.unwrap();
    (github.repo(&"acme/web".parse().unwrap()), asked)
}

async fn minted(world: &World) -> SecretString {
    let grant = TokenGrant {
        repository: "acme/web".parse().unwrap(),
        permissions: BTreeMap::from([("contents".to_owned(), Access::Read)]),
    };
    world.host().with_app(APP_ID, &keys().private_pem).unwrap().mint(&grant).await.unwrap().token
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_once_whoever_notices() {
    let world = World::start().await;
    let first = minted(&world).await;
    let (repo, asked) = client(&world, vec![Ok(first.clone()), Ok(TOKEN.into())]).await;
    repo.settings().await.unwrap();
    world.sim.revoke_tokens();
    let heads = tokio::join!(repo.branch_head("main"), repo.branch_head("main"), repo.branch_head("main"));
    for head in [heads.0, heads.1, heads.2] {
        assert_eq!(head.unwrap(), world.first);
    }
    repo.clone().settings().await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [None, Some(first.expose_secret().to_owned())]);
}

#[tokio::test]
async fn a_second_refusal_is_not_the_tokens_end() {
    let world = World::start().await;
    let (repo, asked) = client(&world, vec![Ok("ghp_one".into()), Ok("ghp_two".into())]).await;
    for calls in [2, 3] {
        let error = repo.settings().await.unwrap_err();
        assert!(matches!(error, GithubError::Unauthorized { .. }), "{error}");
        assert_eq!(error.kind(), FailureKind::Transient);
        assert_eq!(world.calls_of("GET", "/repos/acme/web"), calls);
    }
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn why_there_is_no_token_is_what_the_caller_hears() {
    let world = World::start().await;
    let gone = Failure::new(FailureKind::RepositoryUnavailable, "the App was removed");
    let (repo, _) = client(&world, vec![Ok("ghp_one".into()), Err(gone.clone())]).await;
    assert_eq!(Failure::from(repo.settings().await.unwrap_err()), gone);

    let never = gone.clone();
    let error = world.host().with_tokens(move |_| std::future::ready(Err(never.clone()))).await.unwrap_err();
    assert_eq!(Failure::from(error), gone);
}
