//! An object store for one run: whatever is put can be got.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

pub(crate) struct Store {
    address: String,
    objects: Objects,
}

impl Store {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let objects = Objects::default();
        let routes = Router::new()
            .route("/{name}", get(read).put(write))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&objects));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, objects })
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.into());
    }

    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

async fn read(State(objects): State<Objects>, Path(name): Path<String>) -> Result<Bytes, StatusCode> {
    objects.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn write(State(objects): State<Objects>, Path(name): Path<String>, body: Bytes) {
    objects.lock().unwrap_or_else(PoisonError::into_inner).insert(name, body);
}
