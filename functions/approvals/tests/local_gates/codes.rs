//! Typed codes over real rows: few, for one link, and at rest only a digest.

use domain::gate::code::{CodeRefusal, MAX_TRIES};
use domain::gate::requests::{ApprovalRequest, CodeAnswer, MintedCode};
use domain::ids::{LinkId, TaskToken};
use domain::{Digest, Timestamp};
use testkit::sample::at;

use crate::office::Office;

async fn ask(office: &Office, request: ApprovalRequest, now: Timestamp) -> CodeAnswer {
    office.request(request, now).await.unwrap()
}

async fn typed(office: &Office, link: Digest, code: &str, now: Timestamp) -> CodeAnswer {
    ask(office, ApprovalRequest::CheckCode { link, code: code.to_owned() }, now).await
}

fn refused(answer: CodeAnswer) -> CodeRefusal {
    let CodeAnswer::Refused { refusal, .. } = answer else { panic!("{answer:?}") };
    refusal
}

/// An open gate, and ann's link to it.
async fn link(office: &Office) -> Digest {
    let gate = office.opened(&TaskToken::new("token")).await;
    let minted = office.mint(&gate.id, "ann", at(60)).await.unwrap();
    minted.link_id.parse::<LinkId>().unwrap().digest()
}

#[tokio::test]
async fn a_code_is_asked_for_made_typed_and_spent() {
    let office = Office::start().await;
    let link = link(&office).await;
    assert_eq!(refused(typed(&office, link, "000000", at(61)).await), CodeRefusal::Spent);
    assert_eq!(ask(&office, ApprovalRequest::SendCode { link }, at(61)).await, CodeAnswer::Sent);
    assert_eq!(refused(ask(&office, ApprovalRequest::SendCode { link }, at(62)).await), CodeRefusal::TooSoon);
    let everything = office.world.everything().await;
    assert!(everything.contains("code_requested") && everything.contains(&link.to_string()));

    let first: MintedCode = office.mint_code(link, 1, at(62)).await.unwrap();
    let code: MintedCode = office.mint_code(link, 1, at(63)).await.unwrap();
    assert!(code.code.len() == 6 && code.code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(office.mint_code(link, 2, at(63)).await.is_err(), "nobody asked for a second one");
    let everything = office.world.everything().await;
    assert!(!everything.contains(&format!("\"{}\"", code.code)), "at rest it is a digest");
    if first.code != code.code {
        assert!(matches!(refused(typed(&office, link, &first.code, at(64)).await), CodeRefusal::Wrong { .. }));
    }
    assert_eq!(typed(&office, link, &code.code, at(64)).await, CodeAnswer::Right);
    for _ in 2..MAX_TRIES {
        typed(&office, link, "x", at(65)).await;
    }
    typed(&office, link, "x", at(65)).await;
    assert_eq!(refused(typed(&office, link, &code.code, at(66)).await), CodeRefusal::Spent);
    assert_eq!(refused(typed(&office, Digest::of("no link"), "000000", at(66)).await), CodeRefusal::Spent);
}

#[tokio::test]
async fn guesses_at_once_are_counted_each() {
    let office = Office::start().await;
    let link = link(&office).await;
    ask(&office, ApprovalRequest::SendCode { link }, at(61)).await;
    let code: MintedCode = office.mint_code(link, 1, at(62)).await.unwrap();
    let wrong = if code.code == "000000" { "000001" } else { "000000" };
    let guesses = futures::future::join_all((0..12).map(|_| typed(&office, link, wrong, at(63)))).await;
    let counted = guesses
        .into_iter()
        .filter(|guess| matches!(guess, CodeAnswer::Refused { refusal: CodeRefusal::Wrong { .. }, .. }));
    assert_eq!(counted.count(), usize::try_from(MAX_TRIES).unwrap());
    assert_eq!(refused(typed(&office, link, &code.code, at(64)).await), CodeRefusal::Spent);
}
