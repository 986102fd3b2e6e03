//! The conversation with a scripted model behind both wire protocols.

use std::time::Duration;

use domain::TicketKey;
use domain::budget::Prices;
use domain::spec::FileAction;
use domain::task::{ModelTarget, Provider};
use domain::ticket::Ticket;
use model_sim::Running;
use models::{Connector, Settings};
use serde_json::{Value, json};

use super::*;
use crate::prompt::Briefing;
use crate::repository::tests::base;

const BUDGET: Budget = Budget { max_tokens: 1_000_000, max_micro_usd: 5_000_000, max_turns: 20 };

/// A repository, a ticket and a scripted model.
pub(super) struct World {
    sim: Running,
    provider: Provider,
    pub(super) base: Base,
    pub(super) ticket: Ticket,
    budget: Budget,
    time: Duration,
}

impl World {
    async fn new(provider: Provider, script: &[Value]) -> Self {
        let lines: Vec<String> = script.iter().map(Value::to_string).collect();
        Self::with_script(provider, "FL-1", &lines.join("\n")).await
    }

    /// A world with the ticket `id` and a whole script file.
    pub(super) async fn with_script(provider: Provider, id: &str, script: &str) -> Self {
        let sim = model_sim::start(model_sim::Config::default()).await.unwrap();
        sim.register("script", id, script).unwrap();
        let ticket = Ticket { key: TicketKey::flux_lens(id), ..fixture::ticket() };
        let base = base(&[
            (".pi-tickets.toml", "[[gate]]\nname = \"test\"\ncommand = \"npm test\"\n"),
            ("src/session.js", "const TTL = 30;\n"),
            ("test/session.test.js", "// tests\n"),
        ])
        .unwrap();
        Self { sim, provider, base, ticket, budget: BUDGET, time: Duration::from_secs(30) }
    }

    pub(super) async fn plan(&self) -> Ended {
        let ticket = &self.ticket;
        let workflow = fixture::workflow(ticket);
        let suffix = if self.provider == Provider::Openai { "/v1" } else { "" };
        let target = ModelTarget {
            provider: self.provider,
            base_url: format!("{}{suffix}", self.sim.base_url()),
            model: "scripted-model".to_owned(),
            prices: Prices { input: 1_000_000, cached_input: 100_000, output: 5_000_000 },
        };
        let mut settings = Settings::default();
        settings.retry.first_pause = Duration::from_millis(1);
        let connector = Connector::from_config(
            &aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build(),
        )
        .unwrap();
        let model = connector.model(&target, Some("model-sim-key".into()), settings).unwrap();
        let gates = self.base.config.gate_names();
        let session = Session {
            model: &model,
            base: &self.base,
            submit: SubmitContext {
                workflow_id: &workflow.id,
                revision: workflow.revision,
                ticket: &ticket.key,
                ticket_digest: ticket.content_digest(),
                gates: &gates,
                allow_workflow_files: false,
            },
            budget: self.budget,
            deadline: Instant::now() + self.time,
        };
        let prompt = crate::prompt::user(Briefing {
            workflow: &workflow,
            ticket,
            base: &self.base,
            previous: &crate::previous::Previous::default(),
            budget: self.budget,
            allow_workflow_files: false,
        });
        session.run(prompt).await
    }

    /// The results that the model got to read, in order.
    pub(super) fn results(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(last) = self.sim.requests(Some("script")).last() {
            let body = serde_json::to_value(&last.body).unwrap();
            for message in body["messages"].as_array().into_iter().flatten() {
                if message["role"] == "tool" {
                    texts.push(message["content"].as_str().unwrap_or_default().to_owned());
                }
                for block in message["content"].as_array().into_iter().flatten() {
                    if block["type"] == "tool_result" {
                        texts.push(block["content"].as_str().unwrap_or_default().to_owned());
                    }
                }
            }
        }
        texts
    }
}

fn calls(calls: Value) -> Value {
    json!({"for": "plan", "respond": calls, "usage": {"input": 1_000, "output": 100}})
}

fn tool(name: &str, input: Value) -> Value {
    json!({"tool": name, "input": input})
}

