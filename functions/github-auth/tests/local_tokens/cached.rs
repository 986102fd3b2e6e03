//! How often a token is minted.

use github_auth::Grant;
use jiff::SignedDuration;

use crate::desk::{Desk, WRITE};

#[tokio::test]
async fn one_token_serves_a_repository_until_five_minutes_before_its_end() {
    let desk = Desk::start(WRITE).await;
    let first = desk.ask("acme/web").await.unwrap();
    let nearly = first.expires_at - SignedDuration::from_secs(301);
    assert_eq!(desk.ask_at(nearly, "Acme/Web").await.unwrap(), first);
    assert_eq!(desk.minted(), 1);

    let other = desk.ask("acme/other").await.unwrap();
    assert_ne!(other.token, first.token);
    assert_eq!(desk.minted(), 2);

    let next = desk.ask_at(first.expires_at - SignedDuration::from_secs(300), "acme/web").await.unwrap();
    assert_ne!(next.token, first.token);
    assert_eq!(desk.minted(), 3);
}

#[tokio::test]
async fn the_entries_for_reading_and_for_writing_share_nothing() {
    let (read, write) = (Desk::start(Grant::Read).await, Desk::start(WRITE).await);
    assert_ne!(read.ask("acme/web").await.unwrap().token, write.ask("acme/web").await.unwrap().token);
    assert_eq!((read.minted(), write.minted()), (1, 1));
}

#[tokio::test]
async fn a_token_that_github_no_longer_accepts_is_replaced_for_all() {
    let desk = Desk::start(WRITE).await;
    let first = desk.ask("acme/web").await.unwrap();
    desk.host.sim.revoke_tokens();
    assert_eq!(desk.ask("acme/web").await.unwrap(), first, "nobody has said so yet");

    let second = desk.ask_after(&first, "acme/web").await.unwrap();
    desk.repo(&second, "acme/web").branch_head("main").await.unwrap();
    for again in [desk.ask_after(&first, "acme/web").await, desk.ask("acme/web").await] {
        assert_eq!(again.unwrap(), second);
    }
    assert_eq!(desk.minted(), 2);
}

#[tokio::test]
async fn tokens_are_minted_for_callers_that_come_together() {
    let desk = Desk::start(WRITE).await;
    let answers = futures::future::join_all((0..4).map(|_| desk.ask("acme/web"))).await;
    for answer in answers {
        desk.repo(&answer.unwrap(), "acme/web").settings().await.unwrap();
    }
    let kept = desk.ask("acme/web").await.unwrap();
    assert_eq!(desk.ask("acme/web").await.unwrap(), kept);
    assert!(desk.minted() <= 4, "{}", desk.minted());
}
