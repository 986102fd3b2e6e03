//! Reading.

use github::{Blob, CheckSummary, ComparisonStatus, EntryKind, GithubError, NewTreeEntry, SnapshotLimits};
use github_sim::{NewCheckRun, NewStatus};

use crate::world::{FIRST_FILES, World};

#[tokio::test]
async fn branch_commit_tree_and_blob() {
    let world = World::start().await;
    let repo = world.repo();
    assert_eq!(repo.branch_head("main").await.unwrap(), world.first);
    assert_eq!(repo.branch("no/such-branch").await.unwrap(), None);
    let commit = repo.commit(&world.first).await.unwrap();
    let tree = repo.tree(&commit.tree).await.unwrap();
    assert_eq!(tree.sha, commit.tree);
    let mut expected: Vec<&str> = FIRST_FILES.iter().map(|(path, _)| *path).collect();
    expected.sort_unstable();
    assert_eq!(tree.paths().collect::<Vec<_>>(), expected);
    let readme = tree.entries.iter().find(|entry| entry.path == "README.md").unwrap();
    assert_eq!((readme.kind, readme.size), (EntryKind::File, 6));
    assert_eq!(repo.blob(&readme.sha).await.unwrap(), b"# Web\n");
    assert_eq!(repo.settings().await.unwrap().default_branch, "main");
}

#[tokio::test]
async fn a_missing_branch_is_not_a_missing_repository() {
    let world = World::start().await;
    let error = world.repo().branch_head("nope").await.unwrap_err();
    assert!(matches!(&error, GithubError::NotFound { what, .. } if what == "branch `nope`"), "{error}");
    let other = world.github().repo(&"acme/other".parse().unwrap());
    assert!(matches!(other.branch_head("main").await, Err(GithubError::RepositoryNotFound { .. })));
    assert!(matches!(other.settings().await, Err(GithubError::RepositoryNotFound { .. })));
    let stranger = world.host().with_token("ghp_nobody".into()).unwrap().repo(&"acme/web".parse().unwrap());
    assert!(matches!(stranger.settings().await, Err(GithubError::Unauthorized { .. })));
}

#[tokio::test]
async fn a_snapshot_is_the_tree_and_not_the_archive() {
    let world = World::start().await;
    let repo = world.repo();
    // A link and a program, which a push of text files cannot make.
    let base = repo.commit(&world.first).await.unwrap().tree;
    let link = repo.create_blob(b"README.md").await.unwrap();
    let script = repo.create_blob(b"#!/bin/sh\n").await.unwrap();
    let write = |path: &str, kind, blob: &Blob| NewTreeEntry::Write { path: path.into(), kind, blob: blob.clone() };
    let changes = [write("link", EntryKind::Symlink, &link), write("run.sh", EntryKind::Executable, &script)];
    let mut commit = world.commit_of(&world.first, "x", script.clone()).await;
    commit.tree = repo.create_tree(&base, &changes).await.unwrap();
    let commit = repo.create_commit(&commit).await.unwrap();

    let snapshot = repo.snapshot(&commit.sha, SnapshotLimits::default()).await.unwrap();
    for (path, content) in FIRST_FILES {
        assert_eq!(snapshot.files[path].content, content.as_bytes(), "{path}");
    }
    assert_eq!(snapshot.files.len(), FIRST_FILES.len() + 2);
    assert_eq!(snapshot.files["link"].kind, EntryKind::Symlink);
    assert_eq!(snapshot.files["link"].content, b"README.md");
    assert_eq!(snapshot.files["run.sh"].kind, EntryKind::Executable);
    assert_eq!(snapshot.tree, commit.tree);
    // export-ignore left one out, export-subst changed another; the rest came with the archive.
    assert_eq!(snapshot.fetched_singly, 2);
    assert_eq!(world.calls_of("GET", "/git/blobs/"), 2);
}

#[tokio::test]
async fn a_snapshot_over_a_limit_is_refused_before_it_is_downloaded() {
    let world = World::start().await;
    let whole = SnapshotLimits::default();
    for limits in [
        SnapshotLimits { files: 4, ..whole },
        SnapshotLimits { file_bytes: 10, ..whole },
        SnapshotLimits { total_bytes: 60, ..whole },
    ] {
        let error = world.repo().snapshot(&world.first, limits).await.unwrap_err();
        assert!(matches!(error, GithubError::TooLarge { .. }), "{error}");
    }
    assert_eq!(world.calls_of("GET", "/tarball/"), 0);
    let limits = SnapshotLimits { archive_bytes: 20, ..whole };
    assert!(matches!(world.repo().snapshot(&world.first, limits).await, Err(GithubError::TooLarge { .. })));
    let limits = SnapshotLimits { single_fetches: 1, ..whole };
    assert!(matches!(world.repo().snapshot(&world.first, limits).await, Err(GithubError::TooLarge { .. })));
}

#[tokio::test]
async fn comparisons_name_both_sides_of_a_rename() {
    let world = World::start().await;
    let head = world.push("main", &[("src/app.js", None), ("src/moved.js", Some("one\ntwo\n"))]).await;
    let repo = world.repo();
    let comparison = repo.compare(&world.first, &head).await.unwrap();
    assert_eq!((comparison.status, comparison.ahead_by), (ComparisonStatus::Ahead, 1));
    assert_eq!(comparison.merge_base, world.first);
    assert_eq!(comparison.changed_paths.iter().collect::<Vec<_>>(), ["src/app.js", "src/moved.js"]);
    assert_eq!(repo.compare(&head, &head).await.unwrap().status, ComparisonStatus::Identical);
    assert_eq!(repo.compare(&head, &world.first).await.unwrap().behind_by, 1);
}

#[tokio::test]
async fn a_comparison_of_more_files_than_github_lists_is_complete() {
    let world = World::start().await;
    let paths: Vec<String> = (0..310).map(|n| format!("many/{n:03}.txt")).collect();
    let files: Vec<(&str, Option<&str>)> = paths.iter().map(|path| (path.as_str(), Some("x"))).collect();
    let head = world.push("main", &files).await;
    let comparison = world.repo().compare(&world.first, &head).await.unwrap();
    assert_eq!(comparison.changed_paths.into_iter().collect::<Vec<_>>(), paths);
}

#[tokio::test]
async fn checks_are_the_latest_of_both_sorts() {
    let world = World::start().await;
    let repo = world.repo();
    assert_eq!(repo.checks(&world.first).await.unwrap().summary(), CheckSummary::None);
    let head = world.first_sha.clone();
    let run = |name: &str, conclusion: Option<&str>| NewCheckRun {
        head_sha: head.clone(),
        name: name.to_owned(),
        conclusion: conclusion.map(str::to_owned),
        summary: None,
    };
    let status = |state: &str| NewStatus {
        sha: head.clone(),
        context: "deploy".to_owned(),
        state: state.to_owned(),
        description: None,
    };
    world.sim.report_check_run(&world.name, run("test", Some("failure"))).await.unwrap();
    world.sim.report_check_run(&world.name, run("test", Some("success"))).await.unwrap();
    world.sim.report_status(&world.name, status("pending")).await.unwrap();
    let checks = repo.checks(&world.first).await.unwrap();
    assert_eq!(
        (checks.passed.as_slice(), checks.pending.as_slice()),
        (&["test".to_owned()][..], &["deploy".to_owned()][..])
    );
    assert_eq!(checks.summary(), CheckSummary::Pending);
    world.sim.report_status(&world.name, status("success")).await.unwrap();
    assert_eq!(repo.checks(&world.first).await.unwrap().summary(), CheckSummary::Passed);
}