fn words(text: &str) -> Value {
    calls(json!([{"text": text}]))
}

fn spec(path: &str) -> Value {
    tool(
        "submit_spec",
        json!({
            "title": "Keep sessions for 30 minutes", "problem_statement": "They end.", "proposed_solution": "They last.",
            "files": [
                {"path": path, "action": "modify", "reason": "the constant"},
                {"path": "test/session.test.js", "action": "modify", "reason": "the test"},
            ],
            "implementation_plan": ["Change the constant."], "testing_strategy": "The suite.",
            "verification_checklist": [{"text": "Green", "verified_by": {"kind": "gate", "name": "test"}}],
            "confidence": 0.9, "estimated_usd": 0.1, "estimated_minutes": 2,
        }),
    )
}

fn failure(ended: Ended) -> Failure {
    ended.answer.unwrap_err()
}

#[tokio::test]
async fn a_plan_is_made_by_reading_and_submitting() {
    for provider in [Provider::Anthropic, Provider::Openai] {
        let script = [
            calls(
                json!([{"text": "Let me look."}, tool("list_files", json!({})), tool("read_file", json!({"path": "src/session.js"}))]),
            ),
            calls(json!([tool("search_text", json!({"pattern": "TTL"}))])),
            calls(json!([spec("src/session.js")])),
        ];
        let world = World::new(provider, &script).await;
        let ended = world.plan().await;
        let Ok(Answer::Spec(spec)) = &ended.answer else { panic!("{provider:?}: {ended:?}") };
        let files: Vec<_> = spec.files.iter().map(|file| (file.path.as_str(), file.action)).collect();
        assert_eq!(files, [("src/session.js", FileAction::Modify), ("test/session.test.js", FileAction::Modify)]);
        assert_eq!(spec.base_commit, world.base.commit);
        assert_eq!((ended.usage.turns, ended.usage.input_tokens, ended.usage.output_tokens), (3, 3_000, 300));
        assert_eq!(ended.usage.micro_usd, 3 * (1_000 + 500));
        let results = world.results();
        assert_eq!(results.len(), 3);
        assert!(results[1].contains("    1  const TTL = 30;"), "{results:?}");
        assert!(results[2].contains("src/session.js:1: const TTL = 30;"), "{results:?}");
    }
}

#[tokio::test]
async fn a_wrong_spec_goes_back_with_the_reasons_and_is_corrected() {
    let script = [
        calls(json!([spec("src/none.js")])),
        calls(json!([tool("submit_spec", json!({"title": "half"}))])),
        calls(json!([spec("src/session.js")])),
    ];
    let world = World::new(Provider::Anthropic, &script).await;
    let ended = world.plan().await;
    assert!(matches!(ended.answer, Ok(Answer::Spec(_))), "{ended:?}");
    let results = world.results();
    assert!(results[0].contains("`src/none.js` does not exist at the base commit"), "{results:?}");
    assert!(results[1].contains("missing field"), "{results:?}");
}

#[tokio::test]
async fn a_model_that_never_gets_it_right_is_nonsense() {
    let mut line = calls(json!([spec("src/none.js")]));
    line["repeat"] = json!(true);
    let world = World::new(Provider::Openai, &[line]).await;
    let ended = world.plan().await;
    assert_eq!(ended.usage.turns, 4, "sent back three times");
    let failure = failure(ended);
    assert_eq!(failure.kind, FailureKind::ModelNonsense);
    assert!(failure.message.contains("sent back 3 times") && failure.message.contains("src/none.js"), "{failure}");
}

#[tokio::test]
async fn words_alone_are_answered_with_a_reminder_twice_in_a_row() {
    let look = calls(json!([tool("list_files", json!({}))]));
    let script =
        [words("Hm."), words("Well."), look, words("So."), words("Now."), calls(json!([spec("src/session.js")]))];
    let world = World::new(Provider::Anthropic, &script).await;
    assert!(matches!(world.plan().await.answer, Ok(Answer::Spec(_))));

    let mut line = words("I am done.");
    line["repeat"] = json!(true);
    let world = World::new(Provider::Openai, &[line]).await;
    let ended = world.plan().await;
    assert_eq!(ended.usage.turns, 3);
    let failure = failure(ended);
    assert_eq!(failure.kind, FailureKind::ModelNonsense);
    assert!(failure.message.contains("I am done."), "{failure}");
}

