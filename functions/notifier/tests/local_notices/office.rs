//! The function between a queue and the outside.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::types::Message;
use axum::Router;
use axum::http::StatusCode;
use domain::Timestamp;
use domain::gate::{Gate, GateKind};
use domain::ids::WorkflowId;
use domain::outbox::{OutboxChannel, OutboxPointer};
use domain::spec::FileAction;
use domain::workflow::Workflow;
use flux_lens_sim::{Running, Status};
use notifier::{Access, Aws, Config, Mailer, Notifier, handle};
use runtime::Secrets;
use secrecy::SecretString;
use serde_json::json;
use testkit::sample::{now, sha, ticket};
use testkit::{Functions, World};
use tickets::flux_lens::{FluxLens, RetryPolicy};

pub(crate) const BASE: &str = "https://pi.example/live";

/// How many messages tell of a plan.
pub(crate) const PLAN: usize = 3;

pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) tracker: Running,
    pub(crate) config: Config,
    pub(crate) queue: String,
}

impl Office {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        functions.serve_links(&world, now());
        let tracker = flux_lens_sim::start(flux_lens_sim::Config::default()).await.unwrap();
        let tracked = json!({ "id": "FL-1", "title": "Keep sessions for 30 minutes", "repository": "acme/web" });
        tracker.create(serde_json::from_value(tracked).unwrap()).unwrap();
        let config = config(&world, &tracker);
        let queue = world.queue().await;
        Self { world, functions, tracker, config, queue }
    }

    /// A workflow whose SPEC waits for ann, bob and rita. Three messages tell of it.
    pub(crate) async fn planned(&self) -> (Workflow, Gate) {
        let workflow = self.world.planned(&ticket("FL-1"), &sha("a"), &[("src/app.js", FileAction::Modify)]).await;
        let gate = self.world.open(&workflow, GateKind::Spec).await;
        (workflow, gate)
    }

    /// A workflow whose pull request waits for them. Two messages tell of it.
    pub(crate) async fn published(&self) -> Workflow {
        let workflow = self.world.published(&ticket("FL-1"), &sha("b")).await;
        self.world.open(&workflow, GateKind::Pr).await;
        workflow
    }

    /// Puts a pointer to every message of a workflow on the queue.
    pub(crate) async fn announce(&self, id: &WorkflowId) {
        self.announce_from(id, 0).await;
    }

    /// Leaves so many out.
    pub(crate) async fn announce_from(&self, id: &WorkflowId, skip: usize) {
        let rows = self.world.store.outbox(id).await.unwrap().into_iter();
        // What is for the state machine goes to another queue, and there is no Slack here.
        let elsewhere = [OutboxChannel::Delivery, OutboxChannel::Slack];
        for row in rows.filter(|row| !elsewhere.contains(&row.channel)).skip(skip) {
            self.put(&serde_json::to_string(&OutboxPointer { workflow_id: id.clone(), seq: row.seq }).unwrap()).await;
        }
    }

    pub(crate) async fn put(&self, body: &str) {
        self.world.queues().send_message().queue_url(&self.queue).message_body(body).send().await.unwrap();
    }

    /// The function as it is deployed.
    pub(crate) fn notifier(&self) -> Notifier<Aws> {
        self.notifier_by(&self.world.aws)
    }

    /// The same with SES elsewhere.
    pub(crate) fn notifier_by(&self, ses: &SdkConfig) -> Notifier<Aws> {
        let state = Aws {
            store: self.world.store.clone(),
            gates: self.world.gates.clone(),
            objects: self.world.objects.clone(),
            invoker: self.functions.invoker(&self.world.aws),
            links_function: self.config.approval_links_function.clone(),
            slack_queue: self.config.slack.as_ref().map(|slack| (self.world.queues(), slack.queue_url.clone())),
        };
        let mailer = Mailer::new(aws_sdk_sesv2::Client::new(ses), self.config.mail_from.clone());
        Notifier::new(state, mailer, self.config.public_base_url.clone(), self.config.slack_channel())
    }

    pub(crate) async fn access(&self) -> Access {
        self.config.access(&Secrets::from_config(&self.world.aws), &self.world.store).await.unwrap()
    }

    /// One round of deliveries by the function as it is deployed. Answers how many messages stay on the queue.
    pub(crate) async fn deliver(&self) -> usize {
        self.deliver_by(&self.notifier(), now).await
    }

    /// One batch, as Lambda delivers it: what is not in the answer is deleted, and the rest comes again. Its time on
    /// the queue is over at once.
    pub(crate) async fn deliver_by(&self, notifier: &Notifier<Aws>, now: fn() -> Timestamp) -> usize {
        let messages = self.receive().await;
        let failed = self.invoke(notifier, &messages, now).await;
        let queues = self.world.queues();
        for message in messages {
            let receipt = message.receipt_handle.unwrap();
            if failed.contains(message.message_id.as_ref().unwrap()) {
                let call = queues.change_message_visibility().queue_url(&self.queue).receipt_handle(receipt);
                call.visibility_timeout(0).send().await.unwrap();
            } else {
                queues.delete_message().queue_url(&self.queue).receipt_handle(receipt).send().await.unwrap();
            }
        }
        failed.len()
    }

    /// What can be received now, and is not to be received by another for a while.
    pub(crate) async fn receive(&self) -> Vec<Message> {
        self.receive_within(0).await
    }

    /// What can be received within some seconds.
    pub(crate) async fn receive_within(&self, seconds: i32) -> Vec<Message> {
        let call = self.world.queues().receive_message().queue_url(&self.queue).max_number_of_messages(10);
        call.visibility_timeout(60).wait_time_seconds(seconds).send().await.unwrap().messages.unwrap_or_default()
    }

    /// Hands messages to the function. Answers the ids of the failed ones.
    pub(crate) async fn invoke(
        &self,
        notifier: &Notifier<Aws>,
        messages: &[Message],
        now: fn() -> Timestamp,
    ) -> Vec<String> {
        let mut event = SqsEvent::default();
        for received in messages {
            let mut message = SqsMessage::default();
            message.message_id.clone_from(&received.message_id);
            message.body.clone_from(&received.body);
            message.receipt_handle.clone_from(&received.receipt_handle);
            event.records.push(message);
        }
        let response = handle(notifier, &self.access().await, event, now).await;
        response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect()
    }

    /// Whether every message of a workflow is marked as sent.
    pub(crate) async fn all_sent(&self, id: &WorkflowId) -> bool {
        let ours = |row: &&store::OutboxRow| matches!(row.channel, OutboxChannel::Email | OutboxChannel::Ticket);
        self.world.store.outbox(id).await.unwrap().iter().filter(ours).all(|row| row.sent_at.is_some())
    }

    pub(crate) fn status(&self) -> Status {
        self.tracker.state().ticket("FL-1").unwrap().status
    }

    pub(crate) fn comments(&self) -> Vec<String> {
        let state = self.tracker.state();
        state.ticket("FL-1").unwrap().comments.iter().map(|comment| comment.body.clone()).collect()
    }

    /// Who was mailed, sorted.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let mut to: Vec<_> = self.world.mails().into_iter().map(|mail| mail.to).collect();
        to.sort();
        to
    }
}

pub(crate) const APPROVERS: [&str; 3] = ["ann@acme.example", "bob@acme.example", "rita@acme.example"];

fn config(world: &World, tracker: &Running) -> Config {
    let quick = RetryPolicy { repeats: 1, first_pause: Duration::from_millis(1), ..RetryPolicy::default() };
    Config {
        state_table: world.names.state.clone(),
        gates_table: world.names.gates.clone(),
        audit_table: world.names.audit.clone(),
        bucket: world.names.bucket.clone(),
        public_base_url: BASE.to_owned(),
        mail_from: world.sender(),
        approval_links_function: Functions::LINKS.to_owned(),
        flux_lens: FluxLens::new(&tracker.base_url(), SecretString::default()).unwrap().with_retry(quick),
        slack: None,
        flux_lens_token_secret_arn: world.secret(&json!({ "token": "flux-lens-sim-token" })),
    }
}

/// An SES that is broken.
pub(crate) async fn broken_ses(world: &World) -> SdkConfig {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    world.aws.to_builder().endpoint_url(url).retry_config(RetryConfig::disabled()).build()
}
