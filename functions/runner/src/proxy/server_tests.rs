use std::sync::Mutex;

use axum::extract::Request;
use domain::budget::{Budget, Prices};
use serde_json::{Value, json};

use super::*;
use crate::proxy::upstream::http::HttpUpstream;

/// A provider that answers from a list, and remembers what it was asked.
#[derive(Clone, Default)]
struct Provider {
    answers: Arc<Mutex<Vec<Answer>>>,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

enum Answer {
    Status(u16, &'static str),
    Events(Vec<Value>),
    /// The events, then nothing, with the connection kept open.
    Hang(Vec<Value>),
}

impl Provider {
    async fn start(self) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().fallback(Self::answer).with_state(self);
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        format!("http://{address}")
    }

    async fn answer(State(provider): State<Self>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await.unwrap();
        provider.seen.lock().unwrap().push((parts.headers, serde_json::from_slice(&body).unwrap()));
        let answer = provider.answers.lock().unwrap().remove(0);
        let text = |events: Vec<Value>| -> String {
            events.iter().flat_map(|event| ["data: ".to_owned(), event.to_string(), "\n\n".to_owned()]).collect()
        };
        match answer {
            Answer::Status(status, body) => {
                (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], body).into_response()
            }
            Answer::Events(events) => text(events).into_response(),
            Answer::Hang(events) => {
                let first = futures::stream::iter([Ok::<_, std::io::Error>(text(events))]);
                Body::from_stream(first.chain(futures::stream::pending())).into_response()
            }
        }
    }
}

struct World {
    provider: Provider,
    proxy: ModelProxy,
    base_url: String,
    meter: Meter,
    protocol: Protocol,
}

const BUDGET: Budget = Budget { max_tokens: 1_000, max_micro_usd: 1_000_000, max_turns: 3 };

impl World {
    async fn new(protocol: Protocol, budget: Budget, answers: Vec<Answer>) -> Self {
        let provider = Provider { answers: Arc::new(Mutex::new(answers)), ..Provider::default() };
        let url = provider.clone().start().await;
        let key = "the-real-key".to_owned().into();
        let upstream = Upstream::Http(HttpUpstream::new(protocol, &url, key).unwrap());
        let meter = Meter::new(Prices { input: 1_000_000, cached_input: 0, output: 1_000_000 }, budget);
        let retry =
            RetryPolicy { repeats: 2, first_pause: Duration::from_millis(1), longest_pause: Duration::from_millis(5) };
        let config = ProxyConfig { protocol, model: "m".to_owned(), upstream, meter: meter.clone(), retry };
        let mut proxy = ModelProxy::new(config);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = proxy.base_url(listener.local_addr().unwrap().port());
        proxy.serve(listener).unwrap();
        Self { provider, proxy, base_url, meter, protocol }
    }

    async fn anthropic(answers: Vec<Answer>) -> Self {
        Self::new(Protocol::Anthropic, BUDGET, answers).await
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let path = match self.protocol {
            Protocol::Anthropic => "/v1/messages?beta=true",
            Protocol::Openai => "/chat/completions",
        };
        let url = format!("{}{path}", self.base_url);
        reqwest::Client::new().post(url).json(&json!({"model": "m", "stream": true, "max_tokens": 9, "messages": []}))
    }

    async fn ask(&self) -> (u16, String) {
        let response = self.request().header("x-api-key", self.proxy.key()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    fn seen(&self) -> Vec<(HeaderMap, Value)> {
        self.provider.seen.lock().unwrap().clone()
    }
}

fn start(input: u64) -> Value {
    json!({"type": "message_start", "message": {"usage": {"input_tokens": input, "output_tokens": 1}}})
}

fn text(text: &str) -> Value {
    json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}})
}

fn end(output: u64) -> Value {
    json!({"type": "message_delta", "usage": {"output_tokens": output}})
}

#[tokio::test]
async fn an_answer_is_passed_on_and_counted_and_the_credential_is_added() {
    let world = World::anthropic(vec![Answer::Events(vec![start(10), text("hi"), end(5)])]).await;
    let (status, body) = world.ask().await;
    assert_eq!(status, 200);
    assert!(body.contains("hi") && body.ends_with("\n\n"), "{body}");
    let usage = world.meter.state().usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.turns, usage.micro_usd), (10, 5, 1, 15));
    let (headers, _) = &world.seen()[0];
    assert_eq!(headers["x-api-key"], "the-real-key");
    assert!(!headers.iter().any(|(_, value)| value == world.proxy.key()));
}

