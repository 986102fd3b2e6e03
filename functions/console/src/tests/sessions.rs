//! Sessions over time.

use domain::role::Role;
use jiff::SignedDuration;
use store::Session;

use super::Call;
use crate::testing::{Memory, now};

const NAME: &str = "__Secure-pi_session";

fn minutes(number: i64) -> SignedDuration {
    SignedDuration::from_mins(number)
}

fn seconds(number: i64) -> SignedDuration {
    SignedDuration::from_secs(number)
}

fn only(memory: &Memory) -> Session {
    memory.0.lock().unwrap().sessions.values().next().unwrap().clone()
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old() {
    type Change = fn(&mut Session);
    let cases: [(Change, bool); 4] = [
        (|session| session.last_seen = now() - minutes(120) + seconds(1), true),
        (|session| session.last_seen = now() - minutes(120), false),
        (|session| session.signed_in_at = now() - minutes(720) + seconds(1), true),
        (|session| session.signed_in_at = now() - minutes(720), false),
    ];
    for (change, good) in cases {
        let memory = Memory::with([]);
        let cookie = memory.session_with("ann", Role::Viewer, change);
        let answer = Call::get("/api/workflows").session(&cookie).to(&memory).await;
        assert_eq!(answer.status, if good { 200 } else { 401 });
        assert_eq!(memory.0.lock().unwrap().sessions.len(), usize::from(good), "what is over is forgotten");
    }
}

#[tokio::test]
async fn an_id_is_replaced_and_the_one_before_is_good_for_a_minute() {
    let memory = Memory::with([]);
    let old = memory.session_with("ann", Role::Viewer, |session| session.rotated_at = now() - minutes(15));
    let get = async |cookie: &str| Call::get("/").session(cookie).to(&memory).await;
    let answer = get(&old).await;
    let new = answer.cookie(NAME).unwrap();
    assert!(answer.status == 200 && new != old);
    assert!(answer.header("set-cookie").ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/live; Max-Age=43200"));
    for cookie in [&old, &new] {
        let answer = get(cookie).await;
        assert!(answer.status == 200 && answer.cookie(NAME).is_none());
    }
    let family = only(&memory).family;
    memory.0.lock().unwrap().sessions.get_mut(&family).unwrap().rotated_at = now() - seconds(59);
    assert_eq!(get(&old).await.status, 200);
    memory.0.lock().unwrap().sessions.get_mut(&family).unwrap().rotated_at = now() - seconds(60);
    assert_eq!(get(&new).await.status, 200);
    assert_eq!(get(&old).await.status, 303, "a copy of an id that was replaced");
    assert_eq!(get(&new).await.status, 303, "and nobody can say which of the two was the thief");
    let refused = memory.refused();
    assert_eq!(refused[0], "a session id that was replaced was used: the session was ended");
    assert_eq!(memory.0.lock().unwrap().refusals[0].by.as_ref().unwrap().name, "ann");
}

/// The end of a stolen session is noted even where nothing was refused.
#[tokio::test]
async fn a_replaced_id_is_noticed_wherever_it_is_used() {
    let memory = Memory::with([]);
    let cookie = memory.session_with("ann", Role::Viewer, |session| {
        session.current = domain::Digest::of("another");
        session.rotated_at = now() - minutes(5);
    });
    assert_eq!(Call::get("/account/sign-in").session(&cookie).to(&memory).await.status, 200);
    assert_eq!((memory.refused().len(), memory.0.lock().unwrap().sessions.len()), (1, 0));
}

#[tokio::test]
async fn who_was_seen_is_noted_once_a_minute() {
    let memory = Memory::with([]);
    let seen = now() - seconds(59);
    let cookie = memory.session_with("ann", Role::Viewer, |session| session.last_seen = now() - seconds(59));
    Call::get("/").session(&cookie).to(&memory).await;
    assert_eq!(only(&memory).last_seen, seen);
    let family = only(&memory).family;
    memory.0.lock().unwrap().sessions.get_mut(&family).unwrap().last_seen = now() - seconds(60);
    Call::get("/").session(&cookie).to(&memory).await;
    assert_eq!(only(&memory).last_seen, now());
}

#[tokio::test]
async fn signing_out_takes_a_form_of_ones_own_and_ends_the_session() {
    let memory = Memory::with([]);
    let (ann, bob) = (memory.session_for("ann", Role::Viewer), memory.session_for("bob", Role::Viewer));
    let page = Call::get("/account/tokens").session(&ann).to(&memory).await;
    let mark = "/account/sign-out\"><input type=\"hidden\" name=\"token\" value=\"";
    let token = page.body.split_once(mark).unwrap().1.split('"').next().unwrap().to_owned();
    let out = async |session: &str, token: &str, site: &str| {
        let call = Call::form("/account/sign-out", &[("token", token)]).session(session);
        call.header("sec-fetch-site", site).to(&memory).await
    };
    assert_eq!(out(&bob, &token, "same-origin").await.status, 403);
    assert_eq!(out(&ann, &token, "cross-site").await.status, 403);
    assert_eq!(out(&ann, "", "same-origin").await.status, 403);
    assert_eq!(memory.0.lock().unwrap().sessions.len(), 2);
    let answer = out(&ann, &token, "same-origin").await;
    assert_eq!((answer.status.as_u16(), answer.cookie(NAME).as_deref()), (303, Some("")));
    assert_eq!(Call::get("/").session(&ann).to(&memory).await.status, 303);
    assert_eq!(Call::get("/").session(&bob).to(&memory).await.status, 200);
}
