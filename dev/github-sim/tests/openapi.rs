//! Every answer of the simulator has the shape that GitHub publishes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/openapi.rs"]
mod spec;
mod support;

use std::collections::BTreeSet;

use github_sim::{NewCheckRun, NewRepo, NewStatus, Protection, WebhookConfig};
use reqwest::Method;
use serde_json::{Value, json};
use spec::Spec;
use support::receiver::Receiver;
use support::{PERSONAL, World};

/// The operations of the subset, each of which must be seen to succeed.
const OPERATIONS: [(&str, &str); 49] = [
    ("GET", "/app"),
    ("GET", "/app/installations"),
    ("GET", "/app/installations/{installation_id}"),
    ("POST", "/app/installations/{installation_id}/access_tokens"),
    ("GET", "/installation/repositories"),
    ("DELETE", "/installation/token"),
    ("GET", "/rate_limit"),
    ("GET", "/user"),
    ("GET", "/user/emails"),
    ("GET", "/user/orgs"),
    ("GET", "/user/teams"),
    ("GET", "/users/{username}"),
    ("GET", "/repos/{owner}/{repo}"),
    ("GET", "/repos/{owner}/{repo}/installation"),
    ("GET", "/repos/{owner}/{repo}/branches"),
    ("GET", "/repos/{owner}/{repo}/branches/{branch}"),
    ("GET", "/repos/{owner}/{repo}/branches/{branch}/protection"),
    ("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission"),
    ("GET", "/repos/{owner}/{repo}/commits"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/status"),
    ("GET", "/repos/{owner}/{repo}/compare/{basehead}"),
    ("GET", "/repos/{owner}/{repo}/contents/{path}"),
    ("GET", "/repos/{owner}/{repo}/git/blobs/{file_sha}"),
    ("POST", "/repos/{owner}/{repo}/git/blobs"),
    ("GET", "/repos/{owner}/{repo}/git/commits/{commit_sha}"),
    ("POST", "/repos/{owner}/{repo}/git/commits"),
    ("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref}"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ("POST", "/repos/{owner}/{repo}/git/refs"),
    ("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}"),
    ("DELETE", "/repos/{owner}/{repo}/git/refs/{ref}"),
    ("GET", "/repos/{owner}/{repo}/git/trees/{tree_sha}"),
    ("POST", "/repos/{owner}/{repo}/git/trees"),
    ("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("GET", "/repos/{owner}/{repo}/pulls"),
    ("POST", "/repos/{owner}/{repo}/pulls"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/comments"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"),
    ("GET", "/repos/{owner}/{repo}/tarball/{ref}"),
];

/// Calls, and keeps what does not fit the description.
struct Walk<'a> {
    world: &'a World,
    spec: &'a Spec,
    token: String,
    seen: BTreeSet<(String, String)>,
    problems: Vec<String>,
}

impl Walk<'_> {
    /// One call: `path` is the template below the repository (or from `/`), `params` its values.
    async fn call(&mut self, status: u16, method: &str, path: &str, params: &[&str], body: Value) -> Value {
        let template = match path.strip_prefix('~') {
            Some(rest) => format!("/repos/{{owner}}/{{repo}}{rest}"),
            None => path.to_owned(),
        };
        let mut url = template.replace("{owner}", "acme").replace("{repo}", "web");
        for value in params {
            let (start, end) = (url.find('{').unwrap(), url.find('}').unwrap());
            url.replace_range(start..=end, value);
        }
        let template = template.split('?').next().unwrap().to_owned();
        let body = (!body.is_null()).then_some(body);
        let token = self.token.clone();
        let answer = self.world.call(Method::from_bytes(method.as_bytes()).unwrap(), &url, &token, body).await;
        assert_eq!(answer.status, status, "{method} {url}: {}", answer.body);
        let problems = self.spec.check_answer(method, &template, status, &answer.body);
        self.problems.extend(problems.into_iter().map(|p| format!("{method} {url} {status}: {p}")));
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-github-request-id"] {
            assert!(answer.headers.contains_key(name), "{method} {url} has no {name}");
        }
        if status < 400 {
            self.seen.insert((method.to_owned(), template));
        }
        answer.body
    }

    async fn get(&mut self, path: &str, params: &[&str]) -> Value {
        self.call(200, "GET", path, params, Value::Null).await
    }
}

