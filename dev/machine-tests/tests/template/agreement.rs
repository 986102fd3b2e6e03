//! The template and the state machine fit together.

use std::collections::BTreeSet;

use machine_tests::machine::{Machine, RUN_TASK};

use crate::template;

#[test]
fn every_substitution_is_given_and_used() {
    let template = template();
    let given = template.body["Resources"]["StateMachine"]["Properties"]["DefinitionSubstitutions"].as_object();
    let given: BTreeSet<String> = given.unwrap().keys().cloned().collect();
    assert_eq!(given, Machine::read().unwrap().substitutions());
}

#[test]
fn a_task_waits_longer_than_what_it_waits_for() {
    let template = template();
    let machine = Machine::read().unwrap();
    let most = |parameter: &str| template.body["Parameters"][parameter]["MaxValue"].as_u64().unwrap();
    for (name, task) in machine.of_type("Task") {
        let timeout = task["TimeoutSeconds"].as_u64().unwrap();
        let needed = match name {
            "SpecGate" => most("SpecApprovalSeconds"),
            "PrGate" => most("PrApprovalSeconds"),
            // Besides the run itself: a machine to find, an image to fetch, results to upload.
            "RunAgent" => most("AgentSeconds") + 900,
            "RunQa" => most("QaSeconds") + 900,
            _ => {
                let function = task["Arguments"]["FunctionName"].as_str().unwrap();
                let id = function.trim_start_matches("${").trim_end_matches("Arn}").to_owned();
                template.body["Resources"][id]["Properties"]["Timeout"].as_u64().unwrap()
            }
        };
        assert!(timeout > needed, "{name}: {timeout} s for {needed} s");
        if task["Resource"] == RUN_TASK {
            assert!(most("AgentSeconds").max(most("QaSeconds")) <= 3000, "a run's addresses die with their hour");
        }
    }
}

#[test]
fn task_definitions_have_the_families_that_the_machine_names() {
    let template = template();
    let resources = &template.body["Resources"];
    let given = &resources["StateMachine"]["Properties"]["DefinitionSubstitutions"];
    assert_eq!(given["AgentTaskFamily"], resources["AgentTask"]["Properties"]["Family"]);
    assert_eq!(given["QaTaskFamily"], resources["QaTask"]["Properties"]["Family"]);
}

#[test]
fn a_failed_execution_calls_finish_with_what_the_domain_reads() {
    let template = template();
    let event = &template.body["Resources"]["WorkflowFunction"]["Properties"]["Events"]["ExecutionEnded"];
    let transformer = &event["Properties"]["InputTransformer"];
    let paths = &transformer["InputPathsMap"];
    assert_eq!(
        (paths["execution"].as_str(), paths["status"].as_str()),
        (Some("$.detail.name"), Some("$.detail.status"))
    );
    let input = transformer["InputTemplate"].as_str().unwrap();
    let input = input.replace("<execution>", "\"wf-0123456789abcdef0123-1-r2\"").replace("<status>", "TIMED_OUT");
    let step: domain::steps::WorkflowStep = serde_json::from_str(&input).unwrap();
    let domain::steps::WorkflowStep::ExecutionEnded { execution, error } = step else { panic!("{step:?}") };
    assert_eq!((execution.resumption, error.error.as_str()), (2, "Execution.TIMED_OUT"));
}
