//! Cases on the engine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::steps::ExecutionInput;
use machine_tests::client::Client;
use machine_tests::machine::Machine;
use machine_tests::probe;
use machine_tests::samples::{json, workflow_id};
use serde_json::{Map, Value, json};
use toolchain::engine::{Engine, EngineSettings};
use toolchain::{Component, Toolchain};

use crate::walk::{CAUSE, Case, Ending, arn};

/// The machine's name.
pub(crate) const MACHINE: &str = "ticket";
/// How long the slowest execution may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(4);

/// An engine with the probed machine and every case's mocks.
pub(crate) struct World {
    client: Client,
    machine: String,
    _engine: Engine,
    _folder: tempfile::TempDir,
}

/// What an execution did.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) visits: Vec<SeenVisit>,
    pub(crate) ending: Ending,
}

/// A task's turn, as the history has it.
#[derive(Debug)]
pub(crate) struct SeenVisit {
    pub(crate) state: String,
    pub(crate) arguments: Value,
    pub(crate) failures: usize,
}

impl World {
    pub(crate) fn start(machine: &Machine, cases: &[Case]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mocks = folder.path().join("mocks.json");
        std::fs::write(&mocks, mock_config(cases).to_string()).unwrap();
        let toolchain = Toolchain::of_this_checkout();
        assert!(
            toolchain.is_current(Component::Engine).unwrap(),
            "the engine is not installed: run `cargo xtask setup`"
        );
        let mut settings = EngineSettings::new(folder.path().join("engine"));
        settings.mock_config = Some(mocks);
        settings.wait_scale = 0.0;
        let engine = Engine::start(&toolchain, &settings).unwrap();
        let client = Client::new(&engine);

        let definition = probe::with_probes(&machine.substituted(&substitutions()).unwrap()).unwrap().definition;
        let role = client.create_role("machine", "states.amazonaws.com").unwrap();
        let request = json!({"name": MACHINE, "definition": definition.to_string(), "roleArn": role});
        let created = client.json("states", "AWSStepFunctions.CreateStateMachine", &request).unwrap();
        let machine = created["stateMachineArn"].as_str().unwrap().to_owned();
        Self { client, machine, _engine: engine, _folder: folder }
    }

    /// Starts a case's execution.
    pub(crate) fn begin(&self, case: &Case) -> String {
        let input = json(&ExecutionInput { workflow_id: workflow_id(), from: case.from }).to_string();
        let machine = format!("{}#{}", self.machine, case.name);
        let request = json!({"stateMachineArn": machine, "name": case.name, "input": input});
        let started = self.states("StartExecution", &request);
        started["executionArn"].as_str().unwrap().to_owned()
    }

    /// Waits for an execution's end and reads what it did.
    pub(crate) fn wait_for(&self, execution: &str) -> Seen {
        let start = Instant::now();
        loop {
            let now = self.states("DescribeExecution", &json!({"executionArn": execution}));
            let text = |field: &str| now[field].as_str().unwrap_or_default().to_owned();
            let ending = match text("status").as_str() {
                "RUNNING" => {
                    assert!(start.elapsed() < LIMIT, "{execution} still runs");
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                "SUCCEEDED" => Ending::Succeeded(serde_json::from_str(&text("output")).unwrap()),
                _ => Ending::Failed { error: text("error") },
            };
            return Seen { visits: visits(&self.history(execution)), ending };
        }
    }

    fn history(&self, execution: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut request = json!({"executionArn": execution, "maxResults": 1000});
        loop {
            let page = self.states("GetExecutionHistory", &request);
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            let Some(token) = page["nextToken"].as_str() else { return events };
            request["nextToken"] = token.into();
        }
    }

    fn states(&self, action: &str, request: &Value) -> Value {
        self.client.json("states", &format!("AWSStepFunctions.{action}"), request).unwrap()
    }
}

fn substitutions() -> BTreeMap<String, String> {
    let function = |name: &str| arn(name);
    [
        ("WorkflowFunctionArn", function("workflow")),
        ("PlannerFunctionArn", function("planner")),
        ("ApprovalsFunctionArn", function("approvals")),
        ("PublisherFunctionArn", function("publisher")),
        ("ClusterArn", "cluster".to_owned()),
        ("AgentTaskFamily", "agent".to_owned()),
        ("QaTaskFamily", "qa".to_owned()),
        ("SandboxSubnetA", "subnet-a".to_owned()),
        ("SandboxSubnetB", "subnet-b".to_owned()),
        ("AgentSecurityGroup", "sg-agent".to_owned()),
        ("QaSecurityGroup", "sg-qa".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The engine's mock configuration: for each case and state, what the first visit is answered, the second, and so on.
pub(crate) fn mock_config(cases: &[Case]) -> Value {
    let mut tests = Map::new();
    let mut responses = Map::new();
    for case in cases {
        let mut answers: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for visit in case.visits.iter().filter(|visit| !visit.arguments.is_null()) {
            let turns = answers.entry(visit.state).or_default();
            let answer = match &visit.answer {
                Ok(answer) => json!({"Return": answer}),
                Err(trouble) => json!({"Throw": {"Error": trouble.error, "Cause": CAUSE}}),
            };
            turns.insert(turns.len().to_string(), answer);
        }
        let mut names = Map::new();
        for (state, turns) in answers {
            let name = format!("{}/{state}", case.name);
            names.insert(state.to_owned(), json(&name));
            responses.insert(name, Value::Object(turns));
        }
        tests.insert(case.name.clone(), Value::Object(names));
    }
    json!({"StateMachines": {MACHINE: {"TestCases": tests}}, "MockedResponses": responses})
}

/// The tasks and waits of a history, each with the arguments that the probe before it showed.
fn visits(history: &[Value]) -> Vec<SeenVisit> {
    let mut visits: Vec<SeenVisit> = Vec::new();
    let mut arguments = Value::Null;
    for event in history {
        let name = |details: &str| event[details]["name"].as_str().unwrap_or_default();
        match event["type"].as_str().unwrap() {
            "PassStateExited" if name("stateExitedEventDetails").ends_with(probe::SUFFIX) => {
                let output = event["stateExitedEventDetails"]["output"].as_str().unwrap();
                arguments = serde_json::from_str(output).unwrap();
            }
            "TaskStateEntered" | "WaitStateEntered" => {
                let state = name("stateEnteredEventDetails").to_owned();
                visits.push(SeenVisit { state, arguments: arguments.take(), failures: 0 });
            }
            "TaskFailed" => visits.last_mut().unwrap().failures += 1,
            _ => {}
        }
    }
    visits
}
