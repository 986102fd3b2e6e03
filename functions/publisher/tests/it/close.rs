//! Closing with a word about why.

use domain::secrets::KnownSecrets;
use github::PullState;
use github_sim::MergeMethod;
use publisher::close::{Outcome, close};

use crate::world::{BASE_URL, TestChange, World, reference, sha};

#[tokio::test]
async fn it_is_closed_with_one_comment_and_without_its_branch() {
    let world = World::start().await;
    let published = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let repo = world.repo();
    for _ in 0..2 {
        let reason = "Rejected: not what @alice wanted";
        let outcome =
            close(&repo, &world.workflow(), &published, reason, BASE_URL, &KnownSecrets::default()).await.unwrap();
        assert_eq!(outcome, Outcome::Closed);
    }
    assert_eq!(repo.pull(published.number).await.unwrap().state, PullState::Closed);
    assert_eq!(repo.branch(&published.branch).await.unwrap(), None);
    let comments = repo.comments(published.number).await.unwrap();
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("not what") && !comments[0].body.contains("@alice"));
    assert_eq!(repo.branch_head("main").await.unwrap(), world.host.first);
}

#[tokio::test]
async fn a_branch_with_somebody_elses_commit_stays() {
    let world = World::start().await;
    let published = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let theirs = world.host.push(&published.branch, "README.md", "# By hand\n").await;
    close(&world.repo(), &world.workflow(), &published, "Expired.", BASE_URL, &KnownSecrets::default()).await.unwrap();
    assert_eq!(world.repo().branch(&published.branch).await.unwrap(), Some(theirs));
    assert_eq!(world.repo().pull(published.number).await.unwrap().state, PullState::Closed);
}

#[tokio::test]
async fn what_was_merged_meanwhile_is_merged() {
    let world = World::start().await;
    let published = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let merged =
        world.host.sim.merge(&world.host.name, published.number, Some("alice"), MergeMethod::Squash).await.unwrap();
    let outcome = close(&world.repo(), &world.workflow(), &published, "Expired.", BASE_URL, &KnownSecrets::default())
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Merged(sha(&merged)));
}

#[tokio::test]
async fn a_reason_with_a_credential_is_not_told_but_closes_all_the_same() {
    let world = World::start().await;
    let published = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let token = format!("ghp_{}", "a1B2".repeat(9));
    close(&world.repo(), &world.workflow(), &published, &token, BASE_URL, &KnownSecrets::default()).await.unwrap();
    let comments = world.repo().comments(published.number).await.unwrap();
    assert!(comments.len() == 1 && !comments[0].body.contains(&token));
}
