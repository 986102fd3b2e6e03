//! Signing in at a real identity provider, over the wire.

use axum::http::header;
use domain::refusal::AccessRefusal;
use testkit::sample::at;

use crate::site::Site;

#[tokio::test]
async fn who_github_says_one_is_decides_what_one_may() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let page = format!("/workflows/{}", gate.workflow_id);
    let back = site.come_back("vic", &page).await;
    let target = format!("{}{page}", site.config.settings.base_url);
    assert_eq!((back.status.as_u16(), back.headers[header::LOCATION].to_str().unwrap()), (303, target.as_str()));
    for (login, role, gate_page, refusals) in
        [("vic", "viewer", 403, 403), ("bob", "approver", 200, 403), ("adam", "admin", 200, 200)]
    {
        let cookies = site.sign_in(login).await;
        let account = site.visit_as(&cookies, "/account/tokens").await;
        let words = format!("You are <strong>{login}</strong>, {role}.");
        assert!(account.body.contains(&words), "{}", account.body);
        assert_eq!(site.visit_as(&cookies, &page).await.status, 200, "{login}");
        assert_eq!(site.visit_as(&cookies, &format!("{page}/gate")).await.status, gate_page, "{login}");
        assert_eq!(site.visit_as(&cookies, "/account/refusals").await.status, refusals, "{login}");
    }
    let refused = site.come_back("eve", "/").await;
    assert_eq!((refused.status.as_u16(), refused.cookies()), (403, String::new()));
    let day = AccessRefusal::day(at(60));
    let refusals = site.world.store.refusals(&day, 100).await.unwrap();
    let whys: Vec<_> = refusals.iter().map(|refusal| refusal.why.as_str()).collect();
    assert_eq!(whys.iter().filter(|why| **why == "operating is not allowed").count(), 2);
    assert!(whys.contains(&"an account without a role") && whys.contains(&"deciding is not allowed"), "{whys:?}");
    let kept = format!("{:?}{:?}", site.world.rows(&site.world.names.console).await, refusals);
    assert!(!kept.contains("gho_"), "what GitHub gave to ask with is not kept");
}

#[tokio::test]
async fn a_session_holds_over_requests_and_ends_with_its_sign_out() {
    let site = Site::start().await;
    let cookies = site.sign_in("bob").await;
    let name = cookies.split_once('=').unwrap().0;
    assert_eq!(name, "__Secure-pi_session");
    let account = site.visit_as(&cookies, "/account/tokens").await;
    let token = account.body.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    let made = account.body.split_once("<h2>Make a token</h2>").unwrap().1;
    let made = made.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    let fields = [("token", made), ("label", "nightly"), ("days", "1"), ("decide", "yes")];
    let made = site.submit(&cookies, "/account/tokens", &fields).await;
    assert!(made.body.contains("<pre>pit_"), "{}", made.body);
    assert_eq!(site.world.console.tokens().await.unwrap().len(), 1);
    assert_eq!(site.submit(&cookies, "/account/sign-out", &[("token", token)]).await.status, 303);
    assert_eq!(site.visit_as(&cookies, "/account/tokens").await.status, 303);
    assert_eq!(site.world.rows(&site.world.names.console).await.len(), 1, "the token is left, the session is not");
}
