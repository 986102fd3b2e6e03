use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::{Value, json};

use crate::world::{World, ask, canonical, events, json_of, then};

const TURN: &str = r#"{"for":"code","respond":[{"text":"I will read the file first."},{"tool":"read","input":{"limit":20,"path":"src/session.js"}}],"usage":{"input":812,"output":34,"cache_read":100}}"#;

#[tokio::test]
async fn streams_the_published_events() {
    let world = World::with(TURN).await;
    let response = world.anthropic(&ask(true)).send().await.unwrap();
    assert!(response.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    let (events, whole) = events(response).await;
    assert!(whole);
    for (name, data) in &events {
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["type"], *name, "the event is named in its data, too");
    }
    assert_snapshot!(canonical(&events));
}

#[tokio::test]
async fn answers_whole_messages_with_the_same_content() {
    let world = World::with(TURN).await;
    let streamed = events(world.anthropic(&ask(true)).send().await.unwrap()).await.0;
    let message = json_of(world.anthropic(&ask(false)).send().await.unwrap(), 200).await;
    let delta = |kind: &str, field: &str| {
        let deltas = streamed.iter().map(|(_, data)| serde_json::from_str::<Value>(data).unwrap()["delta"].take());
        let deltas = deltas.filter(|delta| delta["type"] == kind);
        deltas.map(|delta| delta[field].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (text, json) = (delta("text_delta", "text"), delta("input_json_delta", "partial_json"));
    assert!(text.len() > 1 && json.len() > 2, "several pieces each");
    assert_eq!(message["content"][0]["text"], text.concat());
    assert_eq!(message["content"][1]["input"], serde_json::from_str::<Value>(&json.concat()).unwrap());
    assert_json_snapshot!(message);
}

#[tokio::test]
async fn a_tool_result_leads_to_the_next_line() {
    let world = World::with(&format!("{TURN}\n{}", r#"{"for":"code","respond":[{"text":"Done."}]}"#)).await;
    let first = json_of(world.anthropic(&ask(false)).send().await.unwrap(), 200).await;
    let id = &first["content"][1]["id"];
    let mut next = then(ask(false), json!({"role": "assistant", "content": first["content"]}));
    next = then(next, json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "…"}]}));
    let second = json_of(world.anthropic(&next).send().await.unwrap(), 200).await;
    assert_eq!((&second["content"][0]["text"], &second["stop_reason"]), (&json!("Done."), &json!("end_turn")));
    let again = json_of(world.anthropic(&next).send().await.unwrap(), 200).await;
    assert_eq!(again, second);
    let over = then(next, json!({"role": "assistant", "content": "Done."}));
    let over = json_of(world.anthropic(&over).send().await.unwrap(), 400).await;
    assert_json_snapshot!(over);
}

#[tokio::test]
async fn the_key_and_the_version_are_checked() {
    let world = World::with(TURN).await;
    let post = || world.http.post(world.url("/v1/messages")).json(&ask(false));
    let version = "anthropic-version";
    let none = json_of(post().header(version, "2023-06-01").send().await.unwrap(), 401).await;
    assert_eq!(none["error"]["type"], "authentication_error");
    let wrong = post().header(version, "2023-06-01").header("x-api-key", "guess");
    assert_eq!(json_of(wrong.send().await.unwrap(), 401).await["error"]["message"], "invalid x-api-key");
    let no_version = json_of(post().header("x-api-key", "model-sim-key").send().await.unwrap(), 400).await;
    assert_eq!(no_version["error"]["type"], "invalid_request_error");
    let bearer = post().header(version, "2023-06-01").bearer_auth("model-sim-key");
    assert_eq!(bearer.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn counts_tokens_without_consuming_a_line() {
    let world = World::with(TURN).await;
    let request = world.http.post(world.url("/v1/messages/count_tokens"));
    let request = request.header("x-api-key", "model-sim-key").header("anthropic-version", "2023-06-01");
    let counted = json_of(request.json(&ask(false)).send().await.unwrap(), 200).await;
    assert_eq!(counted, json!({"input_tokens": 8}));
    assert_eq!(world.sim.status("one").unwrap().consumers[&model_sim::Consumer::Code].used, 0);
}

#[tokio::test]
async fn lists_models() {
    let world = World::with(TURN).await;
    let get = |path: &str| {
        let request = world.http.get(world.url(path)).header("x-api-key", "model-sim-key");
        request.header("anthropic-version", "2023-06-01").send()
    };
    assert_json_snapshot!(json_of(get("/v1/models").await.unwrap(), 200).await, @r#"
    {
      "data": [
        {
          "type": "model",
          "id": "scripted-model",
          "display_name": "scripted-model",
          "created_at": "1970-01-01T00:00:00Z"
        }
      ],
      "has_more": false,
      "first_id": "scripted-model",
      "last_id": "scripted-model"
    }
    "#);
    assert_eq!(json_of(get("/v1/models/scripted-model").await.unwrap(), 200).await["type"], "model");
    assert_eq!(json_of(get("/v1/models/other").await.unwrap(), 404).await["error"]["type"], "not_found_error");
}
