//! The way of a change to GitHub.

use domain::failure::FailureKind;
use github::{EntryKind, PullState};

use crate::world::{TestChange, World};

#[tokio::test]
async fn a_change_becomes_one_commit_one_branch_one_pull_request() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let published = world.publish(&change).await.unwrap();
    let repo = world.repo();
    assert_eq!(published.branch, world.branch());
    assert_eq!(repo.branch_head(&published.branch).await.unwrap(), published.head_sha);
    let commit = repo.commit(&published.head_sha).await.unwrap();
    assert_eq!((&commit.tree, commit.parents.as_slice()), (&published.tree_sha, &[world.host.first.clone()][..]));
    assert!(commit.message.contains(&format!("Pi-Tickets-Workflow: {}", world.workflow())));
    let files = world.files(&published.head_sha).await;
    assert_eq!(files.keys().collect::<Vec<_>>(), ["README.md", "bin/run.sh", "src/app.js"]);
    assert_eq!(files["src/app.js"], "one\n2\nthree\n");
    let tree = repo.tree(&published.tree_sha).await.unwrap();
    assert_eq!(tree.entries.iter().find(|e| e.path == "bin/run.sh").unwrap().kind, EntryKind::Executable);
    let pull = repo.pull(published.number).await.unwrap();
    assert_eq!((pull.state, pull.base_branch.as_str()), (PullState::Open, "main"));
    assert_eq!(pull.title, "Keep sessions for 30 minutes [FL-1]");
    assert!(pull.body.contains("| `src/app.js` | modify | +1 −1 |"), "{}", pull.body);
    assert!(pull.body.contains("| `src/old.js` | delete | +0 −1 |"));
    assert!(pull.body.contains(&format!("https://tickets.example/workflows/{}", world.workflow())));

    assert_eq!(world.publish(&change).await.unwrap(), published, "once more changes nothing");
    assert_eq!(repo.pulls_from(&published.branch).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_next_round_goes_on_top_of_the_last_one() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let first = world.publish(&change).await.unwrap();
    let change = change.after(&first);
    let second = world.publish(&change).await.unwrap();
    let commit = world.repo().commit(&second.head_sha).await.unwrap();
    assert_eq!(commit.parents, std::slice::from_ref(&first.head_sha));
    assert_eq!(second.number, first.number);
    assert_eq!(world.files(&second.head_sha).await["src/app.js"], "one\nzwei\nthree\n");
    assert_eq!(world.publish(&change).await.unwrap(), second, "also when it is run again before it was recorded");
}

#[tokio::test]
async fn a_round_on_a_base_that_moved_takes_the_base_in() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let first = world.publish(&change).await.unwrap();
    let base = world.host.push("main", "README.md", "# Moved\n").await;
    let change = TestChange { base: base.clone(), ..change.after(&first) };
    let second = world.publish(&change).await.unwrap();
    let commit = world.repo().commit(&second.head_sha).await.unwrap();
    assert_eq!(commit.parents, [first.head_sha.clone(), base]);
    let files = world.files(&second.head_sha).await;
    assert_eq!((files["README.md"].as_str(), files["src/app.js"].as_str()), ("# Moved\n", "one\nzwei\nthree\n"));
    assert_eq!(world.publish(&change).await.unwrap(), second);
}

#[tokio::test]
async fn somebody_elses_commit_is_never_overwritten_or_built_on() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let first = world.publish(&change).await.unwrap();
    let theirs = world.host.push(&first.branch, "README.md", "# By hand\n").await;
    for change in [change.clone(), change.after(&first)] {
        let failure = world.publish(&change).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GithubRefused);
        assert!(failure.message.contains(theirs.as_str()), "{}", failure.message);
    }
    assert_eq!(world.repo().branch_head(&first.branch).await.unwrap(), theirs);
}

#[tokio::test]
async fn a_retry_in_a_new_generation_uses_the_same_branch() {
    let mut world = World::start().await;
    let first = world.publish(&TestChange::first(&world)).await.unwrap();
    world.repo().close_pull(first.number).await.unwrap();
    world.generation = 2;
    let second = world.publish(&TestChange::first(&world)).await.unwrap();
    assert_eq!((second.branch.as_str(), &second.head_sha), (first.branch.as_str(), &first.head_sha));
    assert_ne!(second.number, first.number, "a closed pull request stays closed");
    let open = world.repo().pull(second.number).await.unwrap();
    assert!(open.body.contains(world.workflow().as_str()));
}

#[tokio::test]
async fn a_pull_request_that_was_closed_meanwhile_is_not_opened_again() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let first = world.publish(&change).await.unwrap();
    world.host.sim.close(&world.host.name, first.number, Some("alice")).await.unwrap();
    let before = world.writes();
    let failure = world.publish(&change.after(&first)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert!(failure.message.contains("closed on GitHub"), "{}", failure.message);
    assert_eq!(world.writes(), before, "nothing was written");
}

#[tokio::test]
async fn somebody_elses_pull_request_from_our_branch_is_left_alone() {
    let world = World::start().await;
    let change = TestChange::first(&world);
    let first = world.publish(&change).await.unwrap();
    world.repo().edit_pull(first.number, "Mine now", "Mine").await.unwrap();
    let failure = world.publish(&change).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::GithubRefused);
    assert_eq!(world.repo().pull(first.number).await.unwrap().body, "Mine");
}

#[tokio::test]
async fn a_text_with_a_credential_is_not_sent() {
    let mut world = World::start().await;
    world.title = format!("Use ghp_{}", "a1B2".repeat(9));
    let failure = world.publish(&TestChange::first(&world)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidInput);
    assert_eq!(world.writes(), 0);
}
