//! A running simulator and a plain client.

use model_sim::{Config, Running, start};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) sim: Running,
    pub(crate) http: Client,
}

impl World {
    /// A simulator with one script, for prompts that contain `ticket: FL-1`.
    pub(crate) async fn with(script: &str) -> Self {
        let config =
            Config { clock: std::sync::Arc::new(|| "2026-11-22T10:00:00Z".parse().unwrap()), ..Config::default() };
        let sim = start(config).await.unwrap();
        sim.register("one", "ticket: FL-1", script).unwrap();
        Self { sim, http: Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.base_url())
    }

    pub(crate) fn anthropic(&self, body: &Value) -> RequestBuilder {
        let request = self.http.post(self.url("/v1/messages"));
        request.header("x-api-key", "model-sim-key").header("anthropic-version", "2023-06-01").json(body)
    }

    pub(crate) fn openai(&self, body: &Value) -> RequestBuilder {
        self.http.post(self.url("/v1/chat/completions")).bearer_auth("model-sim-key").json(body)
    }
}

/// A request of the coding agent's first turn, in the shape that both protocols share.
pub(crate) fn ask(stream: bool) -> Value {
    json!({
        "model": "scripted-model",
        "max_tokens": 1000,
        "stream": stream,
        "messages": [{"role": "user", "content": "Implement this.\nticket: FL-1\n"}],
    })
}

/// Adds a message to a request.
pub(crate) fn then(mut body: Value, message: Value) -> Value {
    body["messages"].as_array_mut().unwrap().push(message);
    body
}

/// One server-sent event: its name (empty if it has none) and its data.
pub(crate) type Sse = (String, String);

/// Reads a whole event stream, and whether it ended well.
pub(crate) async fn events(mut response: Response) -> (Vec<Sse>, bool) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut bytes = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    (parse(std::str::from_utf8(&bytes).unwrap()), whole)
}

pub(crate) fn parse(text: &str) -> Vec<Sse> {
    let field = |event: &str, name: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.collect::<Vec<_>>().join("\n")
    };
    text.split_terminator("\n\n").map(|event| (field(event, "event"), field(event, "data"))).collect()
}

/// The data of events, one a line, with the fields of JSON in alphabetical order.
pub(crate) fn canonical(events: &[Sse]) -> String {
    let lines = events.iter().map(|(_, data)| match serde_json::from_str::<Value>(data) {
        Ok(json) => serde_json_canonicalizer::to_string(&json).unwrap(),
        Err(_) => data.clone(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) async fn json_of(response: Response, status: u16) -> Value {
    let answered = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(answered, status, "{body}");
    body
}
