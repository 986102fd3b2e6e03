//! Every path through the state machine, run by the local engine with the steps' answers mocked.
//!
//! All executions run at once on one engine. Each must visit the tasks of its case in that order, hand each the
//! arguments that the domain's types say, try each as often as its Retry says, and end as the case says.
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod cases;
mod run;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use machine_tests::machine::Machine;
use run::{Seen, World};
use walk::{Case, Ending, Visit};

#[test]
fn every_path_goes_as_it_should() {
    let cases = cases::all();
    let machine = Machine::read().unwrap();
    assert_complete(&machine, &cases);

    let world = World::start(&machine, &cases);
    let running: Vec<_> = cases.iter().map(|case| (case, world.begin(case))).collect();
    let failures: Vec<String> =
        running.iter().filter_map(|(case, execution)| compare(case, &world.wait_for(execution))).collect();
    assert!(failures.is_empty(), "{} of {} paths went wrong:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Whether the cases together visit every task, take every way out of every Choice, and see every Catch.
fn assert_complete(machine: &Machine, cases: &[Case]) {
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    let visited: BTreeSet<&str> = cases.iter().flat_map(|case| &case.visits).map(|visit| visit.state).collect();
    let caught: BTreeSet<&str> =
        cases.iter().flat_map(|case| &case.visits).filter(|visit| visit.answer.is_err()).map(|v| v.state).collect();
    for (name, _) in machine.of_type("Task") {
        assert!(visited.contains(name), "no case visits {name}");
        assert!(caught.contains(name), "no case sees {name} fail");
    }
}

/// What differs, in words.
fn compare(case: &Case, seen: &Seen) -> Option<String> {
    let mut wrong = Vec::new();
    let expected: Vec<&str> = case.visits.iter().map(|visit| visit.state).collect();
    let visited: Vec<&str> = seen.visits.iter().map(|visit| visit.state.as_str()).collect();
    if expected == visited {
        let pairs = case.visits.iter().zip(&seen.visits).enumerate();
        wrong.extend(pairs.flat_map(|(n, (expected, seen))| compare_visit(n, expected, seen)));
    } else {
        wrong.push(format!("  expected {expected:?}\n  visited  {visited:?}"));
    }
    if seen.ending != case.ending {
        wrong.push(format!("  expected the end {:?}\n  it ended with    {:?}", case.ending, seen.ending));
    }
    (!wrong.is_empty()).then(|| format!("{}:\n{}", case.name, wrong.join("\n")))
}

fn compare_visit(n: usize, expected: &Visit, seen: &run::SeenVisit) -> Vec<String> {
    let mut wrong = Vec::new();
    if expected.arguments != seen.arguments {
        let (state, wanted, got) = (expected.state, &expected.arguments, &seen.arguments);
        wrong.push(format!("  visit {n} of {state} should get\n    {wanted}\n  and got\n    {got}"));
    }
    let tries = expected.answer.as_ref().map_or_else(|error| error.tries, |_| 0);
    if tries != seen.failures {
        wrong.push(format!("  visit {n} of {} should fail {tries} times and did {}", expected.state, seen.failures));
    }
    wrong
}

#[test]
fn the_mock_answers_of_two_cases_do_not_mix() {
    let cases = cases::all();
    let config = run::mock_config(&cases);
    let responses = config["MockedResponses"].as_object().unwrap();
    let used: BTreeMap<&str, usize> = config["StateMachines"][run::MACHINE]["TestCases"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|case| case.as_object().unwrap().values())
        .fold(BTreeMap::new(), |mut used, name| {
            *used.entry(name.as_str().unwrap()).or_default() += 1;
            used
        });
    assert!(used.values().all(|times| *times == 1));
    assert_eq!(used.len(), responses.len());
    assert!(cases.iter().any(|case| matches!(case.ending, Ending::Failed { .. })));
}