#[test]
fn the_check_can_fail() {
    let spec = Spec::shared();
    let path = "/repos/{owner}/{repo}/git/ref/{ref}";
    let sha = "a".repeat(40);
    let url = "http://127.0.0.1/x";
    let good = json!({
        "ref": "refs/heads/main", "node_id": "x", "url": url, "object": { "type": "commit", "sha": sha, "url": url },
    });
    assert_eq!(spec.check_answer("GET", path, 200, &good), Vec::<String>::new());
    let mut bad = good.clone();
    bad["object"]["sha"] = json!("short");
    assert!(!spec.check_answer("GET", path, 200, &bad).is_empty(), "too short an id");
    let mut bad = good.clone();
    bad["url"] = json!("not a url");
    assert!(!spec.check_answer("GET", path, 200, &bad).is_empty(), "no URL");
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("node_id");
    assert!(!spec.check_answer("GET", path, 200, &bad).is_empty(), "a missing member");
    assert!(!spec.check_answer("GET", path, 418, &json!([])).is_empty(), "no error body");
    assert!(!spec.check_event("push", &json!({})).is_empty(), "an empty event");
}

#[tokio::test]
async fn every_answer_and_event_is_as_github_describes_it() {
    let spec = Spec::shared();
    let receiver = Receiver::start().await;
    let world = World::start().await;
    world.sim.set_webhook(Some(WebhookConfig::new(&receiver.url, "secret")));
    let mut walk = Walk { world: &world, spec, token: world.app_jwt(), seen: BTreeSet::new(), problems: Vec::new() };

    app(&mut walk).await;
    git_objects(&mut walk).await;
    repository(&mut walk).await;
    pull_request(&mut walk).await;
    errors(&mut walk).await;

    walk.token = world.installation_token(json!({})).await;
    walk.call(204, "DELETE", "/installation/token", &[], Value::Null).await;
    walk.call(401, "GET", "~", &[], Value::Null).await;

    world.sim.deliveries_idle().await;
    for event in receiver.received() {
        let name = event.name();
        let problems = spec.check_event(&name, &event.json());
        walk.problems.extend(problems.into_iter().map(|p| format!("event {name}: {p}")));
    }
    let names: BTreeSet<String> = receiver.names().into_iter().collect();
    for name in [
        "ping",
        "push",
        "pull_request.opened",
        "pull_request.synchronize",
        "pull_request.edited",
        "pull_request.review_requested",
        "pull_request.closed",
        "pull_request.reopened",
        "pull_request_review.submitted",
        "check_suite.completed",
    ] {
        assert!(names.contains(name), "{name} was not sent, only {names:?}");
    }
    let missing: Vec<_> = OPERATIONS
        .iter()
        .filter(|(method, path)| !walk.seen.contains(&((*method).to_owned(), (*path).to_owned())))
        .collect();
    assert!(missing.is_empty(), "never seen to succeed: {missing:#?}");
    assert!(walk.problems.is_empty(), "{} problems:\n{}", walk.problems.len(), walk.problems.join("\n"));
}

async fn app(walk: &mut Walk<'_>) {
    walk.get("/app", &[]).await;
    walk.get("/app/installations", &[]).await;
    let installation = walk.get("~/installation", &[]).await;
    let id = installation["id"].to_string();
    walk.get("/app/installations/{installation_id}", &[&id]).await;
    let tokens = "/app/installations/{installation_id}/access_tokens";
    walk.call(422, "POST", tokens, &[&id], json!({ "repositories": ["nothing"] })).await;
    walk.call(422, "POST", tokens, &[&id], json!({ "permissions": { "contents": "write", "members": "read" } })).await;
    walk.call(404, "POST", tokens, &["1"], json!({})).await;
    let token = walk.call(201, "POST", tokens, &[&id], json!({ "repositories": ["web"] })).await;
    token["token"].as_str().unwrap().clone_into(&mut walk.token);
    walk.get("/installation/repositories", &[]).await;
    walk.get("/rate_limit", &[]).await;
    walk.call(403, "GET", "/user", &[], Value::Null).await;
    let token = std::mem::replace(&mut walk.token, PERSONAL.to_owned());
    walk.get("/user", &[]).await;
    for path in ["/user/emails", "/user/orgs", "/user/teams"] {
        let found = walk.get(path, &[]).await;
        assert!(!found.as_array().unwrap().is_empty(), "{path} has nothing to check");
    }
    walk.token = token;
    walk.get("/users/{username}", &["alice"]).await;
    walk.get("/users/{username}", &["acme"]).await;
    walk.get("/users/{username}", &["ticket-bot[bot]"]).await;
}

