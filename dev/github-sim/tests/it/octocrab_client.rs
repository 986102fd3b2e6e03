//! The client library that the product uses, from the app's key to the merge.

use github_sim::{Clock, Config};
use http::StatusCode;
use octocrab::models::repos::Object;
use octocrab::params::repos::Reference;
use octocrab::{Octocrab, OctocrabBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{APP_ID, World, keys};

/// octocrab issues its JWT by the system's time.
fn system_time(config: &mut Config) {
    config.clock = Clock::system();
}

async fn installation(world: &World) -> Octocrab {
    let app = OctocrabBuilder::new()
        .base_uri(world.sim.api_base())
        .unwrap()
        .app_from_rsa_pem(APP_ID.into(), keys().private_pem.expose_secret())
        .unwrap()
        .build()
        .unwrap();
    let found = app.apps().get_repository_installation("acme", "web").await.unwrap();
    app.installation(found.id).unwrap()
}

fn refusal(error: octocrab::Error) -> (StatusCode, String) {
    match error {
        octocrab::Error::GitHub { source, .. } => (source.status_code, source.message),
        other => panic!("not an answer of GitHub's: {other:?}"),
    }
}

/// Blob, tree and commit over the wire; returns the commit.
async fn commit(crab: &Octocrab, parent: &str, path: &str, text: &str) -> String {
    let post = async |what: &str, body: Value| -> Value {
        crab.post(format!("/repos/acme/web/git/{what}"), Some(&body)).await.unwrap()
    };
    let blob = post("blobs", json!({ "content": text, "encoding": "utf-8" })).await;
    let entry = json!({ "path": path, "mode": "100644", "type": "blob", "sha": blob["sha"] });
    let tree = post("trees", json!({ "base_tree": parent, "tree": [entry] })).await;
    let body = json!({ "message": format!("Change {path}"), "tree": tree["sha"], "parents": [parent] });
    post("commits", body).await["sha"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn from_blob_to_merge() {
    let world = World::start_with(system_time).await;
    let crab = installation(&world).await;
    let repos = crab.repos("acme", "web");
    let main = repos.get_ref(&Reference::Branch("main".to_owned())).await.unwrap();
    let Object::Commit { sha: base, .. } = main.object else { panic!("{:?}", main.object) };
    assert_eq!(base, world.first.as_str());

    let head = commit(&crab, &base, "src/new.js", "export {}\n").await;
    repos.create_ref(&Reference::Branch("bot/new".to_owned()), &head).await.unwrap();
    let taken = repos.create_ref(&Reference::Branch("bot/new".to_owned()), &head).await.unwrap_err();
    assert_eq!(refusal(taken), (StatusCode::UNPROCESSABLE_ENTITY, "Reference already exists".to_owned()));

    let pulls = crab.pulls("acme", "web");
    let pull = pulls.create("Add new", "bot/new", "main").body("Because").send().await.unwrap();
    let number = pull.number;
    let again = pulls.create("Add new", "bot/new", "main").send().await.unwrap_err();
    assert_eq!(refusal(again).0, StatusCode::UNPROCESSABLE_ENTITY);
    let found = pulls.list().head("acme:bot/new").send().await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.items[0].user.as_ref().unwrap().login, "ticket-bot[bot]");
    let files = pulls.list_files(number).await.unwrap();
    assert_eq!(files.items[0].filename, "src/new.js");

    world.sim.review(&world.repo, number, None, "APPROVE", "Good").await.unwrap();
    let reviews = pulls.list_reviews(number).send().await.unwrap();
    assert_eq!(reviews.items[0].state, Some(octocrab::models::pulls::ReviewState::Approved));

    let pull = pulls.get(number).await.unwrap();
    assert_eq!(pull.mergeable, Some(true));
    let stale = pulls.merge(number).sha(&base).send().await.unwrap_err();
    assert_eq!(refusal(stale).0, StatusCode::CONFLICT);
    let merged = pulls.merge(number).sha(&head).send().await.unwrap();
    assert!(merged.merged);
    assert_eq!(merged.sha.as_deref(), Some(world.git(&["rev-parse", "main"]).as_str()));
    assert_eq!(world.git(&["show", "main:src/new.js"]), "export {}");
    assert!(pulls.is_merged(number).await.unwrap());
    let merge_bot = world.git(&["log", "-1", "--format=%an <%ae> %cn", "main"]);
    assert!(merge_bot.starts_with("ticket-bot[bot] <") && merge_bot.ends_with("GitHub"), "{merge_bot}");
}

#[tokio::test]
async fn what_github_refuses() {
    let world = World::start_with(system_time).await;
    let crab = installation(&world).await;
    let first = world.first.to_string();
    let head = commit(&crab, &first, "src/app.js", "mine\n").await;
    let repos = crab.repos("acme", "web");
    repos.create_ref(&Reference::Branch("mine".to_owned()), &head).await.unwrap();

    let back = json!({ "sha": first, "force": false });
    let moved: octocrab::Result<Value> = crab.patch("/repos/acme/web/git/refs/heads/mine", Some(&back)).await;
    let refused = refusal(moved.unwrap_err());
    assert_eq!(refused, (StatusCode::UNPROCESSABLE_ENTITY, "Update is not a fast forward".to_owned()));

    let pulls = crab.pulls("acme", "web");
    let number = pulls.create("Mine", "mine", "main").send().await.unwrap().number;
    world.push("main", "src/app.js", "theirs\n").await;
    let conflict = pulls.merge(number).sha(&head).send().await.unwrap_err();
    assert_eq!(refusal(conflict), (StatusCode::METHOD_NOT_ALLOWED, "Pull Request is not mergeable".to_owned()));
    let own: octocrab::Result<Value> =
        crab.post(format!("/repos/acme/web/pulls/{number}/reviews"), Some(&json!({ "event": "APPROVE" }))).await;
    assert_eq!(refusal(own.unwrap_err()).0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn tarballs_are_followed() {
    let world = World::start_with(system_time).await;
    let crab = installation(&world).await;
    let answer = crab.repos("acme", "web").download_tarball(world.first.to_string()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-gzip");
}
