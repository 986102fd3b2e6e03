//! Logs: JSON lines on standard output. Never payloads, tokens, prompts or ticket bodies.

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Libraries that log payloads, as what the names of their targets begin with, and the lowest level without them. The AWS
/// SDK logs requests and answers whole below `info`, tokens included; the model library logs answers as warnings.
const TALKATIVE: [(&str, LevelFilter); 2] = [("aws_", LevelFilter::INFO), ("genai", LevelFilter::OFF)];
/// The lowest level of everything else. Below it, Lambda's runtime logs each event whole.
const LOWEST: LevelFilter = LevelFilter::DEBUG;

/// Starts logging. `RUST_LOG` chooses what, as [`layer`] tells.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    // A second start (tests) is harmless: the first one stays.
    if let Err(error) = tracing_subscriber::registry().with(layer(&wanted, std::io::stdout)).try_init() {
        tracing::debug!(%error, "logging had been started before");
    }
}

/// Lines of what is `wanted`: `target=level` pairs and one level for the rest (default: `warn`, this crate at `info`).
/// Nothing is logged at `trace`, and libraries that log payloads at other levels stay above those, whatever is wanted.
///
/// Filters on spans and fields are not understood: their regular expressions would be a twentieth of a function's size.
pub fn layer<S, W>(wanted: &str, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let quiet = Targets::new().with_default(LOWEST).with_targets(TALKATIVE);
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(filter(wanted).and(quiet))
}

fn filter(wanted: &str) -> Targets {
    let usable = wanted.parse::<Targets>().ok().filter(|_| !wanted.trim().is_empty());
    usable.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN).with_target("runtime", LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is logged of one line of each sort.
    fn logged(wanted: &str) -> Vec<String> {
        let lines = tempfile::NamedTempFile::new().unwrap();
        let layer = layer(wanted, lines.reopen().unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::debug!(target: "planner::session", "planner debug");
            tracing::info!(target: "runtime::step", "runtime info");
            tracing::info!(target: "hyper", "hyper info");
            tracing::warn!(target: "hyper", "hyper warn");
            tracing::trace!(target: "aws_smithy_runtime::client::http::body", "SDK trace");
            tracing::debug!(target: "aws_sigv4", "SDK debug");
            tracing::info!(target: "aws_config", "SDK info");
            tracing::trace!(target: "lambda_runtime::layers::api_response", "event");
            tracing::error!(target: "genai::client", "model error");
        });
        let text = std::fs::read_to_string(&lines).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        messages.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn pairs_and_a_level_for_the_rest_are_understood() {
        assert_eq!(logged("warn,planner=debug"), ["planner debug", "hyper warn"]);
    }

    #[test]
    fn nothing_and_nonsense_leave_the_default() {
        for wanted in ["", " ", "planner[{id=1}]=debug,,=", "hyper=loud"] {
            assert_eq!(logged(wanted), ["runtime info", "hyper warn"], "{wanted}");
        }
    }

    #[test]
    fn libraries_never_tell_what_is_sent_and_got() {
        let all = ["planner debug", "runtime info", "hyper info", "hyper warn", "SDK info"];
        for wanted in
            ["trace", "trace,aws_smithy_runtime=trace,genai=trace", "trace,aws_smithy_runtime::client::http=trace"]
        {
            assert_eq!(logged(wanted), all, "{wanted}");
        }
    }
}