#[tokio::test]
async fn openai_is_spoken_too() {
    let answer = vec![
        json!({"choices": [{"delta": {"content": "hi"}}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}),
    ];
    let world = World::new(Protocol::Openai, BUDGET, vec![Answer::Events(answer)]).await;
    let response = world.request().bearer_auth(world.proxy.key()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("hi"));
    assert_eq!(world.meter.state().usage.total_tokens(), 15);
    let (headers, body) = &world.seen()[0];
    assert_eq!(headers["authorization"], "Bearer the-real-key");
    assert_eq!(body["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn strangers_and_other_paths_get_nothing() {
    let world = World::anthropic(vec![]).await;
    for key in ["", "wrong", "the-real-key"] {
        assert_eq!(world.request().header("x-api-key", key).send().await.unwrap().status(), 401);
    }
    assert_eq!(world.request().send().await.unwrap().status(), 401);
    let client = reqwest::Client::new();
    for path in ["/v1/models", "/v1/files", "/v1/chat/completions", "/"] {
        let url = format!("{}{path}", world.base_url);
        assert_eq!(client.post(&url).header("x-api-key", world.proxy.key()).send().await.unwrap().status(), 404);
    }
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn passing_failures_are_repeated_before_the_answer_begins() {
    let answers = vec![
        Answer::Status(529, "overloaded"),
        Answer::Status(429, "slow down"),
        Answer::Events(vec![start(1), end(1)]),
    ];
    let world = World::anthropic(answers).await;
    assert_eq!(world.ask().await.0, 200);
    assert_eq!((world.seen().len(), world.meter.state().usage.turns), (3, 1));
    assert_eq!(world.meter.state().failure, None);
}

#[tokio::test]
async fn a_lasting_failure_is_told_in_the_protocols_form_without_the_key() {
    let refusal = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    let world = World::anthropic(vec![Answer::Status(401, refusal)]).await;
    let (status, body) = world.ask().await;
    assert_eq!(status, 401);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["error"]["message"], "the model provider answered 401: invalid x-api-key");
    assert_eq!(world.meter.state().usage.turns, 0, "an answer that never began costs nothing");
    assert!(world.meter.state().failure.unwrap().contains("401"));
}

#[tokio::test]
async fn the_number_of_calls_is_limited() {
    let answers = (0..3).map(|_| Answer::Events(vec![start(1), end(1)])).collect();
    let world = World::anthropic(answers).await;
    for _ in 0..3 {
        assert_eq!(world.ask().await.0, 200);
    }
    let (status, body) = world.ask().await;
    assert_eq!(status, 403);
    assert!(body.contains("3 of 3 model calls made"), "{body}");
    assert_eq!(world.seen().len(), 3);
    assert_eq!(world.meter.state().cut_off.as_deref(), Some("3 of 3 model calls made"));
}

#[tokio::test]
async fn a_running_answer_is_cut_at_the_budget() {
    let budget = Budget { max_tokens: 100, ..BUDGET };
    let endless = vec![start(10), text(&"x".repeat(200)), text(&"y".repeat(200)), text("never seen")];
    let world = World::new(Protocol::Anthropic, budget, vec![Answer::Hang(endless)]).await;
    let (status, body) = world.ask().await;
    assert_eq!(status, 200);
    assert!(body.contains("out of budget") && !body.contains("never seen"), "{body}");
    assert!(world.meter.state().usage.total_tokens() >= 100);
    assert_eq!(world.ask().await.0, 403);
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_charged_for_what_came() {
    let world = World::anthropic(vec![Answer::Hang(vec![start(10), text("abcd")])]).await;
    let mut response = world.request().header("x-api-key", world.proxy.key()).send().await.unwrap();
    while !String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()).contains("abcd") {}
    let mut state = world.meter.subscribe();
    drop(response);
    let charged = tokio::time::timeout(Duration::from_secs(10), state.wait_for(|state| state.usage.turns == 1)).await;
    assert_eq!(charged.unwrap().unwrap().usage.total_tokens(), 12);
}
