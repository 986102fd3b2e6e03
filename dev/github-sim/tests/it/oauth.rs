//! Signing in elsewhere: the page, the code, the token, and what it reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{CALLBACK, CLIENT_ID, CLIENT_SECRET, World};

const VERIFIER: &str = "a-verifier-of-the-43-to-128-characters-allowed";
const SCOPES: &str = "read:user user:email read:org";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// Answers the page as `login`, and returns the status and the parameters of the callback.
async fn consent(world: &World, login: &str, change: &[(&str, &str)]) -> (u16, Vec<(String, String)>) {
    let challenge = challenge();
    let mut form = vec![
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPES),
        ("state", "st&te"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("login", login),
    ];
    for (name, value) in change {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    let url = format!("{}/login/oauth/authorize", world.sim.html_base());
    let response = world.http.post(url).form(&form).send().await.unwrap();
    let location = response.headers().get("location").map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
    let pairs = url::Url::parse(&location).map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default();
    (response.status().as_u16(), pairs)
}

async fn code(world: &World, login: &str) -> String {
    let (status, pairs) = consent(world, login, &[]).await;
    assert_eq!((status, pairs[1].clone()), (303, ("state".to_owned(), "st&te".to_owned())));
    assert_eq!(pairs[0].0, "code");
    pairs[0].1.clone()
}

async fn exchange(world: &World, code: &str, change: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in change {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    let url = format!("{}/login/oauth/access_token", world.sim.html_base());
    let response = world.http.post(url).header("accept", "application/json").form(&form).send().await.unwrap();
    assert_eq!(response.status(), 200, "refusals are answers of status 200 too");
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_person_signs_in_and_only_their_own_data_is_read() {
    let world = World::start().await;
    let page = format!("{}/login/oauth/authorize?client_id={CLIENT_ID}&scope=read:org", world.sim.html_base());
    let page = world.http.get(page).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:1;"), "{policy}");
    assert!(page.text().await.unwrap().contains("maintainer"));

    let answer = exchange(&world, &code(&world, "Maintainer").await, &[]).await;
    assert_eq!((&answer["token_type"], &answer["scope"]), (&json!("bearer"), &json!("read:user,user:email,read:org")));
    let token = answer["access_token"].as_str().unwrap();
    let read = async |path: &str| world.call(Method::GET, path, token, None).await;
    assert_eq!(read("/user").await.body["login"], "maintainer");
    let emails = read("/user/emails").await.body;
    assert_eq!((&emails[0]["verified"], &emails[1]["verified"]), (&json!(true), &json!(false)));
    assert_eq!(read("/user/orgs").await.body[0]["id"], 7);
    let teams = read("/user/teams").await.body;
    assert_eq!((&teams[0]["id"], &teams[0]["organization"]["id"]), (&json!(77), &json!(7)));
    world.sim.set_organizations(Vec::new());
    assert_eq!(read("/user/teams").await.body, json!([]), "who left is out");
    assert_eq!(world.call(Method::POST, "/repos/acme/web/git/blobs", token, None).await.status, 404);
}

#[tokio::test]
async fn a_code_counts_once_within_its_time_and_with_its_verifier() {
    let world = World::start().await;
    let error = |answer: &Value| answer["error"].as_str().unwrap_or_default().to_owned();
    let once = code(&world, "maintainer").await;
    assert!(exchange(&world, &once, &[]).await["access_token"].is_string());
    assert_eq!(error(&exchange(&world, &once, &[]).await), "bad_verification_code");
    for (change, expected) in [
        (("client_secret", "wrong"), "incorrect_client_credentials"),
        (("client_id", "wrong"), "incorrect_client_credentials"),
        (("redirect_uri", "http://127.0.0.1:1/account/sign-in/callback/"), "redirect_uri_mismatch"),
        (("code_verifier", "another-verifier-of-43-characters-or-more-xx"), "bad_verification_code"),
        (("code_verifier", ""), "bad_verification_code"),
        (("code", "wrong"), "bad_verification_code"),
    ] {
        let fresh = code(&world, "maintainer").await;
        let answer = exchange(&world, &fresh, &[change]).await;
        assert_eq!(error(&answer), expected, "{change:?}");
        assert!(answer["error_description"].is_string() && answer["error_uri"].is_string());
    }
    let late = code(&world, "maintainer").await;
    world.clock.advance(601);
    assert_eq!(error(&exchange(&world, &late, &[]).await), "bad_verification_code");
}

#[tokio::test]
async fn an_answer_goes_to_the_registered_callback_only() {
    let world = World::start().await;
    for (change, status) in [
        (("redirect_uri", "http://127.0.0.1:1/elsewhere"), 422),
        (("client_id", "unknown"), 404),
        (("code_challenge_method", "plain"), 422),
        (("code_challenge", "short"), 422),
        (("login", "stranger"), 422),
    ] {
        assert_eq!(consent(&world, "maintainer", &[change]).await, (status, vec![]), "{change:?}");
    }
    let (_, refused) = consent(&world, "", &[]).await;
    assert_eq!(refused[0], ("error".to_owned(), "access_denied".to_owned()));
}

#[tokio::test]
async fn what_was_not_consented_to_is_not_read() {
    let world = World::start().await;
    let (_, pairs) = consent(&world, "maintainer", &[("scope", "read:user")]).await;
    let answer = exchange(&world, &pairs[0].1, &[]).await;
    let token = answer["access_token"].as_str().unwrap();
    for (path, status) in [("/user", 200), ("/user/emails", 404), ("/user/orgs", 403), ("/user/teams", 403)] {
        assert_eq!(world.call(Method::GET, path, token, None).await.status, status, "{path}");
    }
    assert_eq!(world.call(Method::GET, "/user", "gho_unknown", None).await.status, 401);
}
