//! What goes wrong on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::failure::{Failure, FailureKind};
use github::{GithubError, Host, SnapshotLimits};
use github_sim::{Outcome, When};

use crate::world::{TOKEN, World, quick};

fn answer(status: u16, headers: &[(&str, &str)]) -> Outcome {
    let headers: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Outcome::Answer { status, headers, body: "{\"message\":\"no\"}".into() }
}

#[tokio::test]
async fn passing_faults_are_passed_over() {
    let world = World::start().await;
    for outcome in
        [Outcome::Drop, answer(502, &[]), answer(429, &[("retry-after", "1")]), answer(403, &[("retry-after", "0")])]
    {
        world.fail("GET", "/repos/acme/web", When::Before, outcome);
        assert!(world.repo().settings().await.is_ok());
    }
    assert_eq!(world.sim.faults().iter().map(|fault| fault.fired).sum::<u32>(), 4);
}

#[tokio::test]
async fn an_answer_that_was_lost_does_no_harm() {
    let world = World::start().await;
    let repo = world.repo();
    world.fail("POST", "/repos/*/git/blobs", When::After, Outcome::Drop);
    let blob = repo.create_blob(b"x").await.unwrap();
    let commit = world.commit_of(&world.first, "x", blob).await;
    world.fail("POST", "/repos/*/git/commits", When::After, Outcome::Drop);
    let commit = repo.create_commit(&commit).await.unwrap();
    world.fail("POST", "/repos/*/git/refs", When::After, Outcome::Drop);
    // The repeat finds the first one's branch; the caller looks at it and adopts it.
    assert_eq!(repo.create_branch("x", &commit.sha).await.unwrap(), github::CreatedRef::AlreadyExists);
    assert_eq!(repo.branch_head("x").await.unwrap(), commit.sha);
    world.fail("GET", "/repos/*/tarball/*", When::Before, Outcome::Drop);
    assert!(repo.snapshot(&world.first, SnapshotLimits::default()).await.is_ok());
}

#[tokio::test]
async fn a_comment_is_never_written_twice() {
    let world = World::start().await;
    world.branch("x", &world.first, "x", "x").await;
    let repo = world.repo();
    let pull = github::NewPull { title: "T".into(), body: String::new(), head: "x".into(), base: "main".into() };
    repo.create_pull(&pull).await.unwrap();
    let number = repo.pulls_from("x").await.unwrap()[0].number;
    world.fail("POST", "/repos/*/comments", When::After, Outcome::Drop);
    assert!(matches!(repo.comment(number, "Hello").await, Err(GithubError::Unavailable { .. })));
    assert_eq!(repo.comments(number).await.unwrap().len(), 1);
}

#[tokio::test]
async fn long_limits_and_lasting_faults_are_given_up() {
    let world = World::start().await;
    world.fail("GET", "/repos/acme/web", When::Before, answer(429, &[("retry-after", "3600")]));
    let error = world.repo().settings().await.unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { .. }), "{error}");
    assert_eq!(error.kind(), FailureKind::Transient);
    for _ in 0..4 {
        world.fail("GET", "/repos/acme/web", When::Before, answer(503, &[]));
    }
    let failure = Failure::from(world.repo().settings().await.unwrap_err());
    assert_eq!(failure.kind, FailureKind::Transient);
    assert_eq!(failure.message, "GitHub did not answer GET /repos/acme/web: status 503");
}

/// What a server saw: target and headers.
type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// Serves one fixed answer for every request.
async fn serve(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> (String, Seen) {
    let seen = Seen::default();
    let handler = async move |State(seen): State<Seen>, request: Request| {
        let target = request.uri().to_string();
        let response = answer(&target);
        seen.lock().unwrap().push((target, request.headers().clone()));
        response
    };
    let app = Router::new().fallback(handler).with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, seen)
}

#[tokio::test]
async fn the_token_stays_with_the_host_it_is_for() {
    let (elsewhere, seen_elsewhere) = serve(|_| (StatusCode::OK, "{}").into_response()).await;
    let target = format!("{elsewhere}/stolen?secret=1");
    let redirect = move |_: &str| (StatusCode::FOUND, [(header::LOCATION, target.clone())]).into_response();
    let (api, seen) = serve(redirect).await;
    let github = Host::new(&format!("{api}/api/v3")).unwrap().with_retry(quick()).with_token(TOKEN.into()).unwrap();
    let error = github.repo(&"acme/web".parse().unwrap()).settings().await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let (path, headers) = seen.lock().unwrap()[0].clone();
    assert_eq!(path, "/api/v3/repos/acme/web");
    assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {TOKEN}"));
    assert_eq!(headers[header::USER_AGENT], "pi-tickets");
    assert_eq!(headers["x-github-api-version"], "2022-11-28");
    let (path, headers) = seen_elsewhere.lock().unwrap()[0].clone();
    assert_eq!(path, "/stolen?secret=1");
    assert!(!headers.contains_key(header::AUTHORIZATION));
}

#[tokio::test]
async fn a_write_does_not_follow_a_redirect() {
    let (api, seen) = serve(|_| (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/x")]).into_response()).await;
    let github = Host::new(&api).unwrap().with_retry(quick()).with_token(TOKEN.into()).unwrap();
    let repo = github.repo(&"acme/old-name".parse().unwrap());
    assert!(matches!(repo.create_blob(b"x").await, Err(GithubError::Moved { .. })));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_tree_too_large_for_one_answer_is_read_folder_by_folder() {
    let [root, folder, file] = ["a", "b", "c"].map(|letter| letter.repeat(40));
    let answers = move |target: &str| {
        let entry = |path: &str, mode: &str, kind: &str, sha: &str| {
            format!(r#"{{"path":"{path}","mode":"{mode}","type":"{kind}","sha":"{sha}","size":1}}"#)
        };
        let (sha, entries, truncated) = match (target.contains(&root), target.contains("recursive")) {
            (true, true) => (&root, entry("a.txt", "100644", "blob", &file), true),
            (true, false) => {
                let both = [entry("a.txt", "100644", "blob", &file), entry("dir", "040000", "tree", &folder)];
                (&root, both.join(","), false)
            }
            (false, _) => {
                let both = [entry("sub", "040000", "tree", &folder), entry("sub/b.txt", "100755", "blob", &file)];
                (&folder, both.join(","), false)
            }
        };
        format!(r#"{{"sha":"{sha}","tree":[{entries}],"truncated":{truncated}}}"#).into_response()
    };
    let (api, _) = serve(answers).await;
    let github = Host::new(&api).unwrap().with_token(TOKEN.into()).unwrap();
    let tree = github.repo(&"acme/web".parse().unwrap()).tree(&"a".repeat(40).parse().unwrap()).await.unwrap();
    assert_eq!(tree.paths().collect::<Vec<_>>(), ["a.txt", "dir/sub/b.txt"]);
}

#[tokio::test]
async fn nonsense_is_an_error_and_not_a_panic() {
    for body in ["", "null", "[]", "{", "{\"object\":{\"sha\":\"x\"}}"] {
        let (api, _) = serve(move |_| body.into_response()).await;
        let github = Host::new(&api).unwrap().with_token(TOKEN.into()).unwrap();
        let error = github.repo(&"acme/web".parse().unwrap()).branch("main").await.unwrap_err();
        assert!(matches!(error, GithubError::Unexpected { .. }), "{body}: {error}");
        assert_eq!(error.kind(), FailureKind::Internal);
    }
}