async fn git_objects(walk: &mut Walk<'_>) {
    let first = walk.world.first.to_string();
    let commit = walk.get("~/git/commits/{commit_sha}", &[&first]).await;
    let tree = commit["tree"]["sha"].as_str().unwrap().to_owned();
    walk.get("~/git/trees/{tree_sha}", &[&tree]).await;
    walk.get("~/git/trees/{tree_sha}?recursive=1", &[&tree]).await;
    let blob = walk.call(201, "POST", "~/git/blobs", &[], json!({ "content": "aGk=", "encoding": "base64" })).await;
    let blob = blob["sha"].as_str().unwrap().to_owned();
    walk.get("~/git/blobs/{file_sha}", &[&blob]).await;
    let entries = json!([
        { "path": "a/new.bin", "mode": "100755", "type": "blob", "sha": blob },
        { "path": "src/app.js", "mode": "100644", "type": "blob", "content": "line one\nline 2\nline three\n" },
        { "path": "link", "mode": "120000", "type": "blob", "content": "README.md" },
        { "path": "VERSION", "mode": "100644", "type": "blob", "sha": null },
    ]);
    let new = walk.call(201, "POST", "~/git/trees", &[], json!({ "base_tree": tree, "tree": entries })).await;
    let person = json!({ "name": "A", "email": "a@example.com", "date": "2026-01-02T03:04:05Z" });
    let body = json!({ "message": "Work", "tree": new["sha"], "parents": [first], "author": person });
    let commit = walk.call(201, "POST", "~/git/commits", &[], body).await;
    let work = commit["sha"].as_str().unwrap().to_owned();
    walk.call(201, "POST", "~/git/refs", &[], json!({ "ref": "refs/heads/feature/a", "sha": work })).await;
    walk.call(201, "POST", "~/git/refs", &[], json!({ "ref": "refs/heads/spare", "sha": first })).await;
    walk.get("~/git/ref/{ref}", &["heads/feature/a"]).await;
    walk.get("~/git/matching-refs/{ref}", &["heads/fea"]).await;
    walk.get("~/git/matching-refs/{ref}", &["heads/none"]).await;
    walk.call(200, "PATCH", "~/git/refs/{ref}", &["heads/spare"], json!({ "sha": work })).await;
    walk.call(422, "PATCH", "~/git/refs/{ref}", &["heads/spare"], json!({ "sha": first })).await;
    walk.call(200, "PATCH", "~/git/refs/{ref}", &["heads/spare"], json!({ "sha": first, "force": true })).await;
    walk.call(204, "DELETE", "~/git/refs/{ref}", &["heads/spare"], Value::Null).await;
}

async fn repository(walk: &mut Walk<'_>) {
    let (world, first) = (walk.world, walk.world.first.to_string());
    walk.get("~", &[]).await;
    walk.get("~/branches", &[]).await;
    walk.get("~/branches/{branch}", &["feature/a"]).await;
    walk.call(404, "GET", "~/branches/{branch}/protection", &["main"], Value::Null).await;
    let rules = Protection {
        required_checks: vec!["ci".to_owned()],
        strict: true,
        required_approvals: 1,
        dismiss_stale_reviews: true,
    };
    world.sim.protect(&world.repo, "main", Some(rules));
    walk.get("~/branches/{branch}", &["main"]).await;
    walk.get("~/branches/{branch}/protection", &["main"]).await;
    for login in ["alice", "bob", "maintainer", "ticket-bot[bot]"] {
        walk.get("~/collaborators/{username}/permission", &[login]).await;
    }
    walk.get("~/commits", &[]).await;
    walk.get("~/commits?sha=feature/a&since=2026-01-01T00:00:00Z&per_page=1", &[]).await;
    walk.get("~/commits/{ref}", &["feature/a"]).await;
    walk.get("~/commits/{ref}", &[&first]).await;
    walk.get("~/commits/{ref}/check-runs", &["main"]).await;
    walk.get("~/commits/{ref}/status", &["main"]).await;
    walk.get("~/compare/{basehead}", &["main...feature/a"]).await;
    walk.get("~/compare/{basehead}", &["feature/a...main"]).await;
    walk.get("~/contents/{path}", &["README.md"]).await;
    walk.get("~/contents/{path}?ref=feature/a", &["src"]).await;
    walk.get("~/contents/{path}?ref=feature/a", &["link"]).await;
    walk.call(302, "GET", "~/tarball/{ref}", &["main"], Value::Null).await;
}

