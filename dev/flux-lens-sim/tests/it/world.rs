//! A running tracker, a receiver of its webhooks, and a plain client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use flux_lens_sim::signing::{Scheme, Secret};
use flux_lens_sim::{Config, Delivery, DeliveryState, Endpoint, NewTicket, RetryPolicy, Running, start};
use jiff::Timestamp;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

/// A webhook as it arrived.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers 202, or first what it was told to.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    async fn listen(&self) -> String {
        async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
            receiver.received.lock().unwrap().push(Received { headers, body });
            let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(202);
            (StatusCode::from_u16(status).unwrap(), "seen")
        }
        let router = axum::Router::new().route("/hook", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        url
    }
}

pub(crate) struct World {
    pub(crate) sim: Running,
    pub(crate) http: Client,
    pub(crate) receiver: Receiver,
}

pub(crate) fn keys() -> Vec<Secret> {
    vec![Secret::from_bytes("new key"), Secret::from_bytes("old key")]
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A tracker that delivers to a receiver, with two quick retries.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let receiver = Receiver::default();
        let webhook = Endpoint { url: receiver.listen().await, scheme: Scheme::Standard, secrets: keys() };
        let mut config = Config {
            webhook: Some(webhook),
            retry: RetryPolicy { delays: vec![Duration::from_millis(1); 2], timeout: LIMIT },
            clock: Arc::new(|| NOW.parse::<Timestamp>().unwrap()),
            ..Config::default()
        };
        adjust(&mut config);
        let http = Client::builder().no_proxy().build().unwrap();
        Self { sim: start(config).await.unwrap(), http, receiver }
    }

    /// Creates the ticket FL-1.
    pub(crate) fn ticket(&self) {
        self.sim.create(new_ticket()).unwrap();
    }

    /// Waits until `count` deliveries are over, and returns them.
    pub(crate) async fn settled(&self, count: usize) -> Vec<Delivery> {
        let over = |delivery: &Delivery| delivery.state != DeliveryState::Pending;
        let settled = self.sim.until(LIMIT, |state| state.deliveries.iter().filter(|one| over(one)).count() >= count);
        settled.await.unwrap().deliveries
    }

    /// A call of the REST API or, without the token, of the control API.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.sim.base_url()));
        if !path.starts_with("/_sim/") {
            request = request.bearer_auth("flux-lens-sim-token");
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
        let response = self.call(method, path, body).await;
        let answered = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(answered, status, "{text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

pub(crate) fn new_ticket() -> NewTicket {
    serde_json::from_value(json!({
        "id": "FL-1",
        "version": 3,
        "updated_at": "2026-11-20T09:00:00Z",
        "title": "Sessions expire too early",
        "description": "See `session.js`.",
        "url": "https://flux-lens.example/tickets/FL-1",
        "labels": ["bug"],
        "reporter": {"id": "u-1", "email": "ann@acme.example"},
        "repository": "acme/shop",
    }))
    .unwrap()
}
