//! Tokens: who may do what, and for how long.

use github_sim::{AppKey, Config, NewRepo, TokenFormat};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{APP_ID, PERSONAL, World, answer, jwt, keys};

#[tokio::test]
async fn app_tokens_are_checked() {
    let world = World::start().await;
    let app = async |token: &str| world.call(Method::GET, "/app", token, None).await;
    let private = keys().private_pem.expose_secret();
    let good = app(&jwt(&world.clock, &json!(APP_ID), 540, private)).await;
    assert_eq!((good.status, &good.body["slug"]), (200, &json!("ticket-bot")));
    assert_eq!(app(&jwt(&world.clock, &json!(APP_ID.to_string()), 600, private)).await.status, 200);

    let other_key = AppKey::generate().unwrap().private_pem.expose_secret().to_owned();
    let forged = app(&jwt(&world.clock, &json!(APP_ID), 540, &other_key)).await;
    assert_eq!((forged.status, &forged.body["message"]), (401, &json!("A JSON web token could not be decoded")));
    let long = app(&jwt(&world.clock, &json!(APP_ID), 601, private)).await;
    assert_eq!(long.status, 401);
    assert!(long.body["message"].as_str().unwrap().contains("too far in the future"), "{}", long.body);
    let old = jwt(&world.clock, &json!(APP_ID), 540, private);
    world.clock.advance(541);
    assert_eq!(app(&old).await.status, 401, "expired");
    let stranger = app(&jwt(&world.clock, &json!(7), 540, private)).await;
    assert_eq!((stranger.status, &stranger.body["message"]), (404, &json!("Integration not found")));
    assert_eq!(app("").await.status, 401);
    assert_eq!(app("ghp_wrong").await.body["message"], "Bad credentials");
    // A symmetric signature with the public key as its secret is the classic forgery.
    let claims =
        json!({ "iat": world.clock.now().as_second(), "exp": world.clock.now().as_second() + 60, "iss": APP_ID });
    let secret = jsonwebtoken::EncodingKey::from_secret(keys().public_pem.as_bytes());
    let confused = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &secret).unwrap();
    assert_eq!(app(&confused).await.status, 401);
}

#[tokio::test]
async fn installation_tokens_last_an_hour_and_reach_their_repositories_only() {
    let world = World::start().await;
    world.sim.create_repo(NewRepo::new("acme", "api").file("a", "b")).await.unwrap();
    let mut outside = NewRepo::new("acme", "outside").file("a", "b");
    outside.app_installed = false;
    world.sim.create_repo(outside).await.unwrap();

    let all = world.installation_token(json!({})).await;
    let one = world.installation_token(json!({ "repositories": ["web"] })).await;
    let get = async |token: &str, repo: &str| world.call(Method::GET, repo, token, None).await.status;
    assert_eq!(get(&all, "/repos/acme/api").await, 200);
    assert_eq!(get(&all, "/repos/ACME/Web").await, 200, "names are compared without regard to case");
    assert_eq!(get(&one, "/repos/acme/web").await, 200);
    assert_eq!(get(&one, "/repos/acme/api").await, 404, "not in the token");
    assert_eq!(get(&all, "/repos/acme/outside").await, 404, "not in the installation");
    assert_eq!(get("", "/repos/acme/web").await, 404, "private");
    let missing = world.call(Method::GET, "/repos/acme/outside/installation", &world.app_jwt(), None).await;
    assert_eq!(missing.status, 404);

    world.clock.advance(3_599);
    assert_eq!(get(&one, "/repos/acme/web").await, 200);
    world.clock.advance(1);
    assert_eq!(get(&one, "/repos/acme/web").await, 401);
}

#[tokio::test]
async fn permissions_are_enforced() {
    let world = World::start().await;
    let token = world.installation_token(json!({ "permissions": { "contents": "read" } })).await;
    let call = async |method, path: &str, body| world.call(method, path, &token, body).await;
    assert_eq!(call(Method::GET, "/repos/acme/web", None).await.status, 200, "metadata is always there");
    assert_eq!(call(Method::GET, "/repos/acme/web/contents/README.md", None).await.status, 200);
    let refused = call(Method::POST, "/repos/acme/web/git/blobs", Some(json!({ "content": "x" }))).await;
    assert_eq!((refused.status, &refused.body["message"]), (403, &json!("Resource not accessible by integration")));
    assert_eq!(refused.headers["x-accepted-github-permissions"], "contents=write");
    for path in ["/pulls", "/commits/main/check-runs", "/commits/main/status", "/branches/main/protection"] {
        assert_eq!(call(Method::GET, &format!("/repos/acme/web{path}"), None).await.status, 403, "{path}");
    }
    let writer = world.installation_token(json!({ "permissions": { "contents": "write" } })).await;
    let workflow = json!({ "tree": [{ "path": ".github/workflows/x.yml", "mode": "100644", "content": "x" }] });
    let refused = world.call(Method::POST, "/repos/acme/web/git/trees", &writer, Some(workflow)).await;
    assert_eq!(refused.status, 403, "workflows need their own permission");
}

