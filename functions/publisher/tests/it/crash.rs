//! The step dies at every write, before and after GitHub did it, and is run again.

use domain::failure::FailureKind;
use github::PullState;
use github_sim::When;

use crate::world::{TestChange, World};

/// Every sort of write that a publication makes.
const WRITES: [(&str, &str); 5] = [
    ("POST", "/repos/*/git/blobs"),
    ("POST", "/repos/*/git/trees"),
    ("POST", "/repos/*/git/commits"),
    ("POST", "/repos/*/git/refs"),
    ("POST", "/repos/*/pulls"),
];

#[tokio::test]
async fn whenever_it_dies_the_next_run_comes_to_the_same_end() {
    for when in [When::Before, When::After] {
        for (method, path) in WRITES {
            let world = World::start().await;
            let change = TestChange::first(&world);
            world.fail(method, path, when);
            let failure = world.publish_with(&world.fragile(), &change).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Transient, "{method} {path} {when:?}");
            assert_eq!(world.host.sim.faults()[0].fired, 1, "{method} {path} {when:?}");

            let published = world.publish_with(&world.fragile(), &change).await.unwrap();
            let pulls = world.repo().pulls_from(&published.branch).await.unwrap();
            assert_eq!(pulls.len(), 1, "{method} {path} {when:?}");
            assert_eq!((&pulls[0].head_sha, &pulls[0].state), (&published.head_sha, &PullState::Open));
            let comparison = world.repo().compare(&world.host.first, &published.head_sha).await.unwrap();
            assert_eq!(comparison.ahead_by, 1, "one commit, not two: {method} {path} {when:?}");
        }
    }
}

#[tokio::test]
async fn the_next_round_survives_too() {
    for when in [When::Before, When::After] {
        for (method, path) in
            [("POST", "/repos/*/git/commits"), ("PATCH", "/repos/*/git/refs/*"), ("PATCH", "/repos/*/pulls/*")]
        {
            let world = World::start().await;
            let change = TestChange::first(&world);
            let first = world.publish(&change).await.unwrap();
            let change = change.after(&first);
            world.fail(method, path, when);
            world.publish_with(&world.fragile(), &change).await.unwrap_err();
            let second = world.publish_with(&world.fragile(), &change).await.unwrap();
            let comparison = world.repo().compare(&first.head_sha, &second.head_sha).await.unwrap();
            assert_eq!((comparison.ahead_by, comparison.behind_by), (1, 0), "{method} {path} {when:?}");
        }
    }
}

#[tokio::test]
async fn lost_answers_of_a_merge_and_of_a_comment_do_no_harm() {
    let world = World::start().await;
    let published = world.publish(&TestChange::first(&world)).await.unwrap();
    let reviewed = crate::world::reference(&published);
    world.fail("PUT", "/repos/*/merge", When::After);
    publisher::merge::merge(&world.fragile(), &reviewed).await.unwrap_err();
    let head = world.repo().branch_head("main").await.unwrap();
    let outcome = publisher::merge::merge(&world.fragile(), &reviewed).await.unwrap();
    assert_eq!(outcome, publisher::merge::Outcome::Merged(head));

    let world = World::start().await;
    let published = world.publish(&TestChange::first(&world)).await.unwrap();
    let reference = crate::world::reference(&published);
    world.fail("POST", "/repos/*/comments", When::After);
    let (repo, id) = (world.fragile(), world.workflow());
    let close = async || {
        publisher::close::close(
            &repo,
            &id,
            &reference,
            "Because.",
            crate::world::BASE_URL,
            &domain::secrets::KnownSecrets::default(),
        )
        .await
    };
    close().await.unwrap_err();
    close().await.unwrap();
    assert_eq!(repo.comments(published.number).await.unwrap().len(), 1);
}
