//! What Slack did not sign, or not now.

use domain::Timestamp;
use domain::gate::GateStatus;
use secrecy::SecretString;
use slack::buttons::{APPROVE, OPEN};
use slack::interaction::{Interaction, Member as By};
use slack_sim::{SIGNING_SECRET, TEAM, sign};

use super::{Call, Desk};
use crate::slack::answer;
use crate::testing::now;

/// Every way in which a request can be another than Slack's, and no way that counts.
#[tokio::test]
async fn what_slack_did_not_sign_now_decides_nothing() {
    let second = now().as_second();
    let stamp = |offset: i64| (second + offset).to_string();
    let channel = Desk::open().await;
    let body = channel.pressed("U0ANN", APPROVE);
    let good = sign(SIGNING_SECRET, &stamp(0), &body);
    let other = channel.pressed("U0BOB", APPROVE);
    let cells: Vec<(&str, String, String, &str)> = vec![
        ("no headers", String::new(), String::new(), &body),
        ("no signature", stamp(0), String::new(), &body),
        ("no time", String::new(), good.clone(), &body),
        ("no digits", stamp(0), "v0=x".to_owned(), &body),
        ("another scheme", stamp(0), good.replace("v0=", "v1="), &body),
        ("another secret", stamp(0), sign("guessed", &stamp(0), &body), &body),
        ("no secret", stamp(0), sign("", &stamp(0), &body), &body),
        ("too old", stamp(-301), sign(SIGNING_SECRET, &stamp(-301), &body), &body),
        ("too new", stamp(301), sign(SIGNING_SECRET, &stamp(301), &body), &body),
        ("another time", stamp(1), good.clone(), &body),
        ("another time as text", format!("+{}", stamp(0)), good.clone(), &body),
        ("another body", stamp(0), good.clone(), &other),
        ("no body", stamp(0), good.clone(), ""),
        ("cut short", stamp(0), good[..40].to_owned(), &body),
    ];
    let count = cells.len();
    for (cell, timestamp, signature, body) in cells {
        let headers = [("x-slack-request-timestamp", timestamp.as_str()), ("x-slack-signature", signature.as_str())];
        let given: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = channel.send(&given, body).await;
        assert_eq!(answer.status, 401, "{cell}");
        assert!(channel.is_untouched() && channel.memory.0.lock().unwrap().decisions.is_empty(), "{cell}");
    }
    assert_eq!(channel.memory.refused().len(), count, "each is written down");
    assert!(channel.sim.whispers().is_empty(), "nobody is called on a forger's word");
    // The same bytes with the right signature decide: nothing else stood in the way.
    for offset in [-300, 300] {
        let channel = Desk::open().await;
        channel.send_at(second + offset, &channel.pressed("U0ANN", APPROVE)).await;
        assert_eq!(channel.gate().status, GateStatus::Approved, "{offset}");
    }
}

/// Without the check of the signature whoever knows a member's id would be that member.
#[tokio::test]
async fn the_signature_is_what_stands_between_a_forger_and_a_decision() {
    let channel = Desk::open().await;
    let body = channel.pressed("U0ANN", APPROVE);
    let headers = [("x-slack-request-timestamp", now().as_second().to_string())];
    let forged: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(channel.send(&forged, &body).await.status, 401);
    assert!(channel.is_untouched());
    let console = channel.memory.console();
    let access = channel.memory.0.lock().unwrap().slack.clone().unwrap();
    let press = Interaction::Pressed {
        by: By { team: TEAM.to_owned(), user: "U0ANN".to_owned() },
        action: APPROVE.to_owned(),
        value: channel.asked().to_string(),
        trigger_id: "t".to_owned(),
        response_url: None,
    };
    answer(&console, &access, press).await;
    assert_eq!(channel.gate().status, GateStatus::Approved);
}

#[tokio::test]
async fn a_request_that_comes_again_counts_once() {
    fn later() -> Timestamp {
        Timestamp::from_second(now().as_second() + 301).unwrap()
    }
    let channel = Desk::open().await;
    let body = channel.pressed("U0ANN", APPROVE);
    channel.send_at(now().as_second(), &body).await;
    let decided = channel.gate();
    for _ in 0..3 {
        assert_eq!(channel.send_at(now().as_second(), &body).await.status, 200);
    }
    assert_eq!(channel.gate(), decided);
    assert_eq!(channel.memory.refused(), vec!["a message about what was decided"; 3]);
    assert!(channel.whisper().contains("already decided"));
    // A recorded request of before is none of now.
    let console = channel.memory.console_at(later);
    let timestamp = now().as_second().to_string();
    let call = Call::raw("/slack/interactions", &body)
        .header("x-slack-request-timestamp", &timestamp)
        .header("x-slack-signature", &sign(SIGNING_SECRET, &timestamp, &body));
    assert_eq!(call.sent_to(crate::app(console)).await.status, 401);
}

#[tokio::test]
async fn a_link_and_what_is_not_known_are_answered_and_do_nothing() {
    let channel = Desk::open().await;
    assert_eq!(channel.press("U0ANN", OPEN).await.status, 200);
    let second = now().as_second();
    assert_eq!(channel.send_at(second, "payload=%7B%7D").await.status, 400);
    assert_eq!(channel.send_at(second, "x=1").await.status, 400);
    assert!(channel.is_untouched() && channel.sim.whispers().is_empty());
    channel.memory.0.lock().unwrap().slack.as_mut().unwrap().signing_secret = SecretString::default();
    let body = channel.pressed("U0ANN", APPROVE);
    let (stamp, none) = (second.to_string(), sign("", &second.to_string(), &body));
    let headers = [("x-slack-request-timestamp", stamp.as_str()), ("x-slack-signature", none.as_str())];
    assert_eq!(channel.send(&headers, &body).await.status, 401, "a secret that is empty signs nothing");
    assert!(channel.is_untouched());
}

/// Slack sends the message along, so its requests are larger than forms; yet they have an end.
#[tokio::test]
async fn a_large_request_is_read_and_a_huge_one_is_not() {
    let desk = Desk::open().await;
    let second = now().as_second();
    let padded = |bytes: usize| format!("{}&padding={}", desk.pressed("U0ANN", APPROVE), "x".repeat(bytes));
    assert_eq!(desk.send_at(second, &padded(600 * 1024)).await.status, 413);
    assert!(desk.is_untouched());
    desk.send_at(second, &padded(300 * 1024)).await;
    assert_eq!(desk.gate().status, GateStatus::Approved);
}
