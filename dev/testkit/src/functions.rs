//! Lambda's Invoke on the wire, with functions that are closures.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::failure::Failure;
use futures::future::{BoxFuture, FutureExt as _};
use runtime::Invoker;
use serde_json::{Value, json};

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync>;

#[derive(Default)]
struct Inner {
    handlers: HashMap<String, Handler>,
    calls: Vec<(String, Value)>,
}

/// Functions that our [`Invoker`] can call. They answer and fail as Lambda tells it.
#[derive(Clone)]
pub struct Functions {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Functions {
    /// No functions yet.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let functions = Self { url: format!("http://{}", listener.local_addr().unwrap()), inner: Arc::default() };
        let app = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .with_state(Arc::clone(&functions.inner));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        functions
    }

    /// Adds a function, or replaces it.
    pub fn on<F, Answer>(&self, name: &str, function: F)
    where
        F: Fn(Value) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| function(request).boxed());
        self.lock().handlers.insert(name.to_owned(), handler);
    }

    /// Adds a function that always answers the same.
    pub fn answering(&self, name: &str, answer: Value) {
        self.on(name, move |_| std::future::ready(Ok(answer.clone())));
    }

    /// What a function was called with so far.
    pub fn calls(&self, name: &str) -> Vec<Value> {
        self.lock().calls.iter().filter(|(called, _)| called == name).map(|(_, request)| request.clone()).collect()
    }

    /// Our client of them.
    pub fn invoker(&self, aws: &SdkConfig) -> Invoker {
        Invoker::from_config(&aws.to_builder().endpoint_url(&self.url).build())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn invoke(State(inner): State<Arc<Mutex<Inner>>>, Path(name): Path<String>, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap();
    let handler = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.calls.push((name.clone(), request.clone()));
        inner.handlers.get(&name).cloned()
    };
    let Some(handler) = handler else {
        let header = [("x-amzn-errortype", "ResourceNotFoundException")];
        return (StatusCode::NOT_FOUND, header, json!({ "Message": name }).to_string()).into_response();
    };
    match handler(request).await {
        Ok(answer) => answer.to_string().into_response(),
        Err(Failure { kind, message }) => {
            let error = json!({ "errorType": kind.as_str(), "errorMessage": message });
            ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response()
        }
    }
}
