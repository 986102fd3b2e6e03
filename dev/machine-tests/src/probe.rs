//! The machine with a view into it.
//!
//! A mocked task answers without a look at its arguments, and the engine's history does not show them. So a Pass state
//! is put before every Task, whose output is those arguments. The tasks use variables and never their input, which a
//! test makes sure of, so nothing else changes.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::machine::{Machine, expression};

/// What a probe shows instead of a task token, which only a Task has.
pub const TOKEN: &str = "the-task-token";
/// End of a probe's name.
pub const SUFFIX: &str = " (arguments)";

/// The machine with a probe before every Task.
///
/// # Errors
/// When the definition has no states.
pub fn with_probes(machine: &Machine) -> Result<Machine> {
    let mut definition = machine.definition.clone();
    let tasks: Vec<String> = machine.of_type("Task").map(|(name, _)| name.to_owned()).collect();
    let probed = |name: &str| {
        if tasks.iter().any(|task| task == name) { format!("{name}{SUFFIX}") } else { name.to_owned() }
    };
    if let Some(start) = definition["StartAt"].as_str() {
        definition["StartAt"] = Value::from(probed(start));
    }
    let states = definition["States"].as_object_mut().context("the machine has no states")?;
    for state in states.values_mut() {
        redirect(state, &probed);
    }
    let probes: Map<String, Value> = tasks
        .iter()
        .map(|name| {
            let arguments = without_token(&machine.definition["States"][name]["Arguments"]);
            (probed(name), json!({"Type": "Pass", "Output": arguments, "Next": name}))
        })
        .collect();
    states.extend(probes);
    Ok(Machine { definition })
}

fn redirect(state: &mut Value, to: &impl Fn(&str) -> String) {
    for field in ["Next", "Default"] {
        if let Some(next) = state[field].as_str() {
            state[field] = Value::from(to(next));
        }
    }
    for list in ["Choices", "Catch"] {
        for entry in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            redirect(entry, to);
        }
    }
}

fn without_token(arguments: &Value) -> Value {
    match arguments {
        Value::String(text) if expression(text).is_some_and(|e| e == "$states.context.Task.Token") => TOKEN.into(),
        Value::Array(items) => items.iter().map(without_token).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), without_token(value))).collect(),
        other => other.clone(),
    }
}
