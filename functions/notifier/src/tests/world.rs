//! Everything around the notifier.

mod slack_rows;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::{BehaviorVersion, Credentials, Region};
use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use domain::audit::AuditEntry;
use domain::failure::{Failure, FailureKind};
use domain::gate::Gate;
use domain::gate::requests::{MintedCode, MintedLink};
use domain::ids::{Attempt, GateId, Generation, Revision, TicketKey, WorkflowId};
use domain::outbox::{OutboxChannel, OutboxMessage, OutboxPointer};
use domain::person::Person;
use domain::qa::QaReport;
use domain::spec::Spec;
use domain::ticket::Ticket;
use domain::workflow::{Event, Workflow};
use domain::{Digest, Timestamp};
use flux_lens_sim::{Config, Running, Status};
use serde_json::{Value, json};
use slack::Slack;
use slack_sim::{CHANNEL, Slack as Sim, TEAM, TOKEN};
use store::{OutboxRow, SlackThread, StoreError};
use tickets::flux_lens::{FluxLens, RetryPolicy};

use crate::facts::State;
use crate::testing::{Story, now, qa, spec};
use crate::{Access, Mailer, Notifier, SlackChannel, handle};

/// Rows in memory, with the leases and marks of the real ones.
#[derive(Clone)]
struct Memory(Arc<Mutex<Rows>>);

struct Rows {
    story: Option<Story>,
    outbox: BTreeMap<u64, Row>,
    links: usize,
    no_more_links: bool,
    ends_after_look: Option<Failure>,
    current: Option<WorkflowId>,
    thread: Option<SlackThread>,
    thread_is_held: bool,
    /// So many questions were posted in the hour, and whether its limit was told.
    hour: (u32, bool),
    /// What was told to come back later, seconds.
    postponed: Vec<u64>,
}

struct Row {
    row: OutboxRow,
    held: bool,
}

impl Rows {
    fn story(&self) -> &Story {
        self.story.as_ref().unwrap()
    }
}

impl State for Memory {
    async fn take(&self, pointer: &OutboxPointer, _: Timestamp) -> Result<Option<OutboxRow>, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let Some(row) = rows.outbox.get_mut(&pointer.seq) else { return Err(StoreError::NotFound("row".to_owned())) };
        if row.row.sent_at.is_some() {
            return Ok(None);
        }
        if row.held {
            return Err(StoreError::Conflict("row".to_owned()));
        }
        row.held = true;
        Ok(Some(row.row.clone()))
    }

    async fn mark_sent(&self, pointer: &OutboxPointer, now: Timestamp) -> Result<(), StoreError> {
        let mut rows = self.0.lock().unwrap();
        let row = rows.outbox.get_mut(&pointer.seq).unwrap();
        (row.row.sent_at, row.held) = (Some(now), false);
        Ok(())
    }

    async fn mark_sent_to(&self, pointer: &OutboxPointer, recipient: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().outbox.get_mut(&pointer.seq).unwrap().row.sent_to.insert(recipient.to_owned());
        Ok(())
    }

    async fn release(&self, pointer: &OutboxPointer) -> Result<(), StoreError> {
        self.0.lock().unwrap().outbox.get_mut(&pointer.seq).unwrap().held = false;
        Ok(())
    }

    async fn workflow(&self, _: &WorkflowId) -> Result<Workflow, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let workflow = rows.story().workflow.clone();
        if let Some(failure) = rows.ends_after_look.take() {
            rows.story = rows.story.take().map(|story| story.then(Event::Failed { failure }));
        }
        Ok(workflow)
    }

    async fn ticket(&self, _: &WorkflowId) -> Result<Ticket, StoreError> {
        Ok(self.0.lock().unwrap().story().ticket.clone())
    }

    async fn current(&self, _: &TicketKey) -> Result<Option<WorkflowId>, StoreError> {
        Ok(self.0.lock().unwrap().current.clone())
    }

    async fn trail(&self, _: &WorkflowId) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.0.lock().unwrap().story().trail.clone())
    }

    async fn gate(&self, id: &GateId) -> Result<Option<Gate>, StoreError> {
        let rows = self.0.lock().unwrap();
        let gate = rows.story().gate.clone().unwrap();
        // A story keeps its last gate; an earlier one was decided.
        if gate.id == *id {
            return Ok(Some(gate));
        }
        if let Some(gate) = rows.story().earlier.iter().find(|gate| gate.id == *id) {
            return Ok(Some(gate.clone()));
        }
        let story = Story::begin("Keep sessions").planned().decided(domain::gate::Verdict::Approve);
        Ok(story.gate.filter(|gate| gate.id == *id))
    }

    async fn spec(&self, _: &WorkflowId, _: Revision, digest: Digest) -> Result<Spec, StoreError> {
        let spec = spec(&self.0.lock().unwrap().story().workflow);
        assert_eq!(spec.digest().unwrap(), digest);
        Ok(spec)
    }

    async fn qa(&self, _: &WorkflowId, _: Attempt, _: Digest) -> Result<QaReport, StoreError> {
        Ok(qa(&self.0.lock().unwrap().story().workflow))
    }

    async fn mint_code(&self, _: Digest, number: u32) -> Result<MintedCode, Failure> {
        Ok(MintedCode { code: format!("{number:06}"), ends_at: now() })
    }

    async fn mint(&self, _: &GateId, _: &Person) -> Result<MintedLink, Failure> {
        let mut rows = self.0.lock().unwrap();
        if rows.no_more_links {
            return Err(Failure::new(FailureKind::Superseded, "the gate is no longer open"));
        }
        rows.links += 1;
        Ok(MintedLink { link_id: format!("link-{}", rows.links) })
    }
}

