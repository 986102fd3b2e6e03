//! Merging the reviewed head, and no other.

use domain::failure::FailureKind;
use domain::workflow::PullRequestRef;
use github_sim::{MergeMethod, NewCheckRun, Protection};
use publisher::merge::{Outcome, merge, say_waiting};

use crate::world::{TestChange, World, reference, sha};

/// Reports that the check `test` passed on the reviewed head.
async fn pass_check(world: &World, reviewed: &PullRequestRef) {
    let run = NewCheckRun {
        head_sha: serde_json::from_value(reviewed.head_sha.as_str().into()).unwrap(),
        name: "test".to_owned(),
        conclusion: Some("success".to_owned()),
        summary: None,
    };
    world.host.sim.report_check_run(&world.host.name, run).await.unwrap();
}

#[tokio::test]
async fn the_reviewed_head_is_merged_once() {
    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let Outcome::Merged(sha) = merge(&world.repo(), &reviewed).await.unwrap() else { panic!("not merged") };
    assert_eq!(world.repo().branch_head("main").await.unwrap(), sha);
    assert_eq!(merge(&world.repo(), &reviewed).await.unwrap(), Outcome::Merged(sha.clone()));
    let files = world.files(&sha).await;
    assert_eq!(files["src/app.js"], "one\n2\nthree\n");
}

#[tokio::test]
async fn a_missing_check_is_waited_for_and_said_once() {
    let world = World::start().await;
    let published = world.publish(&TestChange::first(&world)).await.unwrap();
    let reviewed = reference(&published);
    let rules = Protection { required_checks: vec!["test".to_owned()], ..Protection::default() };
    world.host.sim.protect(&world.host.name, "main", Some(rules));
    for _ in 0..2 {
        let Outcome::Waiting(reason) = merge(&world.repo(), &reviewed).await.unwrap() else { panic!("not waiting") };
        assert!(reason.contains("test"), "{reason}");
        say_waiting(&world.repo(), &world.workflow(), &reviewed, &reason, &domain::secrets::KnownSecrets::default())
            .await
            .unwrap();
    }
    assert_eq!(world.repo().comments(published.number).await.unwrap().len(), 1);
    pass_check(&world, &reviewed).await;
    assert!(matches!(merge(&world.repo(), &reviewed).await.unwrap(), Outcome::Merged(_)));
}

#[tokio::test]
async fn a_conflict_and_a_base_that_must_be_contained_ask_for_a_new_round() {
    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let rules = Protection { strict: true, required_checks: vec!["test".to_owned()], ..Protection::default() };
    world.host.sim.protect(&world.host.name, "main", Some(rules));
    pass_check(&world, &reviewed).await;
    world.host.push("main", "README.md", "# Moved\n").await;
    let outcome = merge(&world.repo(), &reviewed).await.unwrap();
    assert!(matches!(&outcome, Outcome::Conflict(reason) if reason.contains("up to date")), "{outcome:?}");
    world.host.sim.protect(&world.host.name, "main", None);
    world.host.push("main", "src/app.js", "one\nII\nthree\n").await;
    let outcome = merge(&world.repo(), &reviewed).await.unwrap();
    assert!(matches!(&outcome, Outcome::Conflict(reason) if reason.contains("conflicts")), "{outcome:?}");
}

#[tokio::test]
async fn a_head_that_nobody_reviewed_is_not_merged() {
    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let theirs = world.host.push(&reviewed.branch, "README.md", "# By hand\n").await;
    let failure = merge(&world.repo(), &reviewed).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(failure.message.contains(theirs.as_str()), "{}", failure.message);
    assert_eq!(world.repo().branch_head("main").await.unwrap(), world.host.first);
}

#[tokio::test]
async fn what_people_did_on_github_counts() {
    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let merged =
        world.host.sim.merge(&world.host.name, reviewed.number, Some("alice"), MergeMethod::Merge).await.unwrap();
    assert_eq!(merge(&world.repo(), &reviewed).await.unwrap(), Outcome::Merged(sha(&merged)));

    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    world.host.sim.close(&world.host.name, reviewed.number, Some("alice")).await.unwrap();
    assert!(matches!(merge(&world.repo(), &reviewed).await.unwrap(), Outcome::Closed(_)));

    let world = World::start().await;
    let reviewed = reference(&world.publish(&TestChange::first(&world)).await.unwrap());
    let theirs = world.host.push(&reviewed.branch, "README.md", "# By hand\n").await;
    world.host.sim.merge(&world.host.name, reviewed.number, Some("alice"), MergeMethod::Merge).await.unwrap();
    let outcome = merge(&world.repo(), &reviewed).await.unwrap();
    assert!(matches!(&outcome, Outcome::Closed(reason) if reason.contains(theirs.as_str())), "{outcome:?}");
}
