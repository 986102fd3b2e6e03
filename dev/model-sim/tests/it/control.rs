use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::world::{World, ask, json_of};

const ONE: &str = r#"{"for":"code","respond":[{"text":"One."}]}"#;

async fn put(world: &World, key: &str, body: &Value) -> reqwest::Response {
    world.http.put(world.url(&format!("/_sim/scripts/{key}"))).json(body).send().await.unwrap()
}

async fn get(world: &World, path: &str) -> Value {
    json_of(world.http.get(world.url(path)).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn scripts_come_and_go() {
    let world = World::with(ONE).await;
    let two = json!({"match": "ticket: FL-2", "script": ONE});
    assert_eq!(json_of(put(&world, "two", &two).await, 200).await["match"], "ticket: FL-2");
    world.anthropic(&ask(false)).send().await.unwrap().error_for_status().unwrap();
    assert_json_snapshot!(get(&world, "/_sim/scripts").await, @r#"
    [
      {
        "key": "one",
        "match": "ticket: FL-1",
        "consumers": {
          "plan": {
            "lines": 0,
            "used": 0,
            "remaining": 0,
            "turns": 0
          },
          "code": {
            "lines": 1,
            "used": 1,
            "remaining": 0,
            "turns": 1
          }
        }
      },
      {
        "key": "two",
        "match": "ticket: FL-2",
        "consumers": {
          "plan": {
            "lines": 0,
            "used": 0,
            "remaining": 0,
            "turns": 0
          },
          "code": {
            "lines": 1,
            "used": 0,
            "remaining": 1,
            "turns": 0
          }
        }
      }
    ]
    "#);
    assert_eq!(get(&world, "/_sim/scripts/one").await["consumers"]["code"]["used"], 1);
    let delete = || world.http.delete(world.url("/_sim/scripts/one")).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(delete().await.unwrap().status(), 404);
    let gone = json_of(world.anthropic(&ask(false)).send().await.unwrap(), 400).await;
    assert!(gone["error"]["message"].as_str().unwrap().starts_with("no script matches this request"));
}

#[tokio::test]
async fn a_bad_registration_says_why() {
    let world = World::with(ONE).await;
    let same = put(&world, "two", &json!({"match": "ticket: FL-1", "script": ONE})).await;
    assert!(json_of(same, 409).await["error"].as_str().unwrap().contains("already used"));
    let wrong = put(&world, "two", &json!({"match": "ticket: FL-2", "script": "{}"})).await;
    assert!(json_of(wrong, 422).await["error"].as_str().unwrap().starts_with("line 1 of the script"));
    let missing = put(&world, "two", &json!({"match": "ticket: FL-2"})).await;
    assert!(json_of(missing, 422).await["error"].as_str().unwrap().contains("script"));
}

#[tokio::test]
async fn a_run_can_begin_again() {
    let world = World::with(&format!("{ONE}\n{}", ONE.replace("One.", "Two."))).await;
    let text = || async {
        json_of(world.anthropic(&ask(false)).send().await.unwrap(), 200).await["content"][0]["text"].take()
    };
    assert_eq!([text().await, text().await], ["One.", "One."]);
    let forget = |key: &str| world.http.post(world.url(&format!("/_sim/scripts/{key}/forget"))).send();
    assert_eq!(forget("one").await.unwrap().status(), 204);
    assert_eq!(text().await, "Two.");
    assert_eq!(forget("none").await.unwrap().status(), 404);
}

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let world = World::with(ONE).await;
    for request in [world.anthropic(&ask(true)), world.anthropic(&ask(true)), world.openai(&json!({"model": "x"}))] {
        request.send().await.unwrap().bytes().await.unwrap();
    }
    let all = get(&world, "/_sim/requests").await;
    assert!(!all.to_string().contains("model-sim-key"));
    let shown: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let secret = request["headers"].get("x-api-key").or(request["headers"].get("authorization"));
            assert_eq!(secret.unwrap(), "[redacted]");
            json!([
                request["seq"],
                request["protocol"],
                request["status"],
                request["script"],
                request["line"],
                request["retry"]
            ])
        })
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            [1, "anthropic", 200, "one", 1, false],
            [2, "anthropic", 200, "one", 1, true],
            [3, "open_ai", 400, null, null, false],
        ])
    );
    assert_eq!(all[0]["body"], ask(true));
    assert_eq!(get(&world, "/_sim/requests?script=one").await.as_array().unwrap().len(), 2);
    world.http.delete(world.url("/_sim/requests")).send().await.unwrap();
    assert_eq!(get(&world, "/_sim/requests").await, json!([]));
}