/// Mails as SES was asked to send them, and for whom it fails how often.
#[derive(Clone, Default)]
struct Ses {
    mails: Arc<Mutex<Vec<Value>>>,
    faults: Arc<Mutex<BTreeMap<String, usize>>>,
}

async fn send_email(AxumState(ses): AxumState<Ses>, Json(mail): Json<Value>) -> (StatusCode, Json<Value>) {
    let to = mail["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
    if let Some(left) = ses.faults.lock().unwrap().get_mut(&to).filter(|left| **left > 0) {
        *left -= 1;
        return (StatusCode::BAD_REQUEST, Json(json!({"__type": "MessageRejected", "message": "no such mailbox"})));
    }
    ses.mails.lock().unwrap().push(mail);
    (StatusCode::OK, Json(json!({"MessageId": "1"})))
}

impl Ses {
    async fn mailer(&self) -> Mailer {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/v2/email/outbound-emails", post(send_email)).with_state(self.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        let config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(base)
            .build();
        Mailer::new(aws_sdk_sesv2::Client::from_conf(config), "pi@acme.example".to_owned())
    }
}

fn rows_of(story: &Story) -> BTreeMap<u64, Row> {
    let row = |(seq, message): &(u64, OutboxMessage)| {
        let row = OutboxRow {
            workflow_id: story.workflow.id.clone(),
            seq: *seq,
            channel: message.channel,
            message: message.clone(),
            created_at: now(),
            sent_at: None,
            sent_to: std::collections::BTreeSet::new(),
        };
        (*seq, Row { row, held: false })
    };
    story.outbox.iter().map(row).collect()
}

pub(super) struct World {
    state: Memory,
    ses: Ses,
    pub(super) tracker: Running,
    pub(super) slack: Sim,
    notifier: Notifier<Memory>,
    access: Access,
}

impl World {
    pub(super) async fn of(story: Story) -> Self {
        let current = Some(story.workflow.id.clone());
        let outbox = rows_of(&story);
        let state = Memory(Arc::new(Mutex::new(Rows {
            story: Some(story),
            outbox,
            links: 0,
            no_more_links: false,
            ends_after_look: None,
            current,
            thread: None,
            thread_is_held: false,
            hour: (0, false),
            postponed: vec![],
        })));
        let tracker = flux_lens_sim::start(Config::default()).await.unwrap();
        let ticket = json!({"id": "FL-1", "title": "Keep sessions", "repository": "acme/shop"});
        tracker.create(serde_json::from_value(ticket).unwrap()).unwrap();
        let quick = RetryPolicy { repeats: 1, first_pause: Duration::from_millis(1), ..RetryPolicy::default() };
        let client = FluxLens::new(&tracker.base_url(), "flux-lens-sim-token".into()).unwrap().with_retry(quick);
        let ses = Ses::default();
        let channel = SlackChannel { team: TEAM.to_owned(), channel: CHANNEL.to_owned(), per_hour: 30 };
        let base_url = "https://pi.example/live".to_owned();
        let notifier = Notifier::new(state.clone(), ses.mailer().await, base_url, Some(channel));
        let slack = Sim::start(vec![]).await.unwrap();
        let access = Access { tracker: client, slack: Some(Ok(Slack::new(&slack.api_url(), TOKEN.into()).unwrap())) };
        Self { state, ses, tracker, slack, notifier, access }
    }

    /// The numbers of the rows for our queues.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let rows = &self.state.0.lock().unwrap().outbox;
        rows.iter().filter(|(_, row)| row.row.channel != OutboxChannel::Delivery).map(|(seq, _)| *seq).collect()
    }

    /// Delivers a message for every row, in order. Answers the failed items.
    pub(super) async fn notify_all(&self) -> Vec<String> {
        self.notify(&self.seqs()).await
    }

    /// Delivers messages one by one, so that a test's order is the order.
    pub(super) async fn notify(&self, seqs: &[u64]) -> Vec<String> {
        let workflow_id = self.state.0.lock().unwrap().story().workflow.id.clone();
        let mut failed = Vec::new();
        for seq in seqs {
            let pointer = OutboxPointer { workflow_id: workflow_id.clone(), seq: *seq };
            let body = serde_json::to_string(&pointer).unwrap();
            failed.extend(self.deliver(vec![(format!("m-{seq}"), body)]).await);
        }
        failed
    }

    pub(super) async fn deliver(&self, messages: Vec<(String, String)>) -> Vec<String> {
        let mut event = SqsEvent::default();
        for (id, body) in messages {
            let mut message = SqsMessage::default();
            message.receipt_handle = Some(format!("r-{id}"));
            (message.message_id, message.body) = (Some(id), Some(body));
            event.records.push(message);
        }
        let response = handle(&self.notifier, &self.access, event, now).await;
        response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect()
    }

    pub(super) fn ticket_status(&self) -> Status {
        self.tracker.state().ticket("FL-1").unwrap().status
    }

    pub(super) fn comments(&self) -> Vec<String> {
        let state = self.tracker.state();
        state.ticket("FL-1").unwrap().comments.iter().map(|comment| comment.body.clone()).collect()
    }

    pub(super) fn mails(&self) -> Vec<Value> {
        self.ses.mails.lock().unwrap().clone()
    }

    pub(super) fn recipients(&self) -> Vec<String> {
        let to = |mail: &Value| mail["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
        self.mails().iter().map(to).collect()
    }

    pub(super) fn everything_is_sent(&self) -> bool {
        self.state
            .0
            .lock()
            .unwrap()
            .outbox
            .values()
            .all(|row| row.row.channel == OutboxChannel::Delivery || row.row.sent_at.is_some() && !row.held)
    }

    pub(super) fn mail_fails_for(&self, address: &str, times: usize) {
        self.ses.faults.lock().unwrap().insert(address.to_owned(), times);
    }

    pub(super) fn tracker_fails(&self, status: u16, times: u32) {
        let fault = json!({"status": status, "times": times});
        self.tracker.inject(serde_json::from_value(fault).unwrap());
    }

    pub(super) fn hold(&self, seq: u64) {
        self.state.0.lock().unwrap().outbox.get_mut(&seq).unwrap().held = true;
    }

    pub(super) fn end_after_the_next_look(&self, failure: Failure) {
        self.state.0.lock().unwrap().ends_after_look = Some(failure);
    }

    /// `approvals` makes no links any more: the gate has closed.
    pub(super) fn no_more_links(&self) {
        self.state.0.lock().unwrap().no_more_links = true;
    }

    pub(super) fn start_a_later_workflow(&self) {
        let mut rows = self.state.0.lock().unwrap();
        let key = rows.story().ticket.key.clone();
        rows.current = Some(WorkflowId::derive(&key, Generation::new(2)));
    }
}
