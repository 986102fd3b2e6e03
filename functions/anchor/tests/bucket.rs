//! The real S3 client against a server that keeps objects as a bucket with Object Lock does: it wants a checksum, and
//! writes over nothing when it is asked not to.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anchor::{Kept, anchor};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use domain::ids::{Generation, TicketKey, WorkflowId};
use domain::{Digest, Timestamp};
use serde_json::{Value, json};
use store::{Anchors, keys};

/// A bucket.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    /// Keys that contain this are answered with that status.
    fault: Arc<Mutex<Option<(&'static str, u16)>>>,
}

impl Bucket {
    async fn anchors(&self) -> Anchors {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/audit/{*key}", axum::routing::any(call)).with_state(self.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .force_path_style(true)
            .endpoint_url(&base)
            .build();
        Anchors::new(aws_sdk_s3::Client::from_conf(config), "audit")
    }

    fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }
}

async fn call(
    State(bucket): State<Bucket>,
    Path(key): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    let error = |status: u16, code: &str| {
        let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        (StatusCode::from_u16(status).unwrap(), Bytes::from(body))
    };
    if let Some((part, status)) = *bucket.fault.lock().unwrap()
        && key.contains(part)
    {
        return error(status, if status == 403 { "AccessDenied" } else { "SlowDown" });
    }
    let mut objects = bucket.objects.lock().unwrap();
    if method == Method::GET {
        return objects.get(&key).map_or_else(|| error(404, "NoSuchKey"), |bytes| (StatusCode::OK, bytes.clone()));
    }
    assert_eq!((method, headers.get("if-none-match").unwrap().to_str().unwrap()), (Method::PUT, "*"));
    if !headers.keys().any(|name| name.as_str().starts_with("x-amz-checksum-")) {
        return error(400, "InvalidRequest");
    }
    if objects.contains_key(&key) {
        return error(412, "PreconditionFailed");
    }
    objects.insert(key, body);
    (StatusCode::OK, Bytes::new())
}

fn id() -> WorkflowId {
    WorkflowId::derive(&TicketKey::flux_lens("7"), Generation::FIRST)
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn batch(heads: impl IntoIterator<Item = (u64, &'static str)>) -> Value {
    let records = heads.into_iter().map(|(seq, content)| {
        let (pk, sk) = (json!({ "S": keys::workflow(&id()) }), json!({ "S": keys::META }));
        let hash = Digest::of(content).to_string();
        json!({ "eventName": "MODIFY", "dynamodb": { "Keys": { "pk": pk, "sk": sk }, "NewImage": {
            "pk": pk, "sk": sk, "id": { "S": id().as_str() }, "updated_at": { "S": now().to_string() },
            "audit": { "M": { "seq": { "N": seq.to_string() }, "hash": { "S": hash } } },
        } } })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_head_is_written_once_and_a_replay_changes_nothing() {
    let bucket = Bucket::default();
    let anchors = bucket.anchors().await;
    let first = anchor(&anchors, batch([(1, "a"), (2, "b")]), now()).await.unwrap();
    assert_eq!(first, Kept { written: 2, ..Kept::default() });
    let before = bucket.objects.lock().unwrap().clone();
    let again = anchor(&anchors, batch([(1, "a"), (2, "b"), (3, "c")]), now()).await.unwrap();
    assert_eq!(again, Kept { written: 1, known: 2, refused: 0 });
    let (first, second) = (keys::anchors::anchor(&id(), 1), keys::anchors::anchor(&id(), 2));
    assert_eq!(bucket.keys(), [first.clone(), second, keys::anchors::anchor(&id(), 3)]);
    let after = bucket.objects.lock().unwrap().clone();
    assert!(before.iter().all(|(key, bytes)| after[key] == bytes));
    let written: Value = serde_json::from_slice(&after[&first]).unwrap();
    let expected = json!({ "workflow_id": id(), "seq": 1, "hash": Digest::of("a"), "at": now() });
    assert_eq!(written, expected);
}

#[tokio::test]
async fn another_head_in_the_place_of_one_is_refused_and_the_rest_goes_on() {
    let bucket = Bucket::default();
    let anchors = bucket.anchors().await;
    anchor(&anchors, batch([(1, "a")]), now()).await.unwrap();
    bucket.objects.lock().unwrap().insert(keys::anchors::anchor(&id(), 2), Bytes::from("nonsense"));
    let before = bucket.objects.lock().unwrap().clone();
    let kept = anchor(&anchors, batch([(1, "forged"), (2, "b"), (3, "c")]), now()).await.unwrap();
    assert_eq!(kept, Kept { written: 1, known: 0, refused: 2 });
    let after = bucket.objects.lock().unwrap().clone();
    assert!(before.iter().all(|(key, bytes)| after[key] == bytes), "what is there stays");
}

#[tokio::test]
async fn a_head_that_s3_does_not_take_fails_the_batch_and_holds_up_no_other() {
    let bucket = Bucket::default();
    let anchors = bucket.anchors().await;
    for (status, kind) in [(503, "Transient"), (403, "Internal")] {
        *bucket.fault.lock().unwrap() = Some(("0000000002", status));
        let failed = anchor(&anchors, batch([(1, "a"), (2, "b"), (3, "c")]), now()).await.unwrap_err();
        assert_eq!(failed.0.kind.as_str(), kind);
        assert_eq!(bucket.keys().len(), 2, "the others are written");
    }
    *bucket.fault.lock().unwrap() = None;
    let kept = anchor(&anchors, batch([(1, "a"), (2, "b"), (3, "c")]), now()).await.unwrap();
    assert_eq!(kept, Kept { written: 1, known: 2, refused: 0 });
}
