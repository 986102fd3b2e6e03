//! API tokens that people make.

use domain::role::{Role, Scope, Scopes};

use super::{Answer, Call};
use crate::testing::{Memory, now};

/// The value that the forms for tokens have.
async fn form_token(memory: &Memory, session: &str) -> String {
    let page = Call::get("/account/tokens").session(session).to(memory).await;
    let (_, form) = page.body.split_once("<h2>Make a token</h2>").unwrap();
    form.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

async fn make(memory: &Memory, session: &str, fields: &[(&str, &str)]) -> Answer {
    let token = form_token(memory, session).await;
    let mut all = vec![("token", token.as_str())];
    all.extend(fields);
    Call::form("/account/tokens", &all).session(session).to(memory).await
}

fn shown(answer: &Answer) -> Option<String> {
    let (_, rest) = answer.body.split_once("<pre>pit_")?;
    Some(format!("pit_{}", rest.split('<').next().unwrap()))
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_its_digest() {
    let memory = Memory::with([]);
    let session = memory.session_for("ann", Role::Approver);
    let answer = make(&memory, &session, &[("label", "nightly <b>"), ("days", "90"), ("decide", "yes")]).await;
    let token = shown(&answer).unwrap();
    assert_eq!(token.len(), 4 + 64 + 8);
    let again = Call::get("/account/tokens").session(&session).to(&memory).await;
    assert!(again.body.contains("nightly &lt;b&gt;") && shown(&again).is_none() && !again.body.contains(&token));
    let kept = memory.0.lock().unwrap().tokens.values().next().unwrap().clone();
    assert!(!format!("{kept:?}").contains(&token[4..40]));
    assert_eq!(kept.scopes, [Scope::Read, Scope::Decide].into());
    assert_eq!(kept.expires_at.duration_since(now()).as_hours(), 90 * 24);
    assert_eq!(Call::get("/api/workflows").bearer(&token).to(&memory).await.status, 200);
    let used = memory.0.lock().unwrap().tokens.values().next().unwrap().last_used.clone();
    assert_eq!(used.as_deref(), Some("2026-11-22"));
}

#[tokio::test]
async fn what_a_token_may_not_be_is_refused() {
    let memory = Memory::with([]);
    let session = memory.session_for("ann", Role::Viewer);
    for (fields, status) in [
        (vec![("label", "x"), ("days", "91")], 400),
        (vec![("label", "x"), ("days", "0")], 400),
        (vec![("label", " "), ("days", "1")], 400),
        (vec![("label", "x"), ("days", "x")], 400),
        (vec![("label", "x"), ("days", "1"), ("decide", "yes")], 403),
        (vec![("label", "x"), ("days", "1"), ("operate", "yes")], 403),
    ] {
        assert_eq!(make(&memory, &session, &fields).await.status, status, "{fields:?}");
    }
    assert_eq!(make(&memory, &session, &[("label", &"x".repeat(101)), ("days", "1")]).await.status, 400);
    let approver = memory.session_for("bob", Role::Approver);
    let foreign = form_token(&memory, &approver).await;
    let forged = [("token", foreign.as_str()), ("label", "x"), ("days", "1")];
    assert_eq!(Call::form("/account/tokens", &forged).session(&session).to(&memory).await.status, 403);
    assert!(memory.0.lock().unwrap().tokens.is_empty());
    for _ in 0..20 {
        memory.token_with("ann", Scopes::all(), |_| {});
    }
    assert_eq!(make(&memory, &session, &[("label", "x"), ("days", "1")]).await.status, 409);
}

#[tokio::test]
async fn one_revokes_ones_own_and_an_admin_anybodys() {
    for (who, role, status) in [
        ("ann", Role::Viewer, 303),
        ("bob", Role::Viewer, 404),
        ("bob", Role::Approver, 404),
        ("bob", Role::Admin, 303),
    ] {
        let memory = Memory::with([]);
        let token = memory.token_with("ann", [Scope::Read].into(), |_| {});
        let session = memory.session_for(who, role);
        let listed = Call::get("/account/tokens").session(&session).to(&memory).await.body.contains("nightly");
        assert_eq!(listed, status == 303, "{who} {role:?}");
        let digest = domain::Digest::of(&token).to_string();
        let form = form_token(&memory, &session).await;
        let fields = [("token", form.as_str()), ("digest", digest.as_str())];
        let answer = Call::form("/account/tokens/revoke", &fields).session(&session).to(&memory).await;
        assert_eq!(answer.status, status, "{who} {role:?}");
        let after = Call::get("/api/workflows").bearer(&token).to(&memory).await.status;
        assert_eq!(after, if status == 303 { 401 } else { 200 }, "{who} {role:?}");
    }
}

#[tokio::test]
async fn refusals_are_shown_to_admins() {
    let memory = Memory::with([]);
    Call::get("/api/workflows").bearer("wrong").to(&memory).await;
    let session = memory.session_for("ann", Role::Admin);
    let page = Call::get("/account/refusals").session(&session).to(&memory).await;
    assert!(page.body.contains("an unknown token") && page.body.contains("GET /api/workflows"), "{}", page.body);
    let other = Call::get("/account/refusals?day=2026-11-21").session(&session).to(&memory).await;
    assert!(other.body.contains("Nothing."));
    for bad in ["x", "2026-13-01", "2026-11-22%23"] {
        let answer = Call::get(&format!("/account/refusals?day={bad}")).session(&session).to(&memory).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}
