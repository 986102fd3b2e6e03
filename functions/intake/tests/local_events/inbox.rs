//! The function over one world, and what reaches it.

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::Digest;
use domain::Timestamp;
use domain::failure::Failure;
use domain::ids::{Generation, TicketKey, WorkflowId};
use domain::inbound::{GithubHint, INBOUND_VERSION, Inbound, InboundEvent};
use domain::steps::Done;
use domain::ticket::{Ticket, TicketEvent, TicketEventKind};
use domain::workflow::RoundLimits;
use intake::{Config, Context, process};
use testkit::sample::{at, now};
use testkit::{CodeHost, Functions, World};

pub(crate) struct Inbox {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) host: CodeHost,
    pub(crate) context: Context,
    machine: String,
}

impl Inbox {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        let host = CodeHost::start(&[("src/app.js", "one\n")]).await;
        host.serve_tokens(&functions);
        functions.serve_gates(&world, at(600));
        functions.answering(Functions::WORKFLOW, serde_json::to_value(Done::Done).unwrap());
        let machine = world.endless_machine().await;
        let context = context(&world, &world.aws, &functions, &host, &machine);
        Self { world, functions, host, context, machine }
    }

    /// The same rows, but Step Functions does not answer.
    pub(crate) fn cut_off(&self) -> Context {
        context(&self.world, &self.world.unreachable(), &self.functions, &self.host, &self.machine)
    }

    pub(crate) async fn deliver(&self, event: &InboundEvent, now: Timestamp) -> Result<(), Failure> {
        process(&self.context, event, now).await
    }

    /// Delivers a ticket's event under a new delivery id.
    pub(crate) async fn ticket(&self, kind: TicketEventKind, ticket: &Ticket) {
        let delivery = format!("flux-lens:{kind:?}-{}", ticket.version);
        self.deliver(&ticket_event(&delivery, kind, ticket), now()).await.unwrap();
    }

    /// Delivers a hint to look at a pull request, under a new delivery id.
    pub(crate) async fn hint(&self, delivery: u32, number: u64) {
        let hint = GithubHint {
            event: "pull_request".to_owned(),
            repository: "acme/web".parse().unwrap(),
            pull_request: Some(number),
            branch: None,
        };
        let event = event(&format!("github:{delivery}"), Inbound::GithubHint(hint));
        self.deliver(&event, at(600)).await.unwrap();
    }

    /// The names of all executions that were ever started.
    pub(crate) async fn executions(&self) -> Vec<String> {
        self.world.executions(&self.machine).await
    }

    /// The input of a workflow's execution.
    pub(crate) async fn input(&self, id: &WorkflowId) -> String {
        let arn = format!("{}:{id}", self.machine.replacen(":stateMachine:", ":execution:", 1));
        self.world.states().describe_execution().execution_arn(arn).send().await.unwrap().input.unwrap()
    }
}

fn context(
    world: &World,
    step_functions: &SdkConfig,
    functions: &Functions,
    host: &CodeHost,
    machine: &str,
) -> Context {
    Context {
        config: Config {
            state_machine: machine.to_owned(),
            approvals_function: Functions::APPROVALS.to_owned(),
            workflow_function: Functions::WORKFLOW.to_owned(),
            github_auth_function: Functions::GITHUB_AUTH.to_owned(),
            github_api_url: host.api_url(),
            limits: RoundLimits::default(),
        },
        store: world.store.clone(),
        gates: world.gates.clone(),
        sfn: aws_sdk_sfn::Client::new(step_functions),
        sqs: world.queues(),
        invoker: functions.invoker(&world.aws),
        host: github::Host::new(&host.api_url()).unwrap(),
    }
}

pub(crate) fn workflow_id(ticket: &str) -> WorkflowId {
    WorkflowId::derive(&TicketKey::flux_lens(ticket), Generation::FIRST)
}

pub(crate) fn ticket_event(delivery: &str, kind: TicketEventKind, ticket: &Ticket) -> InboundEvent {
    event(delivery, Inbound::Ticket(TicketEvent { kind, ticket: ticket.clone() }))
}

pub(crate) fn event(delivery: &str, event: Inbound) -> InboundEvent {
    InboundEvent {
        version: INBOUND_VERSION,
        delivery_id: delivery.parse().unwrap(),
        body_digest: Digest::of_json(&event).unwrap(),
        received_at: now(),
        event,
    }
}

/// A batch of messages with the ids `0`, `1`, ….
pub(crate) fn batch(bodies: impl IntoIterator<Item = String>) -> SqsEvent {
    let message = |(n, body): (usize, String)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(n.to_string());
        message.body = Some(body);
        message
    };
    let mut event = SqsEvent::default();
    event.records = bodies.into_iter().enumerate().map(message).collect();
    event
}
