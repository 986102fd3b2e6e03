//! The state machine's definition.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_json::{Map, Value};

/// A task that calls a function and has the answer.
pub const INVOKE: &str = "arn:aws:states:::lambda:invoke";
/// A task that calls a function and waits for its token.
pub const INVOKE_AND_WAIT: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
/// A task that runs a sandbox.
pub const RUN_TASK: &str = "arn:aws:states:::ecs:runTask.sync";

/// The state machine's definition.
#[derive(Debug, Clone)]
pub struct Machine {
    /// As it stands in the file, or with its substitutions made.
    pub definition: Value,
}

impl Machine {
    /// `statemachine/ticket.asl.json`, with `${…}` as they are.
    ///
    /// # Errors
    /// When the file cannot be read or is not JSON.
    pub fn read() -> Result<Self> {
        let path = crate::root().join("statemachine/ticket.asl.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { definition: serde_json::from_str(&text)? })
    }

    /// The states by name.
    pub fn states(&self) -> &Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.definition["States"].as_object().unwrap_or(&NONE)
    }

    /// The states of one type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.states().iter().filter(move |(_, state)| state["Type"] == kind).map(|(name, state)| (name.as_str(), state))
    }

    /// The names that DefinitionSubstitutions must give.
    pub fn substitutions(&self) -> BTreeSet<String> {
        let text = self.definition.to_string();
        pattern().captures_iter(&text).map(|found| found[1].to_owned()).collect()
    }

    /// With every `${NAME}` replaced by `values[NAME]`.
    ///
    /// # Errors
    /// When a value is missing.
    pub fn substituted(&self, values: &BTreeMap<String, String>) -> Result<Self> {
        let mut text = self.definition.to_string();
        for name in self.substitutions() {
            let value = values.get(&name).with_context(|| format!("no value for ${{{name}}}"))?;
            text = text.replace(&format!("${{{name}}}"), value);
        }
        Ok(Self { definition: serde_json::from_str(&text)? })
    }
}

fn pattern() -> Regex {
    #[expect(clippy::expect_used, reason = "a constant pattern")]
    Regex::new(r"\$\{([A-Za-z]+)\}").expect("the pattern is valid")
}

/// Where a state can lead, in the order written.
pub fn successors(state: &Value) -> Vec<&str> {
    let of =
        |list: &'static str| state[list].as_array().into_iter().flatten().filter_map(|entry| entry["Next"].as_str());
    state["Next"]
        .as_str()
        .into_iter()
        .chain(of("Choices"))
        .chain(of("Catch"))
        .chain(state["Default"].as_str())
        .collect()
}

/// The text of a `{% … %}` expression.
pub fn expression(value: &str) -> Option<&str> {
    Some(value.strip_prefix("{%")?.strip_suffix("%}")?.trim())
}
