//! The client and the reader of what people press, against a Slack on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::Timestamp;
use secrecy::SecretString;
use slack::blocks::{
    SlackActionsBlock, SlackBlockButtonElement, SlackBlockPlainTextInputElement, SlackInputBlock, SlackModalView,
    SlackView,
};
use slack::interaction::{Interaction, parse};
use slack::{Message, Slack, SlackError, signature};
use slack_sim::{CHANNEL, Endpoint, Member, SIGNING_SECRET, Slack as Sim, TEAM, TOKEN};

async fn sim() -> (Sim, Slack) {
    let guest = Member { guest: true, ..Member::new("U0GUEST", "guest@acme.example") };
    let unconfirmed = Member { confirmed: false, ..Member::new("U0NEW", "ann@acme.example") };
    let sim = Sim::start(vec![Member::new("U0ANN", "ann@acme.example"), guest, unconfirmed]).await.unwrap();
    let slack = Slack::new(&sim.api_url(), TOKEN.into()).unwrap();
    (sim, slack)
}

fn message(text: &str) -> Message {
    let button =
        SlackBlockButtonElement::new("Approve".into()).with_action_id("approve".into()).with_value("v".to_owned());
    let blocks = vec![SlackActionsBlock::new(vec![button.into()]).into()];
    Message { text: text.to_owned(), blocks }
}

#[tokio::test]
async fn a_message_is_posted_replaced_and_answered_in_its_thread() {
    let (sim, slack) = sim().await;
    let posted = slack.post(CHANNEL, &message("Decide"), None).await.unwrap();
    slack.post(CHANNEL, &message("Progress"), Some(&posted.ts)).await.unwrap();
    slack.update(&posted, &Message { text: "Approved".to_owned(), blocks: vec![] }).await.unwrap();
    let messages = sim.messages();
    assert_eq!((messages.len(), messages[0].text.as_str(), messages[0].edits), (2, "Approved", 1));
    assert_eq!(messages[1].thread_ts.as_ref(), Some(&posted.ts));
}

#[tokio::test]
async fn refusals_limits_and_silence_are_told_apart() {
    let (sim, slack) = sim().await;
    let elsewhere = slack.post("C0OTHER", &message("x"), None).await.unwrap_err();
    assert!(matches!(&elsewhere, SlackError::Refused { error, .. } if error == "channel_not_found"));
    let stranger = slack.with_token("xoxb-wrong".into()).post(CHANNEL, &message("x"), None).await.unwrap_err();
    assert!(matches!(&stranger, SlackError::Refused { error, .. } if error == "invalid_auth") && !stranger.is_final());
    let gone = slack::Posted { channel: CHANNEL.to_owned(), ts: "1".to_owned() };
    assert!(slack.update(&gone, &message("x")).await.unwrap_err().is_final());
    sim.limit("chat.postMessage", 1, 7);
    let limited = slack.post(CHANNEL, &message("x"), None).await.unwrap_err();
    assert!(matches!(limited, SlackError::RateLimited { retry_after, .. } if retry_after == Duration::from_secs(7)));
    assert!(slack.post(CHANNEL, &message("x"), None).await.is_ok(), "once");
    let nobody = Slack::new("http://127.0.0.1:9/api", TOKEN.into()).unwrap();
    let silent = nobody.post(CHANNEL, &message("x"), None).await.unwrap_err();
    assert!(matches!(silent, SlackError::Unavailable { .. }) && !format!("{silent:?}{nobody:?}").contains(TOKEN));
}

#[tokio::test]
async fn an_address_counts_only_of_a_full_member_who_confirmed_it() {
    let (_sim, slack) = sim().await;
    let email = async |id: &str| slack.user(id).await.unwrap().verified_email().map(str::to_owned);
    assert_eq!(email("U0ANN").await.as_deref(), Some("ann@acme.example"));
    assert_eq!((email("U0GUEST").await, email("U0NEW").await), (None, None));
}

#[tokio::test]
async fn answers_go_to_slack_and_nowhere_else() {
    let (_sim, slack) = sim().await;
    for url in ["https://evil.example/x", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/", "x"] {
        assert!(matches!(slack.respond(url, "hello").await, Err(SlackError::Setup(_))), "{url}");
    }
}

/// A server that keeps what it is sent, checked and parsed as ours would.
async fn receiver() -> (Endpoint, Arc<Mutex<Vec<Result<Interaction, String>>>>) {
    let got: Arc<Mutex<Vec<Result<Interaction, String>>>> = Arc::default();
    let kept = Arc::clone(&got);
    let handle = move |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
        let kept = Arc::clone(&kept);
        async move {
            let header =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            let secret: SecretString = SIGNING_SECRET.into();
            let (time, sign) = (header(signature::TIMESTAMP_HEADER), header(signature::SIGNATURE_HEADER));
            let read = signature::verify(&secret, &time, &sign, &body, Timestamp::now())
                .map_err(|error| error.to_string())
                .and_then(|request| parse(request).map_err(|error| error.to_string()));
            kept.lock().unwrap().push(read);
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/", axum::routing::post(handle));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (Endpoint::new(url), got)
}

#[tokio::test]
async fn what_people_press_and_write_is_read_and_only_when_slack_signed_it() {
    let (sim, slack) = sim().await;
    let posted = slack.post(CHANNEL, &message("Decide"), None).await.unwrap();
    let (endpoint, got) = receiver().await;
    let pressed = sim.press(&endpoint, "U0ANN", &posted.ts, "approve").await.unwrap();
    assert!(pressed.reply.in_time);
    let Ok(Interaction::Pressed { by, action, value, trigger_id, response_url }) = got.lock().unwrap().remove(0) else {
        panic!("it was not read")
    };
    assert_eq!((by.slack_id(), action.as_str(), value.as_str()), (format!("{TEAM}/U0ANN"), "approve", "v"));
    slack.respond(&response_url.unwrap(), "Counted").await.unwrap();
    assert_eq!(sim.whispers(), ["Counted"]);

    let input = SlackBlockPlainTextInputElement::new().with_action_id("comment".into()).with_multiline(true);
    let field = SlackInputBlock::new("Why?".into(), input.into()).with_block_id("why".into());
    let view = SlackModalView::new("Send back".into(), vec![field.into()])
        .with_callback_id("revise".into())
        .with_private_metadata("about".to_owned());
    slack.open_view(&trigger_id, &SlackView::Modal(view)).await.unwrap();
    sim.submit(&endpoint, "U0ANN", &[("comment", "Not so")]).await.unwrap();
    let Ok(Interaction::Submitted { dialog, metadata, fields, .. }) = got.lock().unwrap().remove(0) else {
        panic!("it was not read")
    };
    assert_eq!((dialog.as_str(), metadata.as_str(), fields["comment"].as_str()), ("revise", "about", "Not so"));

    for forged in
        [Endpoint { secret: "other".to_owned(), ..endpoint.clone() }, Endpoint { skew: -400, ..endpoint.clone() }]
    {
        sim.press(&forged, "U0ANN", &posted.ts, "approve").await.unwrap();
        assert!(got.lock().unwrap().remove(0).is_err());
    }
}
