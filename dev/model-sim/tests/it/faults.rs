//! What goes wrong on purpose.

use std::time::{Duration, Instant};

use model_sim::Consumer;
use serde_json::json;

use crate::world::{World, ask, events, json_of, parse};

#[tokio::test]
async fn a_model_that_is_down_comes_back_for_the_retry() {
    let world = World::with(
        r#"{"for":"code","status":529,"headers":{"retry-after":"3"}}
{"for":"code","status":400,"respond":[{"text":"prompt is too long"}]}
{"for":"code","respond":[{"text":"Back."}]}"#,
    )
    .await;
    let down = world.anthropic(&ask(true)).send().await.unwrap();
    assert_eq!(down.headers()["retry-after"], "3");
    let down = json_of(down, 529).await;
    assert_eq!(down["error"], json!({"type": "overloaded_error", "message": "Overloaded"}));
    let refused = json_of(world.anthropic(&ask(true)).send().await.unwrap(), 400).await;
    assert_eq!(refused["error"]["message"], "prompt is too long");
    let back = json_of(world.anthropic(&ask(false)).send().await.unwrap(), 200).await;
    assert_eq!(back["content"][0]["text"], "Back.");
}

#[tokio::test]
async fn an_error_can_last_for_ever() {
    let world = World::with(r#"{"for":"code","status":429,"repeat":true}"#).await;
    for _ in 0..3 {
        let body = json_of(world.openai(&ask(true)).send().await.unwrap(), 429).await;
        assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    }
}

#[tokio::test]
async fn a_cut_stream_breaks_in_the_middle_and_the_retry_gets_the_next_line() {
    let world = World::with(
        r#"{"for":"code","respond":[{"text":"A sentence that is never heard to its end."}],"cut":true}
{"for":"code","respond":[{"text":"Whole."}]}"#,
    )
    .await;
    let (cut, whole) = events(world.anthropic(&ask(true)).send().await.unwrap()).await;
    assert!(!whole);
    assert!(cut.iter().any(|(name, _)| name == "content_block_delta"), "it had begun: {cut:?}");
    assert!(cut.iter().all(|(name, _)| name != "message_stop"));
    let (next, whole) = events(world.anthropic(&ask(true)).send().await.unwrap()).await;
    assert!(whole && next.iter().any(|(_, data)| data.contains("end_turn")));
}

#[tokio::test]
async fn a_stalled_stream_begins_and_breaks_when_the_simulator_stops() {
    let world = World::with(r#"{"for":"code","stall":true}"#).await;
    let mut response = world.anthropic(&ask(true)).send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(parse(std::str::from_utf8(&first).unwrap())[0].0, "message_start");
    let began = Instant::now();
    let World { sim, .. } = world;
    let (rest, ()) = tokio::join!(
        async {
            loop {
                match response.chunk().await {
                    Ok(Some(_)) => {}
                    ended => break ended,
                }
            }
        },
        sim.shutdown()
    );
    assert!(rest.is_err(), "a stalled stream has no good end");
    assert!(began.elapsed() < Duration::from_secs(2), "a stall does not hold up the stop");
}

#[tokio::test]
async fn a_delay_comes_before_the_first_byte() {
    let world = World::with(r#"{"for":"code","respond":[{"text":"Late."}],"delay_ms":120}"#).await;
    let began = Instant::now();
    let response = world.anthropic(&ask(true)).send().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120));
    assert!(events(response).await.1);
}

#[tokio::test]
async fn a_client_that_hangs_up_early_is_served_the_same_line_again() {
    let world = World::with(r#"{"for":"code","respond":[{"text":"Slow."}],"delay_ms":100}"#).await;
    let impatient = world.anthropic(&ask(true)).timeout(Duration::from_millis(20)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    let patient = json_of(world.anthropic(&ask(false)).send().await.unwrap(), 200).await;
    assert_eq!(patient["content"][0]["text"], "Slow.");
    assert_eq!(world.sim.status("one").unwrap().consumers[&Consumer::Code].turns, 1);
}

#[tokio::test]
async fn bad_input_is_answered_in_the_protocols_shape() {
    let world = World::with("").await;
    let broken = world.anthropic(&json!({})).body("{").send().await.unwrap();
    assert_eq!(json_of(broken, 400).await["error"]["type"], "invalid_request_error");
    let huge = world.anthropic(&json!({})).body(vec![b' '; 33 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(json_of(huge, 413).await["error"]["type"], "request_too_large");
    let broken = world.openai(&json!({})).body("[]").send().await.unwrap();
    assert_eq!(json_of(broken, 400).await["error"]["param"], "model");
    let unknown = world.http.get(world.url("/v2/nothing")).send().await.unwrap();
    assert_eq!(json_of(unknown, 404).await["error"]["message"], "Not found: /v2/nothing");
}
