//! Sessions and API tokens of the console.

use domain::Digest;
use domain::role::{Role, Scope};
use store::{ApiToken, Session};
use testkit::World;
use testkit::sample::{at, person};

fn session() -> Session {
    Session {
        family: "f".repeat(32),
        person: person("ann"),
        role: Role::Approver,
        current: Digest::of("one"),
        previous: None,
        rotated_at: at(0),
        signed_in_at: at(0),
        last_seen: at(0),
    }
}

#[tokio::test]
async fn of_two_requests_at_once_one_gives_a_session_its_next_id() {
    let world = World::start().await;
    let (table, session) = (&world.console, session());
    assert_eq!(table.session(&session.family).await.unwrap(), None);
    table.put_session(&session, at(3_600)).await.unwrap();
    assert!(table.put_session(&session, at(3_600)).await.is_err(), "a family begins once");
    assert_eq!(table.session(&session.family).await.unwrap().unwrap(), session);

    assert!(table.rotate_session(&session, Digest::of("two"), at(900)).await.unwrap());
    assert!(!table.rotate_session(&session, Digest::of("three"), at(900)).await.unwrap());
    assert!(table.session_seen(&session.family, at(960)).await.unwrap());
    let rotated = table.session(&session.family).await.unwrap().unwrap();
    let expected = Session {
        current: Digest::of("two"),
        previous: Some(Digest::of("one")),
        rotated_at: at(900),
        last_seen: at(960),
        ..session.clone()
    };
    assert_eq!(rotated, expected);

    for _ in 0..2 {
        table.end_session(&session.family).await.unwrap();
        assert_eq!(table.session(&session.family).await.unwrap(), None);
    }
    assert!(!table.session_seen(&session.family, at(961)).await.unwrap(), "what is over does not come back");
    assert!(!table.rotate_session(&expected, Digest::of("four"), at(961)).await.unwrap());
    assert!(world.rows(&world.names.console).await.is_empty());
}

#[tokio::test]
async fn a_token_is_kept_listed_and_revoked_once() {
    let world = World::start().await;
    let table = &world.console;
    let token = |text: &str| ApiToken {
        digest: Digest::of(text),
        owner: person("ann"),
        label: "nightly".to_owned(),
        scopes: [Scope::Read, Scope::Decide].into(),
        created_at: at(0),
        expires_at: at(86_400),
        revoked_at: None,
        last_used: None,
    };
    let (one, two) = (token("one"), token("two"));
    table.put_token(&one).await.unwrap();
    table.put_token(&two).await.unwrap();
    assert!(table.put_token(&one).await.is_err());
    assert_eq!(table.token(one.digest).await.unwrap().unwrap(), one);
    assert_eq!(table.token(Digest::of("three")).await.unwrap(), None);
    assert_eq!(table.tokens().await.unwrap().len(), 2);
    assert!(table.token_used(one.digest, "2026-11-22").await.unwrap());
    assert!(table.revoke_token(one.digest, at(60)).await.unwrap());
    assert!(!table.revoke_token(one.digest, at(61)).await.unwrap(), "the first time stays");
    let expected = ApiToken { revoked_at: Some(at(60)), last_used: Some("2026-11-22".to_owned()), ..one.clone() };
    assert_eq!(table.token(one.digest).await.unwrap().unwrap(), expected);
    for missing in [Digest::of("three"), Digest::of("")] {
        assert!(!table.revoke_token(missing, at(60)).await.unwrap());
        assert!(!table.token_used(missing, "2026-11-22").await.unwrap());
    }
    assert_eq!(table.tokens().await.unwrap().len(), 2, "nothing is made by chance");
}
