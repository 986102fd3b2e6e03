//! Metrics in CloudWatch's embedded metric format: one JSON line on standard output, which CloudWatch Logs turns
//! into metrics without a call. Form: "Embedded Metric Format specification", CloudWatch user guide.

use std::io::Write as _;

use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "PiTickets";

/// Unit of a metric, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration.
    Milliseconds,
    /// US dollars and other units that CloudWatch has no name for.
    None,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::None => "None",
        }
    }
}

/// Writes one data point. `dimension` is a name and a value of low cardinality, such as (`gate`, `test`).
pub fn emit(now_ms: i64, name: &str, unit: Unit, value: f64, dimension: Option<(&str, &str)>) {
    let line = line(now_ms, name, unit, value, dimension);
    // Standard output of a function is its log; when it is closed there is nobody left to tell.
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        tracing::debug!(%error, "a metric could not be written");
    }
}

fn line(now_ms: i64, name: &str, unit: Unit, value: f64, dimension: Option<(&str, &str)>) -> Value {
    let mut fields = Map::new();
    let names: Vec<&str> = dimension.iter().map(|(name, _)| *name).collect();
    fields.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": unit.as_str()}],
            }],
        }),
    );
    if let Some((key, value)) = dimension {
        fields.insert(key.to_owned(), json!(value));
    }
    fields.insert(name.to_owned(), json!(value));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_the_published_form() {
        let value = line(5, "WorkflowsEnded", Unit::Count, 1.0, Some(("state", "COMPLETED")));
        assert_eq!(
            value,
            json!({
                "_aws": {"Timestamp": 5, "CloudWatchMetrics": [{
                    "Namespace": "PiTickets", "Dimensions": [["state"]],
                    "Metrics": [{"Name": "WorkflowsEnded", "Unit": "Count"}]}]},
                "state": "COMPLETED",
                "WorkflowsEnded": 1.0,
            })
        );
    }
}
