use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::{Value, json};

use crate::world::{World, ask, canonical, events, json_of, then};

const TURN: &str = r#"{"for":"code","respond":[{"text":"Two calls."},{"tool":"read","input":{"path":"a"}},{"tool":"bash","input":{"command":"npm test"}}],"usage":{"input":50,"output":9,"cache_read":5}}"#;

fn with_usage() -> Value {
    let mut body = ask(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}

#[tokio::test]
async fn streams_the_published_chunks() {
    let world = World::with(TURN).await;
    let (events, whole) = events(world.openai(&with_usage()).send().await.unwrap()).await;
    assert!(whole);
    assert!(events.iter().all(|(name, _)| name.is_empty()));
    assert_snapshot!(canonical(&events));
}

#[tokio::test]
async fn counts_tokens_in_a_stream_only_when_asked() {
    let world = World::with(TURN).await;
    let (events, _) = events(world.openai(&ask(true)).send().await.unwrap()).await;
    assert_eq!(events.last().unwrap().1, "[DONE]");
    assert!(events.iter().all(|(_, data)| !data.contains("usage")));
}

#[tokio::test]
async fn answers_whole_completions_with_the_same_content() {
    let world = World::with(TURN).await;
    let streamed = events(world.openai(&with_usage()).send().await.unwrap()).await.0;
    let whole = json_of(world.openai(&ask(false)).send().await.unwrap(), 200).await;
    let chunks: Vec<Value> = streamed.iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect();
    for (index, call) in whole["choices"][0]["message"]["tool_calls"].as_array().unwrap().iter().enumerate() {
        let deltas = chunks.iter().filter_map(|chunk| chunk.pointer("/choices/0/delta/tool_calls/0"));
        let deltas: Vec<_> = deltas.filter(|delta| delta["index"] == index).collect();
        assert!(deltas.len() > 2, "a head and several pieces");
        assert_eq!(deltas[0]["id"], call["id"]);
        let arguments: String = deltas.iter().map(|delta| delta["function"]["arguments"].as_str().unwrap()).collect();
        assert_eq!(call["function"]["arguments"], arguments);
    }
    assert_json_snapshot!(whole);
}

#[tokio::test]
async fn a_tool_result_leads_to_the_next_line() {
    let world = World::with(&format!("{TURN}\n{}", r#"{"for":"code","respond":[{"text":"Done."}]}"#)).await;
    let first = json_of(world.openai(&ask(false)).send().await.unwrap(), 200).await;
    let message = &first["choices"][0]["message"];
    let mut next = then(ask(false), message.clone());
    for call in message["tool_calls"].as_array().unwrap() {
        next = then(next, json!({"role": "tool", "tool_call_id": call["id"], "content": "…"}));
    }
    let second = json_of(world.openai(&next).send().await.unwrap(), 200).await;
    assert_eq!(second["choices"][0]["message"]["content"], "Done.");
    assert_eq!(second["choices"][0]["finish_reason"], "stop");
    let over = then(next, json!({"role": "assistant", "content": "Done."}));
    assert_json_snapshot!(json_of(world.openai(&over).send().await.unwrap(), 400).await, @r#"
    {
      "error": {
        "message": "the script \"one\" has run out for the consumer \"code\": all 2 of its lines were used. Add a line for this turn, or see why the consumer asks once more",
        "type": "invalid_request_error",
        "param": null,
        "code": null
      }
    }
    "#);
}

#[tokio::test]
async fn the_key_is_checked() {
    let world = World::with(TURN).await;
    let post = || world.http.post(world.url("/v1/chat/completions")).json(&ask(false));
    let none = json_of(post().send().await.unwrap(), 401).await;
    assert_eq!(none["error"]["code"], "invalid_api_key");
    assert_eq!(post().bearer_auth("guess").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn lists_models() {
    let world = World::with(TURN).await;
    let get = |path: &str| world.http.get(world.url(path)).bearer_auth("model-sim-key").send();
    assert_json_snapshot!(json_of(get("/v1/models").await.unwrap(), 200).await, @r#"
    {
      "object": "list",
      "data": [
        {
          "id": "scripted-model",
          "object": "model",
          "created": 0,
          "owned_by": "model-sim"
        }
      ]
    }
    "#);
    assert_eq!(json_of(get("/v1/models/scripted-model").await.unwrap(), 200).await["object"], "model");
    assert_eq!(json_of(get("/v1/models/other").await.unwrap(), 404).await["error"]["code"], "not_found");
}
