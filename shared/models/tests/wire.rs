//! Both wire protocols against a scripted model.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod common;

use std::time::{Duration, Instant};

use common::{KEY, model, read_file, settings, soon};
use domain::failure::{Failure, FailureKind};
use domain::task::Provider;
use model_sim::Running;
use models::{Arguments, Conversation, ModelError, Reply, Settings, Stop, ToolResult, Turn};
use serde_json::json;

const BOTH: [Provider; 2] = [Provider::Anthropic, Provider::Openai];

async fn start(script: &str) -> Running {
    let sim = model_sim::start(model_sim::Config::default()).await.unwrap();
    sim.register("script", "T-1", script).unwrap();
    sim
}

fn base_url(sim: &Running, provider: Provider) -> String {
    if provider == Provider::Openai { format!("{}/v1", sim.base_url()) } else { sim.base_url() }
}

fn conversation() -> Conversation {
    Conversation::new("You are a test.", vec![read_file()], "Ticket T-1")
}

async fn ask(sim: &Running, provider: Provider, settings: Settings) -> Result<Reply, ModelError> {
    model(provider, &base_url(sim, provider), KEY, settings).turn(&conversation(), soon()).await
}

#[tokio::test]
async fn words_tool_calls_usage_and_price_arrive() {
    let lines = concat!(
        r#"{"for":"code","respond":[{"text":"Let me look."},{"tool":"read_file","input":{"path":"a.js"}},{"tool":"read_file","input":{}}],"usage":{"input":1000,"output":100,"cache_read":2000}}"#,
        "\n",
        r#"{"for":"code","respond":[{"text":"Done."}],"usage":{"input":10,"output":1}}"#,
    );
    for provider in BOTH {
        let sim = start(lines).await;
        let model = model(provider, &base_url(&sim, provider), KEY, settings());
        let mut conversation = conversation();
        let reply = model.turn(&conversation, soon()).await.unwrap();
        assert_eq!(reply.text(), "Let me look.");
        assert_eq!(reply.stop, Stop::ToolUse);
        let arguments: Vec<_> = reply.tool_calls().iter().map(|call| call.arguments.clone()).collect();
        let object = |value: serde_json::Value| Arguments::Object(value.as_object().unwrap().clone());
        assert_eq!(arguments, [object(json!({"path": "a.js"})), object(json!({}))], "{provider:?}");
        let usage = reply.usage;
        assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (1_000, 2_000, 100));
        assert_eq!((usage.turns, usage.micro_usd), (1, 3_000 + 600 + 1_500));
        let results = reply.tool_calls().iter().map(|call| ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            content: "content of a file".to_owned(),
            is_error: false,
        });
        let results = Turn::Tools(results.collect());
        conversation.push(Turn::Model(reply.turn.clone()));
        conversation.push(results);
        // The server refuses calls without results and results without calls.
        let reply = model.turn(&conversation, soon()).await.unwrap();
        assert_eq!((reply.text(), &reply.stop, reply.tool_calls().len()), ("Done.", &Stop::EndTurn, 0));
        sim.shutdown().await;
    }
}

#[tokio::test]
async fn a_passing_fault_is_tried_again_and_a_lasting_one_is_named() {
    for provider in BOTH {
        let passing = concat!(
            r#"{"for":"code","status":529,"respond":[{"text":"Overloaded"}]}"#,
            "\n",
            r#"{"for":"code","status":429,"headers":{"retry-after":"0"},"respond":[{"text":"Slow down"}]}"#,
            "\n",
            r#"{"for":"code","cut":true,"respond":[{"text":"this is cut in the middle of its words"}]}"#,
            "\n",
            r#"{"for":"code","respond":[{"text":"At last."}]}"#,
        );
        let sim = start(passing).await;
        assert_eq!(ask(&sim, provider, settings()).await.unwrap().text(), "At last.");
        assert_eq!(sim.requests(Some("script")).len(), 4);

        sim.register("script", "T-1", r#"{"for":"code","status":529,"respond":[{"text":"Overloaded"}],"repeat":true}"#)
            .unwrap();
        let before = sim.requests(None).len();
        let error = ask(&sim, provider, settings()).await.unwrap_err();
        assert_eq!(sim.requests(None).len() - before, 4, "the first try and three more");
        assert_eq!(error, ModelError::Unavailable { status: 529, retry_after: None, message: "Overloaded".to_owned() });
        assert_eq!(Failure::from(error).kind, FailureKind::ModelUnavailable);
        sim.shutdown().await;
    }
}

#[tokio::test]
async fn a_provider_that_asks_for_a_long_pause_is_not_waited_for() {
    let line =
        r#"{"for":"code","status":429,"headers":{"retry-after":"3600"},"respond":[{"text":"Later"}],"repeat":true}"#;
    let sim = start(line).await;
    for provider in BOTH {
        let before = sim.requests(None).len();
        let error = ask(&sim, provider, settings()).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
        assert_eq!(sim.requests(None).len() - before, 1);
    }
    sim.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_final_and_never_repeats_the_key() {
    let sim = start("").await;
    for provider in BOTH {
        let wrong = "sk-wrong-key-123";
        let error = model(provider, &base_url(&sim, provider), wrong, settings())
            .turn(&conversation(), soon())
            .await
            .unwrap_err();
        assert!(matches!(error, ModelError::Refused { status: 401, .. }), "{error:?}");
        assert!(!error.to_string().contains(wrong), "{error}");
    }
    sim.shutdown().await;
}

#[tokio::test]
async fn a_silent_provider_is_noticed() {
    for provider in BOTH {
        let sim =
            start(r#"{"for":"code","stall":true,"respond":[{"text":"this stops in the middle"}],"repeat":true}"#).await;
        let mut settings = Settings { silence: Duration::from_millis(200), ..settings() };
        settings.retry.retries = 1;
        let error = ask(&sim, provider, settings).await.unwrap_err();
        assert_eq!(error, ModelError::Silent(Duration::from_millis(200)));
        assert_eq!(sim.requests(None).len(), 2);

        let model = model(provider, &base_url(&sim, provider), KEY, common::settings());
        let error = model.turn(&conversation(), Instant::now() + Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(error, ModelError::OutOfTime);
        sim.shutdown().await;
    }
}

#[tokio::test]
async fn nobody_there_is_a_failed_connection() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for provider in BOTH {
        let model = model(provider, &format!("http://127.0.0.1:{port}"), KEY, settings());
        let error = model.turn(&conversation(), soon()).await.unwrap_err();
        assert!(matches!(error, ModelError::Disconnected(_)), "{error:?}");
    }
}

#[tokio::test]
async fn the_output_limit_and_refusals_are_told_apart() {
    for provider in BOTH {
        let lines = concat!(
            r#"{"for":"code","respond":[{"text":"half"}],"stop":"max_tokens"}"#,
            "\n",
            r#"{"for":"code","respond":[{"text":"no"}],"stop":"refusal"}"#,
        );
        let sim = start(lines).await;
        assert_eq!(ask(&sim, provider, settings()).await.unwrap().stop, Stop::MaxTokens);
        let mut other = conversation();
        other.push(Turn::User("And now?".to_owned()));
        let model = model(provider, &base_url(&sim, provider), KEY, settings());
        // OpenAI's protocol says it in a field of its own and ends as usual: nothing was said, nothing was called.
        let expected = if provider == Provider::Anthropic { Stop::Refused } else { Stop::EndTurn };
        let reply = model.turn(&other, soon()).await.unwrap();
        assert_eq!((&reply.stop, reply.tool_calls().len()), (&expected, 0));
        sim.shutdown().await;
    }
}
