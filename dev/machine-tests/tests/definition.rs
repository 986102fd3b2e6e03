//! The state machine on paper: its shape, its errors, and that it speaks the domain's words.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use domain::failure::FailureKind;
use domain::gate::GateStatus;
use domain::steps::{
    AmendOutput, ApprovalStep, CollectOutput, MergeOutput, PlanInput, PlanOutput, PrepareOutput, PublishOutput,
    PublishStep, SlotOutput, WorkflowStep,
};
use domain::task::TASK_URL_VARIABLE;
use machine_tests::machine::{INVOKE, INVOKE_AND_WAIT, Machine, RUN_TASK, expression, successors};
use machine_tests::samples::{self, variants};
use regex::Regex;
use serde_json::{Value, json};

/// What Lambda and Step Functions call errors after which the same call may succeed.
const PASSING: [&str; 8] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];
/// What ECS answers when it has started no task.
const NOT_STARTED: [&str; 4] =
    ["ECS.AmazonECSException", "ECS.ServerException", "ECS.ThrottlingException", "AmazonECS.Unknown"];

fn machine() -> Machine {
    Machine::read().unwrap()
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .flat_map(|entry| entry["ErrorEquals"].as_array().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_state_is_reached_and_leads_to_an_end() {
    let machine = machine();
    let mut seen = BTreeSet::new();
    let mut next = vec![machine.definition["StartAt"].as_str().unwrap()];
    while let Some(name) = next.pop() {
        let state = machine.states().get(name).unwrap_or_else(|| panic!("there is no state {name}"));
        if seen.insert(name.to_owned()) {
            let ends = matches!(state["Type"].as_str().unwrap(), "Succeed" | "Fail");
            assert_eq!(ends, successors(state).is_empty(), "{name}");
            next.extend(successors(state));
        }
    }
    assert_eq!(seen, machine.states().keys().cloned().collect());
}

#[test]
fn every_state_but_the_begin_can_only_end_after_finish() {
    let machine = machine();
    for (name, state) in machine.states() {
        for next in successors(state) {
            if matches!(machine.states()[next]["Type"].as_str().unwrap(), "Succeed" | "Fail") {
                assert!(matches!(name.as_str(), "Finish" | "Finished"), "{name} ends without Finish");
            }
        }
    }
}

#[test]
fn every_task_has_a_timeout_a_retry_and_a_catch_of_everything() {
    for (name, task) in machine().of_type("Task") {
        assert!(task["TimeoutSeconds"].is_u64(), "{name}: the local engine does not evaluate an expression here");
        let last = task["Catch"].as_array().and_then(|catch| catch.last()).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(last["ErrorEquals"], json!(["States.ALL"]), "{name}");
        let expected = match name {
            "Finish" => "FinishFailed",
            "RunAgent" => "CollectRun",
            "RunQa" => "CollectQa",
            _ => "Finish",
        };
        assert_eq!(last["Next"], expected, "{name}");
        for retry in task["Retry"].as_array().unwrap_or_else(|| panic!("{name} has no Retry")) {
            assert!(retry["MaxAttempts"].as_u64().unwrap() > 0, "{name}");
            assert!(retry["BackoffRate"].as_f64().unwrap() > 1.0, "{name}");
            assert_eq!(retry["JitterStrategy"], "FULL", "{name}");
            assert!(retry["MaxDelaySeconds"].as_u64() > retry["IntervalSeconds"].as_u64(), "{name}");
        }
    }
}

#[test]
fn retried_are_the_failures_that_may_pass_and_no_others() {
    let ours = FailureKind::ALL.into_iter().filter(|kind| kind.is_retryable()).map(FailureKind::as_str);
    let functions: BTreeSet<String> = ours.chain(PASSING).map(str::to_owned).collect();
    let sandboxes: BTreeSet<String> = NOT_STARTED.map(str::to_owned).into();
    for (name, task) in machine().of_type("Task") {
        let retried = names(&task["Retry"]);
        match (name, task["Resource"].as_str().unwrap()) {
            ("Finish", _) => assert_eq!(retried, BTreeSet::from(["States.ALL".to_owned()])),
            (_, RUN_TASK) => assert_eq!(retried, sandboxes, "{name}: once a task has started it is never run again"),
            _ => assert_eq!(retried, functions, "{name}"),
        }
    }
}

#[test]
fn tasks_use_variables_and_never_their_input() {
    for (name, task) in machine().of_type("Task") {
        let text = task["Arguments"].to_string();
        assert!(!text.contains("$states.input"), "{name}: an error or another way in changes the input");
    }
}

#[test]
fn functions_are_handed_what_the_domain_reads() {
    let values = |expression: &str| -> Vec<Value> {
        let error = samples::json(&samples::error());
        match expression {
            "$workflow_id" => vec![samples::json(&samples::workflow_id())],
            "$states.context.Task.Token" => vec![json!("token")],
            "$attempt" => vec![json!(2)],
            "$execution" => vec![json!("wf-0123456789abcdef0123-1")],
            "$task_error" | "$error" => vec![Value::Null, error],
            other => panic!("the tests know no value of {other}"),
        }
    };
    for (name, task) in machine().of_type("Task") {
        let Some(payload) = task["Arguments"]["Payload"].as_object() else { continue };
        for choice in 0..2 {
            let input: serde_json::Map<_, _> = payload
                .iter()
                .map(|(field, value)| {
                    let known = value.as_str().and_then(expression).map(values);
                    (field.clone(), known.map_or(value.clone(), |list| list[choice.min(list.len() - 1)].clone()))
                })
                .collect();
            let text = Value::Object(input).to_string();
            let read = match task["Arguments"]["FunctionName"].as_str().unwrap() {
                "${PlannerFunctionArn}" => serde_json::from_str::<PlanInput>(&text).map(drop),
                "${WorkflowFunctionArn}" => serde_json::from_str::<WorkflowStep>(&text).map(drop),
                "${ApprovalsFunctionArn}" => serde_json::from_str::<ApprovalStep>(&text).map(drop),
                "${PublisherFunctionArn}" => serde_json::from_str::<PublishStep>(&text).map(drop),
                other => panic!("{name} calls {other}"),
            };
            read.unwrap_or_else(|error| panic!("{name} sends {text}: {error}"));
            let waits = payload.contains_key("task_token");
            assert_eq!(task["Resource"], if waits { INVOKE_AND_WAIT } else { INVOKE }, "{name}");
        }
    }
}

#[test]
fn sandboxes_are_handed_one_address_and_no_more() {
    let machine = machine();
    for name in ["RunAgent", "RunQa"] {
        let arguments = &machine.states()[name]["Arguments"];
        let container = &arguments["Overrides"]["ContainerOverrides"];
        let environment = json!([{"Name": TASK_URL_VARIABLE, "Value": "{% $task_url %}"}]);
        assert_eq!(*container, json!([{"Name": "runner", "Environment": environment}]), "{name}");
        let network = &arguments["NetworkConfiguration"]["AwsvpcConfiguration"];
        assert_eq!(network["AssignPublicIp"], "DISABLED", "{name}");
        assert_eq!(arguments["EnableExecuteCommand"], false, "{name}");
        let family = arguments["TaskDefinition"].as_str().unwrap();
        assert!(!family.contains(':'), "{name}: an execution outlives a deployment, so no revision is named");
    }
}

/// The words that the Choice after each step tells apart.
#[test]
fn every_answer_of_a_step_is_known_after_it() {
    let without = |mut all: BTreeSet<String>, never: &[&str]| {
        assert!(never.iter().all(|word| all.remove(*word)));
        all
    };
    let decisions: BTreeSet<String> =
        samples::DECISIONS.map(|decision| samples::json(&decision).as_str().unwrap().to_owned()).into();
    let expected: BTreeMap<&str, BTreeSet<String>> = [
        ("From", domain::workflow::ResumePoint::ALL.map(|point| point.as_str().to_owned()).into()),
        ("PlanSlotAnswered", variants::<SlotOutput>("outcome")),
        ("Planned", variants::<PlanOutput>("outcome")),
        ("SpecDecided", decisions.clone()),
        ("RunSlotAnswered", variants::<SlotOutput>("outcome")),
        ("Prepared", variants::<PrepareOutput>("outcome")),
        ("RunCollected", without(variants::<CollectOutput>("outcome"), &["passed"])),
        ("SpecAmended", variants::<AmendOutput>("outcome")),
        ("QaCollected", without(variants::<CollectOutput>("outcome"), &["verified", "scope_change_requested"])),
        ("Published", variants::<PublishOutput>("outcome")),
        ("PrDecided", decisions),
        ("MergeAnswered", variants::<MergeOutput>("outcome")),
        ("Finished", BTreeSet::new()),
    ]
    .into();
    let word = Regex::new("'([A-Za-z_]+)'").unwrap();
    let machine = machine();
    let mut found = BTreeMap::new();
    for (name, choice) in machine.of_type("Choice") {
        assert!(choice["Default"].is_string(), "{name} has no Default");
        let conditions = choice["Choices"].as_array().unwrap().iter().map(|rule| rule["Condition"].as_str().unwrap());
        let words = conditions.flat_map(|text| word.captures_iter(text)).map(|found| found[1].to_owned()).collect();
        found.insert(name, words);
    }
    assert_eq!(found, expected);
    assert!(!found["SpecDecided"].contains(GateStatus::Pending.as_str()), "an open gate is no answer");
}

#[test]
fn every_assigned_variable_is_used_and_every_used_one_assigned() {
    let machine = machine();
    let text = machine.definition.to_string();
    let own = Regex::new(r"\$([a-z_]+)\b").unwrap();
    let builtin = ["states", "exists"];
    let used: BTreeSet<String> =
        own.captures_iter(&text).map(|found| found[1].to_owned()).filter(|n| !builtin.contains(&n.as_str())).collect();
    let mut assigned = BTreeSet::new();
    for state in machine.states().values() {
        let nested = ["Choices", "Catch"].into_iter().flat_map(|list| state[list].as_array().into_iter().flatten());
        for place in nested.chain([state]) {
            assigned.extend(place["Assign"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        }
    }
    assert_eq!(used, assigned);
}

#[test]
fn the_validator_accepts_it() {
    let toolchain = toolchain::Toolchain::of_this_checkout();
    let installed = toolchain.is_current(toolchain::Component::NodeDev).unwrap();
    assert!(installed, "the validator is not installed: run `cargo xtask setup`");
    let machine = machine();
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:a";
    let values = machine.substitutions().into_iter().map(|name| (name, arn.to_owned())).collect();
    let text = machine.substituted(&values).unwrap().definition.to_string();
    let check = |definition: &str| {
        let mut validator = toolchain.asl_validator();
        validator.args(["--json-definition", definition]).stdout(Stdio::piped()).stderr(Stdio::piped());
        validator.output().unwrap()
    };
    let answer = check(&text);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stdout));
    assert!(!check(&text.replace("\"Next\":\"Plan\"", "\"Next\":\"Nowhere\"")).status.success());
}