#[tokio::test]
async fn a_refusal_ends_at_once() {
    let mut line = words("I cannot help with that.");
    line["stop"] = json!("refusal");
    let world = World::new(Provider::Anthropic, &[line]).await;
    let ended = world.plan().await;
    assert_eq!(ended.usage.turns, 1);
    assert!(failure(ended).message.contains("refused to go on"));
}

#[tokio::test]
async fn a_ticket_can_be_declined() {
    let script = [calls(json!([tool("decline_ticket", json!({"reason": "It asks for lunch."}))]))];
    let world = World::new(Provider::Openai, &script).await;
    assert_eq!(world.plan().await.answer.unwrap(), Answer::Declined("It asks for lunch.".to_owned()));
}

#[tokio::test]
async fn a_model_that_is_down_is_named_with_its_words() {
    let line = json!({"for": "plan", "status": 529, "respond": [{"text": "Overloaded"}], "repeat": true});
    let world = World::new(Provider::Anthropic, &[line]).await;
    let ended = world.plan().await;
    assert_eq!(ended.usage, Usage::default());
    let failure = failure(ended);
    assert_eq!(failure.kind, FailureKind::ModelUnavailable);
    assert!(failure.message.contains("Overloaded") && failure.message.contains("529"), "{failure}");
    assert_eq!(world.sim.requests(Some("script")).len(), 6, "the first try and five more");
}

#[tokio::test]
async fn each_budget_cuts_off_and_what_was_spent_is_known() {
    let mut look = calls(json!([tool("list_files", json!({}))]));
    look["repeat"] = json!(true);
    for (budget, word, turns) in [
        (Budget { max_turns: 2, ..BUDGET }, "2 of 2 model calls", 2),
        (Budget { max_tokens: 3_000, ..BUDGET }, "3300 of 3000 tokens", 3),
        (Budget { max_micro_usd: 1_600, ..BUDGET }, "$0.00 of $0.00", 2),
    ] {
        let mut world = World::new(Provider::Anthropic, &[look.clone()]).await;
        world.budget = budget;
        let ended = world.plan().await;
        assert_eq!(ended.usage.turns, turns, "{word}");
        let failure = failure(ended);
        assert_eq!(failure.kind, FailureKind::BudgetExceeded);
        assert!(failure.message.contains(word), "{failure}");
    }
}

#[tokio::test]
async fn the_model_is_told_when_little_is_left() {
    let look = || calls(json!([tool("list_files", json!({}))]));
    let mut world = World::new(Provider::Anthropic, &[look(), look(), calls(json!([spec("src/session.js")]))]).await;
    world.budget.max_turns = 5;
    assert!(world.plan().await.answer.is_ok());
    let results = world.results();
    assert!(!results[0].contains("budget"), "{results:?}");
    assert!(results[1].contains("3 model calls"), "{results:?}");
}

#[tokio::test]
async fn time_runs_out_while_the_model_thinks() {
    let mut line = words("slow");
    line["delay_ms"] = json!(20_000);
    let mut world = World::new(Provider::Openai, &[line]).await;
    world.time = Duration::from_millis(100);
    assert_eq!(failure(world.plan().await).kind, FailureKind::BudgetExceeded);
}

#[tokio::test]
async fn unknown_tools_and_too_many_calls_are_answered_with_errors() {
    let mut many: Vec<Value> = (0..40).map(|_| tool("list_files", json!({}))).collect();
    many.insert(0, tool("bash", json!({"command": "ls"})));
    let world = World::new(Provider::Anthropic, &[calls(json!(many)), calls(json!([spec("src/session.js")]))]).await;
    assert!(world.plan().await.answer.is_ok());
    let results = world.results();
    assert_eq!(results.len(), 41);
    assert!(results[0].contains("there is no tool `bash`"));
    assert!(results[31].contains("src/session.js") && results[32].contains("this call was not made"));
}