async fn pull_request(walk: &mut Walk<'_>) {
    let world = walk.world;
    let body = json!({ "title": "Add a", "head": "feature/a", "base": "main", "body": "Text", "draft": true });
    let pull = walk.call(201, "POST", "~/pulls", &[], body.clone()).await;
    let n = pull["number"].to_string();
    walk.call(422, "POST", "~/pulls", &[], body).await;
    walk.get("~/pulls?head=acme:feature/a&state=all", &[]).await;
    walk.get("~/pulls/{pull_number}", &[&n]).await;
    walk.call(200, "PATCH", "~/pulls/{pull_number}", &[&n], json!({ "title": "Add b", "body": "More" })).await;
    walk.get("~/pulls/{pull_number}/files", &[&n]).await;
    walk.get("~/pulls/{pull_number}/commits", &[&n]).await;
    walk.call(201, "POST", "~/issues/{issue_number}/comments", &[&n], json!({ "body": "Hello" })).await;
    walk.get("~/issues/{issue_number}/comments", &[&n]).await;
    walk.call(200, "POST", "~/issues/{issue_number}/labels", &[&n], json!({ "labels": ["bot", "ready now"] })).await;
    let reviewers = "~/pulls/{pull_number}/requested_reviewers";
    walk.call(201, "POST", reviewers, &[&n], json!({ "reviewers": ["alice"] })).await;
    walk.call(422, "POST", reviewers, &[&n], json!({ "reviewers": ["stranger"] })).await;

    // The app may not judge its own work; a person may, also with a comment on a line.
    let reviews = "~/pulls/{pull_number}/reviews";
    walk.call(422, "POST", reviews, &[&n], json!({ "event": "APPROVE" })).await;
    walk.call(200, "POST", reviews, &[&n], json!({ "event": "COMMENT", "body": "A note" })).await;
    let token = std::mem::replace(&mut walk.token, PERSONAL.to_owned());
    let comments = json!([{ "path": "src/app.js", "line": 2, "body": "Why?" }]);
    let body = json!({ "event": "REQUEST_CHANGES", "body": "Please", "comments": comments });
    walk.call(200, "POST", reviews, &[&n], body).await;
    walk.call(200, "POST", reviews, &[&n], json!({ "event": "APPROVE" })).await;
    walk.token = token;
    walk.get(reviews, &[&n]).await;
    walk.get("~/pulls/{pull_number}/comments", &[&n]).await;

    // A draft cannot be merged; nor can a pull request without its required check.
    let merge = "~/pulls/{pull_number}/merge";
    walk.call(405, "PUT", merge, &[&n], json!({})).await;
    walk.call(200, "PATCH", "~/pulls/{pull_number}", &[&n], json!({ "state": "closed" })).await;
    walk.call(200, "PATCH", "~/pulls/{pull_number}", &[&n], json!({ "state": "open" })).await;
    walk.call(200, "PATCH", "~/pulls/{pull_number}", &[&n], json!({ "state": "closed" })).await;
    let body = json!({ "title": "Add a, ready", "head": "feature/a", "base": "main" });
    let pull = walk.call(201, "POST", "~/pulls", &[], body).await;
    let n = pull["number"].to_string();
    walk.call(405, "PUT", merge, &[&n], json!({})).await;
    let head = world.push("feature/a", "b.txt", "b\n").await;
    walk.call(409, "PUT", merge, &[&n], json!({ "sha": world.first })).await;
    let run = |conclusion: Option<&str>| NewCheckRun {
        head_sha: head.clone(),
        name: "ci".to_owned(),
        conclusion: conclusion.map(str::to_owned),
        summary: Some("All good".to_owned()),
    };
    world.sim.report_check_run(&world.repo, run(None)).await.unwrap();
    walk.get("~/commits/{ref}/check-runs", &["feature/a"]).await;
    world.sim.report_check_run(&world.repo, run(Some("success"))).await.unwrap();
    walk.get("~/commits/{ref}/check-runs", &[head.as_str()]).await;
    let status =
        NewStatus { sha: head.clone(), context: "lint".to_owned(), state: "success".to_owned(), description: None };
    world.sim.report_status(&world.repo, status).await.unwrap();
    walk.get("~/commits/{ref}/status", &["feature/a"]).await;
    let token = std::mem::replace(&mut walk.token, PERSONAL.to_owned());
    walk.call(200, "POST", reviews, &[&n], json!({ "event": "APPROVE", "commit_id": head })).await;
    walk.token = token;
    let shown = walk.get("~/pulls/{pull_number}", &[&n]).await;
    assert_eq!((&shown["mergeable"], &shown["mergeable_state"]), (&json!(true), &json!("clean")));
    walk.call(200, "PUT", merge, &[&n], json!({ "sha": head, "merge_method": "merge" })).await;
    let shown = walk.get("~/pulls/{pull_number}", &[&n]).await;
    assert_eq!((&shown["merged"], &shown["state"]), (&json!(true), &json!("closed")));
    walk.get("~/pulls?state=closed", &[]).await;
}

