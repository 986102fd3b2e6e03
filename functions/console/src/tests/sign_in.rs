//! Signing in, with a GitHub that tells what it is told to.

use domain::role::{Membership, Role, Scope};
use url::Url;

use super::{Answer, Call};
use crate::testing::{Memory, signed_in_person};

const SIGN_IN: &str = "__Secure-pi_sign_in";
const SESSION: &str = "__Secure-pi_session";

fn approver() -> Membership {
    Membership { user: 9, teams: [2].into(), organizations: [1].into() }
}

/// Begins, and returns the cookie and what GitHub is asked for.
async fn begin(memory: &Memory, to: &str) -> (String, Url) {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return", to).finish();
    let answer = Call::get(&format!("/account/sign-in/github?{query}")).to(memory).await;
    assert_eq!(answer.status, 303);
    (answer.cookie(SIGN_IN).unwrap(), answer.header("location").parse().unwrap())
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

async fn come_back(memory: &Memory, cookie: &str, code: &str, state: &str) -> Answer {
    let call = Call::get(&format!("/account/sign-in/callback?code={code}&state={state}"));
    call.header("cookie", &format!("{SIGN_IN}={cookie}")).to(memory).await
}

#[tokio::test]
async fn somebody_with_a_role_comes_back_to_where_they_wanted() {
    let memory = Memory::with([]);
    memory.account_for("ann", approver());
    let (cookie, github) = begin(&memory, "/workflows/wf-1/logs?after=x").await;
    assert!(github.as_str().starts_with("https://github.example/login/oauth/authorize?"));
    assert_eq!(parameter(&github, "redirect_uri"), "https://pi.example/live/account/sign-in/callback");
    assert_eq!(parameter(&github, "scope"), "user:email read:org");
    assert_eq!(parameter(&github, "code_challenge_method"), "S256");
    let answer = come_back(&memory, &cookie, "ann", &parameter(&github, "state")).await;
    assert_eq!(answer.header("location"), "https://pi.example/live/workflows/wf-1/logs?after=x");
    assert_eq!(answer.cookie(SIGN_IN).as_deref(), Some(""), "it is used up");
    let session = answer.cookie(SESSION).unwrap();
    let shown = Call::get("/account/tokens").session(&session).to(&memory).await;
    assert!(shown.body.contains("You are <strong>ann</strong>, approver."), "{}", shown.body);
    let rows = memory.0.lock().unwrap();
    let (_, verifier) = &rows.exchanges[0];
    assert!(verifier.len() >= 43 && !github.as_str().contains(verifier.as_str()));
    let kept = rows.sessions.values().next().unwrap();
    assert_eq!((&kept.person, kept.role), (&signed_in_person("ann"), Role::Approver));
}

#[tokio::test]
async fn a_way_back_that_was_not_begun_here_leads_nowhere() {
    let memory = Memory::with([]);
    memory.account_for("ann", approver());
    let (cookie, github) = begin(&memory, "/").await;
    let state = parameter(&github, "state");
    let (other, _) = begin(&memory, "/").await;
    for (cookie, code, state) in [
        ("", "ann", state.as_str()),
        (&cookie, "ann", ""),
        (&cookie, "ann", "other"),
        (&other, "ann", &state),
        (&format!("{cookie}0"), "ann", &state),
        (&cookie, "", &state),
    ] {
        assert_eq!(come_back(&memory, cookie, code, state).await.status, 400, "{code} {state}");
    }
    assert!(memory.0.lock().unwrap().exchanges.is_empty(), "GitHub was not even asked");
    assert_eq!(come_back(&memory, &cookie, "stranger", &state).await.status, 400, "a code that GitHub does not take");
    let no = format!("/account/sign-in/callback?error=access_denied&state={state}");
    let no = Call::get(&no).header("cookie", &format!("{SIGN_IN}={cookie}")).to(&memory).await;
    assert_eq!(no.status, 400);
    assert!(memory.0.lock().unwrap().sessions.is_empty());
    assert_eq!(memory.refused().len(), 8);
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let memory = Memory::with([]);
    memory.account_for("ann", approver());
    for to in ["//evil.example", "/\\evil.example", "https://evil.example", "/%2fevil.example", "/account/sign-out"] {
        let (cookie, github) = begin(&memory, to).await;
        let answer = come_back(&memory, &cookie, "ann", &parameter(&github, "state")).await;
        assert_eq!(answer.header("location"), "https://pi.example/live/", "{to}");
    }
}

#[tokio::test]
async fn who_has_no_role_has_no_session_and_loses_their_tokens() {
    let memory = Memory::with([]);
    memory.account_for("eve", Membership { user: 33, teams: [22].into(), organizations: [11].into() });
    let token = memory.token_with("eve", [Scope::Read].into(), |_| {});
    let others = memory.token_with("ann", [Scope::Read].into(), |_| {});
    assert_eq!(Call::get("/api/workflows").bearer(&token).to(&memory).await.status, 200);
    let (cookie, github) = begin(&memory, "/").await;
    let answer = come_back(&memory, &cookie, "eve", &parameter(&github, "state")).await;
    assert_eq!((answer.status.as_u16(), answer.cookie(SESSION)), (403, None));
    assert!(answer.body.contains("user:33"), "{}", answer.body);
    assert_eq!(memory.refused(), ["an account without a role"]);
    assert_eq!(Call::get("/api/workflows").bearer(&token).to(&memory).await.status, 401);
    assert_eq!(Call::get("/api/workflows").bearer(&others).to(&memory).await.status, 200);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let memory = Memory::with([]);
    memory.account_for("ann", approver());
    let before = memory.session_for("ann", Role::Admin);
    let (cookie, github) = begin(&memory, "/").await;
    let path = format!("/account/sign-in/callback?code=ann&state={}", parameter(&github, "state"));
    let call = Call::get(&path).header("cookie", &format!("{SIGN_IN}={cookie}; {SESSION}={before}"));
    let after = call.to(&memory).await.cookie(SESSION).unwrap();
    assert_ne!(after, before);
    assert_eq!(Call::get("/").session(&before).to(&memory).await.status, 303);
    assert_eq!(Call::get("/").session(&after).to(&memory).await.status, 200);
}

#[tokio::test]
async fn without_an_app_the_page_says_what_to_do_and_tokens_work() {
    let memory = Memory::with([]);
    memory.0.lock().unwrap().no_oauth = true;
    let page = Call::get("/account/sign-in").to(&memory).await;
    for words in ["GithubOauthSecretArn", "RoleRules", "https://pi.example/live/account/sign-in/callback"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert_eq!(Call::get("/account/sign-in/github").to(&memory).await.status, 404);
    assert_eq!(Call::get("/account/sign-in/callback?code=ann&state=x").to(&memory).await.status, 404);
    assert_eq!(Call::get("/").with_token().to(&memory).await.status, 200);
}
