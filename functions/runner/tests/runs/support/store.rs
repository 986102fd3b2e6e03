//! An object store as presigned URLs show it, and Secrets Manager's one call that the runner makes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::json;

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

pub(crate) struct Store {
    objects: Objects,
    pub(crate) address: String,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let objects = Objects::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/", post(secret))
            .route("/objects/{name}", get(read).put(write))
            .layer(DefaultBodyLimit::max(100_000_000))
            .with_state(Arc::clone(&objects));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { objects, address }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/objects/{name}?X-Amz-Signature=presigned", self.address)
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.objects.lock().unwrap().insert(name.to_owned(), bytes.into());
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.objects.lock().unwrap().get(name).map(|bytes| bytes.to_vec())
    }
}

async fn read(State(objects): State<Objects>, Path(name): Path<String>) -> Result<Bytes, StatusCode> {
    objects.lock().unwrap().get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn write(State(objects): State<Objects>, Path(name): Path<String>, body: Bytes) {
    objects.lock().unwrap().insert(name, body);
}

async fn secret() -> axum::Json<serde_json::Value> {
    let secret = json!({"api_key": super::MODEL_KEY}).to_string();
    axum::Json(json!({"ARN": "arn:secret", "Name": "model", "SecretString": secret}))
}