async fn errors(walk: &mut Walk<'_>) {
    let world = walk.world;
    let first = world.first.to_string();
    let (zero, null) = ("0".repeat(40), Value::Null);
    walk.call(404, "GET", "~/git/ref/{ref}", &["heads/none"], null.clone()).await;
    walk.call(404, "GET", "~/git/commits/{commit_sha}", &[&zero], null.clone()).await;
    walk.call(404, "GET", "~/git/trees/{tree_sha}", &[&zero], null.clone()).await;
    walk.call(404, "GET", "~/git/blobs/{file_sha}", &[&zero], null.clone()).await;
    walk.call(422, "GET", "~/git/blobs/{file_sha}", &["short"], null.clone()).await;
    walk.call(404, "GET", "~/contents/{path}", &["none"], null.clone()).await;
    walk.call(404, "GET", "~/branches/{branch}", &["none"], null.clone()).await;
    walk.call(422, "GET", "~/commits/{ref}", &["none"], null.clone()).await;
    walk.call(404, "GET", "~/compare/{basehead}", &["main...none"], null.clone()).await;
    walk.call(404, "GET", "~/pulls/{pull_number}", &["999"], null.clone()).await;
    walk.call(404, "GET", "/users/{username}", &["nobody"], null).await;
    for bad in [
        json!({ "ref": "main", "sha": first }),
        json!({ "ref": "refs/heads/a..b", "sha": first }),
        json!({ "ref": "refs/heads/main", "sha": first }),
        json!({ "ref": "refs/heads/x", "sha": zero }),
        json!({ "ref": "refs/heads/x", "sha": "abc" }),
        json!({ "ref": "refs/heads/x" }),
    ] {
        walk.call(422, "POST", "~/git/refs", &[], bad).await;
    }
    walk.call(422, "DELETE", "~/git/refs/{ref}", &["heads/none"], Value::Null).await;
    for entry in [
        json!({ "path": "/abs", "mode": "100644", "content": "x" }),
        json!({ "path": "a/../b", "mode": "100644", "content": "x" }),
        json!({ "path": ".git/config", "mode": "100644", "content": "x" }),
        json!({ "path": "a", "mode": "100600", "content": "x" }),
        json!({ "path": "a", "mode": "100644", "sha": zero }),
        json!({ "path": "a", "mode": "100644" }),
    ] {
        walk.call(422, "POST", "~/git/trees", &[], json!({ "tree": [entry] })).await;
    }
    walk.call(422, "POST", "~/git/commits", &[], json!({ "message": "m", "tree": zero })).await;
    for (head, base) in [("none", "main"), ("main", "none"), ("main", "main"), ("other:main", "main")] {
        let body = json!({ "title": "t", "head": head, "base": base });
        walk.call(422, "POST", "~/pulls", &[], body).await;
    }
    walk.call(422, "POST", "~/pulls", &[], json!({ "head": "main", "base": "main" })).await;
    let foreign = NewRepo::new("other", "secret").file("a", "b");
    world.sim.create_repo(foreign).await.unwrap();
    let answer = world.call(Method::GET, "/repos/other/secret", &walk.token, None).await;
    assert_eq!(answer.status, 404);
    let reader = world.installation_token(json!({ "permissions": { "contents": "read" } })).await;
    walk.token = reader;
    walk.call(403, "POST", "~/git/blobs", &[], json!({ "content": "x" })).await;
    walk.call(403, "GET", "~/pulls/{pull_number}", &["1"], Value::Null).await;
    "ghs_unknown".clone_into(&mut walk.token);
    walk.call(401, "GET", "~", &[], Value::Null).await;
}
