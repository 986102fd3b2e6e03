//! The life of pull requests over the wire, checked in the bare repository itself.

use github_sim::{MergeMethod, NewCheckRun, NewFile, NewPush, Protection};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PERSONAL, World};

async fn get_pull(world: &World, number: u64) -> Value {
    world.call(Method::GET, &format!("/repos/acme/web/pulls/{number}"), PERSONAL, None).await.body
}

async fn merge(world: &World, number: u64, body: Value) -> (u16, String) {
    let path = format!("/repos/acme/web/pulls/{number}/merge");
    let answer = world.call(Method::PUT, &path, PERSONAL, Some(body)).await;
    (answer.status, answer.body["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_three_ways_of_merging_make_real_commits() {
    let world = World::start().await;
    for (branch, method) in [("m", "merge"), ("s", "squash"), ("r", "rebase")] {
        let number = world.open_pull(branch, PERSONAL).await;
        world.push(branch, &format!("{branch}2.txt"), "second\n").await;
        let before = world.git(&["rev-parse", "main"]);
        world.push("main", &format!("meanwhile-{branch}.txt"), "x\n").await;
        let base = world.git(&["rev-parse", "main"]);
        assert_ne!(before, base);
        let shown = get_pull(&world, number).await;
        assert_eq!((&shown["mergeable"], &shown["mergeable_state"]), (&json!(true), &json!("clean")));
        assert_eq!(merge(&world, number, json!({ "merge_method": method })).await.0, 200);

        let parents = world.git(&["log", "-1", "--format=%P", "main"]);
        let head = world.git(&["rev-parse", branch]);
        let new = world.git(&["rev-list", "--count", &format!("{base}..main")]);
        match method {
            "merge" => {
                assert_eq!(parents, format!("{base} {head}"));
                let subject = world.git(&["log", "-1", "--format=%B", "main"]);
                assert_eq!(subject, format!("Merge pull request #{number} from acme/m\n\nAdd m"));
            }
            "squash" => {
                assert_eq!((parents, new.as_str()), (base.clone(), "1"));
                assert_eq!(world.git(&["log", "-1", "--format=%s", "main"]), format!("Add s (#{number})"));
            }
            _ => {
                assert_eq!(new, "2");
                assert_eq!(world.git(&["log", "-1", "--format=%an", "main"]), "alice", "the author is kept");
            }
        }
        for file in [format!("{branch}.txt"), format!("{branch}2.txt"), format!("meanwhile-{branch}.txt")] {
            world.git(&["cat-file", "-e", &format!("main:{file}")]);
        }
        let shown = get_pull(&world, number).await;
        assert_eq!(shown["merged_by"]["login"], "maintainer");
        assert_eq!(shown["merge_commit_sha"], world.git(&["rev-parse", "main"]));
        let again = merge(&world, number, json!({})).await;
        assert_eq!(again, (405, "Pull Request is not mergeable".to_owned()));
    }
    assert_eq!(world.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[tokio::test]
async fn conflicts_and_stale_heads_are_refused() {
    let world = World::start().await;
    world.push("ours", "src/app.js", "line one\nours\nline three\n").await;
    let body = json!({ "title": "Ours", "head": "ours", "base": "main" });
    let number = world.call(Method::POST, "/repos/acme/web/pulls", PERSONAL, Some(body)).await.body["number"].clone();
    let number = number.as_u64().unwrap();
    let reviewed = get_pull(&world, number).await["head"]["sha"].clone();
    let head = world.push("ours", "more.txt", "x\n").await;
    let stale = merge(&world, number, json!({ "sha": reviewed })).await;
    assert_eq!(stale, (409, "Head branch was modified. Review and try the merge again.".to_owned()));
    world.push("main", "src/app.js", "line one\ntheirs\nline three\n").await;
    let shown = get_pull(&world, number).await;
    assert_eq!((&shown["mergeable"], &shown["mergeable_state"]), (&json!(false), &json!("dirty")));
    let before = world.git(&["rev-parse", "main"]);
    let refused = merge(&world, number, json!({ "sha": head })).await;
    assert_eq!(refused, (405, "Pull Request is not mergeable".to_owned()));
    assert_eq!(world.git(&["rev-parse", "main"]), before, "nothing moved");
}

#[tokio::test]
async fn protection_asks_for_checks_reviews_and_the_latest_base() {
    let world = World::start().await;
    let number = world.open_pull("feature", &world.installation_token(json!({})).await).await;
    let rules = Protection {
        required_checks: vec!["build".to_owned(), "test".to_owned()],
        strict: true,
        required_approvals: 1,
        dismiss_stale_reviews: true,
    };
    world.sim.protect(&world.repo, "main", Some(rules));
    let state = async || get_pull(&world, number).await["mergeable_state"].as_str().unwrap().to_owned();
    assert_eq!(state().await, "blocked");
    let (status, message) = merge(&world, number, json!({})).await;
    assert_eq!(status, 405);
    assert!(message.contains("2 of 2 required status checks") && message.contains("At least 1 approving"), "{message}");
    let report = async |name: &str, conclusion: &str| {
        let head_sha = serde_json::from_value(get_pull(&world, number).await["head"]["sha"].clone()).unwrap();
        let conclusion = Some(conclusion.to_owned());
        let run = NewCheckRun { head_sha, name: name.to_owned(), conclusion, summary: None };
        world.sim.report_check_run(&world.repo, run).await.unwrap();
    };
    report("build", "success").await;
    report("test", "failure").await;
    world.sim.review(&world.repo, number, Some("bob"), "APPROVE", "").await.unwrap();
    assert_eq!(state().await, "blocked", "bob may only read: his approval does not count");
    world.sim.review(&world.repo, number, Some("alice"), "APPROVE", "").await.unwrap();
    assert!(merge(&world, number, json!({})).await.1.contains("\"test\" is failing"));
    report("test", "success").await;
    assert_eq!(state().await, "clean");
    report("lint", "failure").await;
    assert_eq!(state().await, "unstable", "not required");

    world.push("feature", "more.txt", "x\n").await;
    report("build", "success").await;
    report("test", "success").await;
    assert_eq!(state().await, "blocked", "the push dismissed the approval");
    world.sim.review(&world.repo, number, Some("alice"), "REQUEST_CHANGES", "No").await.unwrap();
    assert!(merge(&world, number, json!({})).await.1.contains("Changes have been requested."));
    world.sim.review(&world.repo, number, Some("alice"), "APPROVE", "Yes").await.unwrap();
    assert_eq!(state().await, "clean");
    world.push("main", "meanwhile.txt", "x\n").await;
    assert_eq!(state().await, "behind");
    assert_eq!(merge(&world, number, json!({})).await, (405, "Head branch is out of date".to_owned()));
    let direct = json!({ "sha": world.first, "force": true });
    let refused = world.call(Method::PATCH, "/repos/acme/web/git/refs/heads/main", PERSONAL, Some(direct)).await;
    assert_eq!(refused.body["message"], "Changes must be made through a pull request.");
}

#[tokio::test]
async fn pull_requests_follow_their_branches() {
    let world = World::start().await;
    let number = world.open_pull("feature", PERSONAL).await;
    let head = world.push("feature", "b.txt", "b\n").await;
    assert_eq!(get_pull(&world, number).await["head"]["sha"], head.as_str());
    assert_eq!(world.git(&["rev-parse", &format!("refs/pull/{number}/head")]), head.as_str());

    // Deleting the branch closes it, and it cannot be reopened without its branch.
    let gone = world.call(Method::DELETE, "/repos/acme/web/git/refs/heads/feature", PERSONAL, None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(get_pull(&world, number).await["state"], "closed");
    let path = format!("/repos/acme/web/pulls/{number}");
    let reopen = world.call(Method::PATCH, &path, PERSONAL, Some(json!({ "state": "open" }))).await;
    assert_eq!(reopen.status, 422);
    let body = json!({ "ref": "refs/heads/feature", "sha": head });
    world.call(Method::POST, "/repos/acme/web/git/refs", PERSONAL, Some(body)).await;
    let reopen = world.call(Method::PATCH, &path, PERSONAL, Some(json!({ "state": "open" }))).await;
    assert_eq!((reopen.status, &reopen.body["state"]), (200, &json!("open")));

    // A push of its commits to the base merges it.
    let body = json!({ "sha": head });
    let pushed = world.call(Method::PATCH, "/repos/acme/web/git/refs/heads/main", PERSONAL, Some(body)).await;
    assert_eq!(pushed.status, 200, "{}", pushed.body);
    assert_eq!(get_pull(&world, number).await["merged"], true);
}

#[tokio::test]
async fn force_pushes_and_deletions() {
    let world = World::start().await;
    let number = world.open_pull("feature", PERSONAL).await;
    let files = [("only.txt".to_owned(), Some(NewFile::text("x"))), ("README.md".to_owned(), None)].into();
    let push = NewPush {
        branch: "feature".to_owned(),
        message: "Start over".to_owned(),
        files,
        from: Some("main".to_owned()),
        force: true,
        actor: None,
    };
    world.sim.push(&world.repo, push).await.unwrap();
    let shown = get_pull(&world, number).await;
    assert_eq!((&shown["commits"], &shown["changed_files"]), (&json!(1), &json!(2)));
    let merged = world.sim.merge(&world.repo, number, Some("alice"), MergeMethod::Merge).await.unwrap();
    assert_eq!(world.git(&["rev-parse", "main"]), merged.as_str());
    assert!(!world.git(&["ls-tree", "--name-only", "main"]).contains("README.md"));
}

#[tokio::test]
async fn mergeability_can_take_a_while() {
    let world = World::start_with(|config| config.mergeable_unknown_reads = 2).await;
    let number = world.open_pull("feature", PERSONAL).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(get_pull(&world, number).await["mergeable"].clone());
    }
    assert_eq!(seen, [json!(null), json!(null), json!(true)]);
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let world = World::start().await;
    let number = world.open_pull("feature", PERSONAL).await;
    let World { sim, dir, .. } = world;
    sim.shutdown().await.unwrap();
    let again = github_sim::GithubSim::start(github_sim::Config::new(dir.path())).await.unwrap();
    let state = again.state().await.unwrap();
    let pull = &state["repositories"][0]["pulls"][0];
    assert_eq!((&pull["number"], &pull["state"]), (&json!(number), &json!("open")));
    again.merge(&"acme/web".parse().unwrap(), number, Some("maintainer"), MergeMethod::Squash).await.unwrap();
    again.shutdown().await.unwrap();
}