#[tokio::test]
async fn people_have_roles() {
    let add = |config: &mut Config| {
        for login in ["alice", "bob", "eve"] {
            let token = format!("ghp_{login}").into();
            config.personal_tokens.push(github_sim::PersonalToken { token, login: login.to_owned() });
        }
    };
    let world = World::start_with(add).await;
    let blob = async |token: &str| {
        let body = Some(json!({ "content": "x" }));
        world.call(Method::POST, "/repos/acme/web/git/blobs", token, body).await.status
    };
    assert_eq!(blob("ghp_alice").await, 201);
    assert_eq!(blob("ghp_bob").await, 403, "may only read");
    assert_eq!(blob("ghp_eve").await, 404, "may not even see it");
    assert_eq!(blob(PERSONAL).await, 201);
    let me = world.call(Method::GET, "/user", PERSONAL, None).await;
    assert_eq!((&me.body["login"], &me.body["email"]), (&json!("maintainer"), &json!("mai@example.com")));
    let basic = world.http.get(format!("{}/user", world.sim.api_base())).basic_auth("x", Some(PERSONAL));
    assert_eq!(answer(basic).await.status, 200);
    let permission = async |login: &str| {
        let path = format!("/repos/acme/web/collaborators/{login}/permission");
        world.call(Method::GET, &path, PERSONAL, None).await.body["permission"].clone()
    };
    assert_eq!(permission("alice").await, "write");
    assert_eq!(permission("bob").await, "read");
    assert_eq!(permission("eve").await, "none");
    assert_eq!(permission("maintainer").await, "admin");
}

#[tokio::test]
async fn public_repositories_can_be_read_by_everybody() {
    let world = World::start().await;
    let mut new = NewRepo::new("acme", "open").file("a", "b");
    new.private = false;
    world.sim.create_repo(new).await.unwrap();
    assert_eq!(world.call(Method::GET, "/repos/acme/open/contents/a", "", None).await.status, 200);
    let body = Some(json!({ "content": "x" }));
    assert_eq!(world.call(Method::POST, "/repos/acme/open/git/blobs", "", body).await.status, 401);
}

#[tokio::test]
async fn the_rate_limit_runs_out_and_comes_back() {
    let world = World::start_with(|config| config.rate_limit = 3).await;
    let get = async || world.call(Method::GET, "/repos/acme/web", PERSONAL, None).await;
    let rate = async || world.call(Method::GET, "/rate_limit", PERSONAL, None).await.body["rate"].clone();
    assert_eq!(get().await.headers["x-ratelimit-remaining"], "2");
    assert_eq!(rate().await["remaining"], 2, "asking is free");
    get().await;
    get().await;
    let over = get().await;
    assert_eq!(over.status, 403);
    assert!(over.body["message"].as_str().unwrap().starts_with("API rate limit exceeded"), "{}", over.body);
    assert_eq!(over.headers["x-ratelimit-remaining"], "0");
    world.clock.advance(3_600);
    assert_eq!(get().await.status, 200);
}

#[tokio::test]
async fn long_tokens_work_too() {
    let world = World::start_with(|config| config.token_format = TokenFormat::Long).await;
    let token = world.installation_token(json!({})).await;
    assert!(token.starts_with("ghs_4242_") && token.matches('.').count() == 2 && token.len() > 500, "{token}");
    assert_eq!(world.call(Method::GET, "/repos/acme/web", &token, None).await.status, 200);
}

#[tokio::test]
async fn odd_requests_get_githubs_answers() {
    let world = World::start().await;
    let url = format!("{}/repos/acme/web/git/blobs", world.sim.api_base());
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(answer(bare.get(&url)).await.status, 403, "no user agent");
    let broken = world.http.post(&url).bearer_auth(PERSONAL).body("{");
    assert_eq!(answer(broken).await.body["message"], "Problems parsing JSON");
    let list = world.http.post(&url).bearer_auth(PERSONAL).body("[]");
    assert_eq!(answer(list).await.status, 400);
    let blind = world.http.post(url.replace("acme/web", "acme/none")).bearer_auth(PERSONAL).body("{");
    assert_eq!(answer(blind).await.status, 404, "what may not be seen is not parsed");
    assert_eq!(world.call(Method::GET, "/repos/acme/web/pulls/first", PERSONAL, None).await.status, 404);
    assert_eq!(world.call(Method::GET, "/no/such/route", PERSONAL, None).await.body["message"], "Not Found");
    assert_eq!(world.call(Method::DELETE, "/repos/acme/web", PERSONAL, None).await.status, 404);
    let at_root = format!("{}/repos/acme/web", world.sim.html_base());
    assert_eq!(answer(world.http.get(at_root).bearer_auth(PERSONAL)).await.status, 200);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = World::start().await;
    for name in ["a", "b", "c"] {
        world.push(name, "x", name).await;
    }
    let first = world.call(Method::GET, "/repos/acme/web/branches?per_page=3", PERSONAL, None).await;
    assert_eq!(first.body.as_array().map(Vec::len), Some(3));
    let base = world.sim.api_base();
    let expected = format!(
        "<{base}/repos/acme/web/branches?per_page=3&page=2>; rel=\"next\", \
         <{base}/repos/acme/web/branches?per_page=3&page=2>; rel=\"last\""
    );
    assert_eq!(first.headers["link"], expected);
    let second = world.call(Method::GET, "/repos/acme/web/branches?per_page=3&page=2", PERSONAL, None).await;
    assert_eq!(second.body.as_array().map(Vec::len), Some(1));
    assert!(second.headers["link"].to_str().unwrap().contains("rel=\"first\""));
    let all: Value = world.call(Method::GET, "/repos/acme/web/branches", PERSONAL, None).await.body;
    assert_eq!(all[3]["name"], "main");
}
