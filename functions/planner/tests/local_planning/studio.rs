//! The function over one world, and what a model says there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::budget::{Budget, Prices, Usage};
use domain::failure::Failure;
use domain::ids::{Revision, WorkflowId};
use domain::spec::Spec;
use domain::steps::{PlanInput, PlanOutput};
use domain::task::{ModelTarget, Provider};
use domain::ticket::Ticket;
use domain::workflow::Workflow;
use domain::{Timestamp, WorkflowState};
use github::Host;
use model_sim::{Recorded, Running};
use models::Connector;
use planner::{Config, Context, handle};
use runtime::Secrets;
use serde_json::{Value, json};
use store::keys::objects;
use testkit::sample::{at, ticket};
use testkit::{CodeHost, Functions, World};

/// The name and the marker of the model's script.
const SCRIPT: &str = "FL-1";
/// A repository's configuration.
pub(crate) const GATES: &str = "[[gate]]\nname = \"test\"\ncommand = \"npm test\"\n";
/// When conversations end.
pub(crate) const END: i64 = 300;
/// What a model call of [`says`] costs.
pub(crate) const TURN: Usage =
    Usage { input_tokens: 1_000, cached_input_tokens: 0, output_tokens: 100, turns: 1, micro_usd: 1_500 };

pub(crate) struct Studio {
    pub(crate) world: World,
    pub(crate) functions: Functions,
    pub(crate) host: CodeHost,
    pub(crate) model: Arc<Running>,
    pub(crate) context: Context,
}

impl Studio {
    pub(crate) async fn start() -> Self {
        Self::with(Provider::Anthropic).await
    }

    pub(crate) async fn with(provider: Provider) -> Self {
        let world = World::start().await;
        let functions = Functions::start().await;
        let host = CodeHost::start(&[
            (".pi-tickets.toml", GATES),
            ("src/app.js", "const TTL = 30;\n"),
            ("test/app.test.js", "// tests\n"),
        ])
        .await;
        host.serve_tokens(&functions);
        let model = Arc::new(model_sim::start(model_sim::Config::default()).await.unwrap());
        let context = context(&world, &functions, &host, &model, provider);
        Self { world, functions, host, model, context }
    }

    /// The same with other functions around it.
    pub(crate) fn beside(&self, functions: &Functions) -> Context {
        context(&self.world, functions, &self.host, &self.model, Provider::Anthropic)
    }

    /// A workflow of the ticket that the model's script is about.
    pub(crate) async fn begin(&self) -> Workflow {
        self.world.begin(&asked()).await
    }

    /// What the model says from now on.
    pub(crate) fn script(&self, lines: &[Value]) {
        script(&self.model, lines);
    }

    pub(crate) async fn plan(&self, id: &WorkflowId) -> Result<PlanOutput, Failure> {
        plan(&self.context, id).await
    }

    /// What the model was asked so far.
    pub(crate) fn asked(&self) -> Vec<Recorded> {
        self.model.requests(None)
    }

    /// The first message of the last conversation.
    pub(crate) fn prompt(&self) -> String {
        self.asked().last().unwrap().body["messages"].to_string()
    }

    /// The stored SPEC of a revision.
    pub(crate) async fn stored(&self, id: &WorkflowId, revision: u32) -> Option<Spec> {
        let key = objects::spec_json(id, Revision::new(revision));
        let bytes = self.world.objects.try_get(&key, 1 << 20).await.unwrap()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    /// The stored SPEC.md of a revision.
    pub(crate) async fn markdown(&self, id: &WorkflowId, revision: u32) -> Option<String> {
        let key = objects::spec_markdown(id, Revision::new(revision));
        let bytes = self.world.objects.try_get(&key, 1 << 20).await.unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Plannings have begun so often, and that is all there is of them.
    pub(crate) async fn nothing_is_planned(&self, id: &WorkflowId, begun: usize) {
        let workflow = self.world.workflow(id).await;
        assert_eq!((workflow.state, workflow.spec, workflow.reason), (WorkflowState::Planning, None, None));
        assert_eq!(self.world.trail(id).await[1..], vec!["planning_started"; begun]);
        assert_eq!((self.stored(id, 1).await, self.markdown(id, 1).await), (None, None));
    }
}

fn context(world: &World, functions: &Functions, host: &CodeHost, model: &Running, provider: Provider) -> Context {
    let path = if provider == Provider::Openai { "/v1" } else { "" };
    Context {
        config: Config {
            model: ModelTarget {
                provider,
                base_url: format!("{}{path}", model.base_url()),
                model: "scripted-model".to_owned(),
                prices: Prices { input: 1_000_000, cached_input: 100_000, output: 5_000_000 },
            },
            model_secret: Some(world.secret(&json!({ "api_key": "model-sim-key" }))),
            budget: Budget { max_tokens: 1_000_000, max_micro_usd: 5_000_000, max_turns: 20 },
            allow_workflow_files: false,
            github_auth_function: Functions::GITHUB_AUTH.to_owned(),
            github_api_url: host.api_url(),
        },
        store: world.store.clone(),
        objects: world.objects.clone(),
        secrets: Secrets::from_config(&world.aws),
        invoker: functions.invoker(&world.aws),
        host: Host::new(&host.api_url()).unwrap(),
        connector: Connector::from_config(&world.aws).unwrap(),
    }
}

pub(crate) fn asked() -> Ticket {
    ticket(SCRIPT)
}

pub(crate) fn script(model: &Running, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    model.register("script", SCRIPT, &lines.join("\n")).unwrap();
}

pub(crate) async fn plan(context: &Context, id: &WorkflowId) -> Result<PlanOutput, Failure> {
    plan_until(context, id, Instant::now() + Duration::from_secs(60)).await
}

pub(crate) async fn plan_until(context: &Context, id: &WorkflowId, deadline: Instant) -> Result<PlanOutput, Failure> {
    let input = serde_json::to_value(PlanInput { workflow_id: id.clone() }).unwrap();
    Ok(serde_json::from_value(handle(context, input, clock, deadline).await?).unwrap())
}

fn clock() -> Timestamp {
    at(END)
}

/// An answer of the model.
pub(crate) fn says(blocks: &[Value]) -> Value {
    json!({ "for": "plan", "respond": blocks, "usage": { "input": TURN.input_tokens, "output": TURN.output_tokens } })
}

/// An answer with one tool call.
pub(crate) fn calls(tool: &str, input: &Value) -> Value {
    says(&[json!({ "tool": tool, "input": input })])
}

/// An answer that submits a SPEC with this title, which changes this file.
pub(crate) fn submits(title: &str, path: &str) -> Value {
    calls(
        "submit_spec",
        &json!({
            "title": title, "problem_statement": "They end.", "proposed_solution": "They last.",
            "files": [{ "path": path, "action": "modify", "reason": "the constant" }],
            "implementation_plan": ["Change the constant."], "testing_strategy": "The suite.",
            "verification_checklist": [{ "text": "Green", "verified_by": { "kind": "gate", "name": "test" } }],
            "confidence": 0.9, "estimated_usd": 0.1, "estimated_minutes": 2,
        }),
    )
}
