//! The real SQS client against a server that speaks SQS's JSON protocol and keeps the messages.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, routing::post};
use domain::ids::{Generation, TicketKey, WorkflowId};
use router::{Config, Queues, route};
use serde_json::{Value, json};

/// What the next calls answer: refused message ids, or a status for the whole call.
enum Fault {
    Refuse(Vec<&'static str>),
    Status(u16),
}

#[derive(Clone, Default)]
struct Sqs {
    faults: Arc<Mutex<VecDeque<Fault>>>,
    queued: Arc<Mutex<Vec<(String, u64)>>>,
    calls: Arc<Mutex<usize>>,
}

impl Sqs {
    async fn queues(&self) -> Queues {
        self.queues_with(true).await
    }

    async fn queues_with(&self, has_slack: bool) -> Queues {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/", post(call)).with_state(self.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .endpoint_url(&base)
            .build();
        let client = aws_sdk_sqs::Client::from_conf(config);
        Queues::new(
            client,
            Config {
                ticket_queue_url: format!("{base}/ticket"),
                email_queue_url: format!("{base}/email"),
                slack_queue_url: has_slack.then(|| format!("{base}/slack")),
                delivery_queue_url: format!("{base}/delivery"),
            },
        )
    }

    fn queued(&self) -> Vec<(String, u64)> {
        let mut queued = self.queued.lock().unwrap().clone();
        queued.sort();
        queued
    }
}

async fn call(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["x-amz-target"], "AmazonSQS.SendMessageBatch");
    let body: Value = serde_json::from_slice(&body).unwrap();
    *sqs.calls.lock().unwrap() += 1;
    let refused = match sqs.faults.lock().unwrap().pop_front() {
        Some(Fault::Status(status)) => {
            let problem = json!({"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "no"});
            return (StatusCode::from_u16(status).unwrap(), Json(problem));
        }
        Some(Fault::Refuse(ids)) => ids,
        None => vec![],
    };
    let queue = body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let entries = body["Entries"].as_array().unwrap();
    assert!(entries.len() <= 10);
    let (mut successful, mut failed) = (vec![], vec![]);
    for entry in entries {
        let id = entry["Id"].as_str().unwrap();
        if refused.contains(&id) {
            failed.push(json!({"Id": id, "SenderFault": false, "Code": "InternalError"}));
            continue;
        }
        let text = entry["MessageBody"].as_str().unwrap();
        let pointer: Value = serde_json::from_str(text).unwrap();
        sqs.queued.lock().unwrap().push((queue.clone(), pointer["seq"].as_u64().unwrap()));
        successful.push(json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "0"}));
    }
    (StatusCode::OK, Json(json!({"Successful": successful, "Failed": failed})))
}

fn batch(rows: impl IntoIterator<Item = (u64, &'static str)>) -> Value {
    let id = WorkflowId::derive(&TicketKey::flux_lens("7"), Generation::FIRST);
    let records = rows.into_iter().map(|(seq, channel)| {
        json!({"eventName": "INSERT", "dynamodb": {"NewImage": {
            "pk": {"S": format!("WF#{id}")}, "sk": {"S": format!("OUTBOX#{seq:010}")},
            "workflow_id": {"S": id.as_str()}, "seq": {"N": seq.to_string()}, "channel": {"S": channel},
        }}})
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[tokio::test]
async fn each_message_goes_to_the_queue_of_its_channel() {
    let sqs = Sqs::default();
    let queues = sqs.queues().await;
    let rows = [(1, "ticket"), (2, "email"), (3, "ticket"), (4, "delivery"), (5, "slack")];
    let routed = route(&queues, batch(rows)).await.unwrap();
    assert_eq!(routed.queued, 5);
    let to = |queue: &str, seq| (queue.to_owned(), seq);
    let sent = [to("delivery", 4), to("email", 2), to("slack", 5), to("ticket", 1), to("ticket", 3)];
    assert_eq!(sqs.queued(), sent);
}

#[tokio::test]
async fn what_is_for_slack_stays_where_there_is_none() {
    let sqs = Sqs::default();
    let queues = sqs.queues_with(false).await;
    let routed = route(&queues, batch([(1, "slack"), (2, "email")])).await.unwrap();
    assert_eq!((routed.queued, sqs.queued()), (1, vec![("email".to_owned(), 2)]));
}

#[tokio::test]
async fn a_large_batch_is_cut_and_nothing_is_called_for_an_empty_one() {
    let sqs = Sqs::default();
    let queues = sqs.queues().await;
    route(&queues, batch((1..=23).map(|seq| (seq, "ticket")))).await.unwrap();
    assert_eq!((sqs.queued().len(), *sqs.calls.lock().unwrap()), (23, 3));
    route(&queues, json!({"Records": [{"eventName": "INSERT"}]})).await.unwrap();
    assert_eq!(*sqs.calls.lock().unwrap(), 3);
}

#[tokio::test]
async fn what_sqs_refused_is_sent_again_and_only_that() {
    let sqs = Sqs::default();
    let queues = sqs.queues().await;
    sqs.faults.lock().unwrap().push_back(Fault::Refuse(vec!["1"]));
    sqs.faults.lock().unwrap().push_back(Fault::Refuse(vec!["0"]));
    route(&queues, batch([(1, "ticket"), (2, "ticket"), (3, "ticket")])).await.unwrap();
    assert_eq!(sqs.queued().iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_message_that_stays_refused_fails_the_batch() {
    let sqs = Sqs::default();
    let queues = sqs.queues().await;
    sqs.faults.lock().unwrap().push_back(Fault::Status(403));
    let failed = route(&queues, batch([(1, "email")])).await.unwrap_err();
    assert_eq!(failed.0.kind.as_str(), "Transient");
    assert_eq!(*sqs.calls.lock().unwrap(), 1);
    sqs.faults.lock().unwrap().extend((0..9).map(|_| Fault::Refuse(vec!["0"])));
    route(&queues, batch([(1, "email")])).await.unwrap_err();
    assert_eq!(*sqs.calls.lock().unwrap(), 1 + 4, "the first try and three repeats");
}
