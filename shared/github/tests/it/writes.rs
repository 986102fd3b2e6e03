//! Objects, branches, pull requests.

use github::{
    CreatedPull, CreatedRef, GithubError, MergeMethod, MergeResult, Mergeability, NewPull, PullState, Repo,
    ReviewState, UpdatedRef,
};
use github_sim::Protection;

use crate::world::World;

fn pull(head: &str) -> NewPull {
    NewPull { title: "T".into(), body: "B".into(), head: head.into(), base: "main".into() }
}

async fn open(repo: &Repo, head: &str) -> github::PullRequest {
    match repo.create_pull(&pull(head)).await.unwrap() {
        CreatedPull::Created(pull) => *pull,
        CreatedPull::AlreadyExists => panic!("there is one already"),
    }
}

#[tokio::test]
async fn the_same_commit_made_twice_is_one_commit() {
    let world = World::start().await;
    let repo = world.repo();
    let blob = repo.create_blob(&[0, 159, 146, 150]).await.unwrap();
    let new = world.commit_of(&world.first, "bin/data", blob).await;
    let (one, two) = (repo.create_commit(&new).await.unwrap(), repo.create_commit(&new).await.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.parents, std::slice::from_ref(&world.first));
    assert_eq!(repo.commit(&one.sha).await.unwrap(), one);
    let tree = repo.tree(&one.tree).await.unwrap();
    let file = tree.entries.iter().find(|entry| entry.path == "bin/data").unwrap();
    assert_eq!(repo.blob(&file.sha).await.unwrap(), [0, 159, 146, 150]);
}

#[tokio::test]
async fn branches_move_forward_only() {
    let world = World::start().await;
    let repo = world.repo();
    let ours = world.branch("pi/x", &world.first, "a.txt", "a").await;
    assert_eq!(repo.create_branch("pi/x", &ours).await.unwrap(), CreatedRef::AlreadyExists);
    assert_eq!(repo.branch("pi/x").await.unwrap(), Some(ours.clone()));
    let theirs = world.push("pi/x", &[("b.txt", Some("b"))]).await;
    assert_eq!(repo.advance_branch("pi/x", &ours).await.unwrap(), UpdatedRef::NotFastForward);
    assert_eq!(repo.branch_head("pi/x").await.unwrap(), theirs, "nobody's commit is lost");
    let blob = repo.create_blob(b"c").await.unwrap();
    let next = repo.create_commit(&world.commit_of(&theirs, "c.txt", blob).await).await.unwrap();
    assert_eq!(repo.advance_branch("pi/x", &next.sha).await.unwrap(), UpdatedRef::Updated);
    repo.delete_branch("pi/x").await.unwrap();
    repo.delete_branch("pi/x").await.unwrap();
    assert_eq!(repo.branch("pi/x").await.unwrap(), None);
    assert_eq!(repo.advance_branch("pi/x", &next.sha).await.unwrap(), UpdatedRef::NotFastForward);
    let nonsense = repo.create_branch("pi/y", &"0".repeat(40).parse().unwrap()).await;
    assert!(matches!(nonsense, Err(GithubError::Refused { status: 422, .. })), "{nonsense:?}");
}

#[tokio::test]
async fn a_pull_request_from_its_opening_to_its_merge() {
    let world = World::start().await;
    let repo = world.repo();
    let head = world.branch("pi/x", &world.first, "a.txt", "a").await;
    let opened = open(&repo, "pi/x").await;
    assert_eq!(repo.create_pull(&pull("pi/x")).await.unwrap(), CreatedPull::AlreadyExists);
    assert_eq!(repo.pulls_from("pi/x").await.unwrap()[0].number, opened.number);
    assert_eq!(repo.pulls_from("pi/y").await.unwrap(), []);
    let edited = repo.edit_pull(opened.number, "T2", "B2").await.unwrap();
    assert_eq!((edited.title.as_str(), edited.body.as_str()), ("T2", "B2"));
    repo.comment(opened.number, "Hello").await.unwrap();
    assert_eq!(repo.comments(opened.number).await.unwrap()[0].body, "Hello");
    world.sim.review(&world.name, opened.number, Some("alice"), "APPROVE", "Fine").await.unwrap();
    let reviews = repo.reviews(opened.number).await.unwrap();
    assert_eq!((reviews[0].state, reviews[0].body.as_str()), (ReviewState::Approved, "Fine"));
    assert_eq!(reviews[0].user.as_ref().unwrap().login, "alice");
    assert_eq!(reviews[0].commit_id.as_ref(), Some(&head));
    let now = repo.pull(opened.number).await.unwrap();
    assert_eq!((now.state, now.mergeability, now.head_sha), (PullState::Open, Mergeability::Clean, head.clone()));

    let other = world.first.clone();
    assert_eq!(repo.merge_pull(opened.number, &other, MergeMethod::Merge).await.unwrap(), MergeResult::HeadModified);
    let MergeResult::Merged(sha) = repo.merge_pull(opened.number, &head, MergeMethod::Merge).await.unwrap() else {
        panic!("not merged")
    };
    assert_eq!(repo.branch_head("main").await.unwrap(), sha);
    let merged = repo.pull(opened.number).await.unwrap();
    assert_eq!(merged.state, PullState::Merged { sha: Some(sha) });
    assert_eq!(merged.merged_by.unwrap().login, "maintainer");
    assert_eq!(
        repo.merge_pull(opened.number, &head, MergeMethod::Merge).await.unwrap(),
        MergeResult::HeadModified,
        "not open any more: look again"
    );
}

#[tokio::test]
async fn rules_and_conflicts_are_told_apart() {
    let world = World::start().await;
    let repo = world.repo();
    let head = world.branch("pi/x", &world.first, "README.md", "ours\n").await;
    let number = open(&repo, "pi/x").await.number;
    let rules = Protection { required_checks: vec!["test".to_owned()], ..Protection::default() };
    world.sim.protect(&world.name, "main", Some(rules));
    let MergeResult::NotMergeableYet(reason) = repo.merge_pull(number, &head, MergeMethod::Merge).await.unwrap() else {
        panic!("merged without its check")
    };
    assert!(reason.contains("test"), "{reason}");
    world.sim.protect(&world.name, "main", None);
    world.push("main", &[("README.md", Some("theirs\n"))]).await;
    assert_eq!(repo.merge_pull(number, &head, MergeMethod::Merge).await.unwrap(), MergeResult::Conflict);
    assert_eq!(repo.pull(number).await.unwrap().mergeability, Mergeability::Conflict);
    assert_eq!(repo.close_pull(number).await.unwrap().state, PullState::Closed);
    assert_eq!(repo.pulls_from("pi/x").await.unwrap()[0].state, PullState::Closed);
}
