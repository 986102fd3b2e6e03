//! Logs: JSON lines on standard output. Never payloads, tokens, prompts or ticket bodies.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. `RUST_LOG` chooses what, as `target=level` pairs and one level for the rest (default: `warn`, this
/// crate at `info`). Filters on spans and fields are not understood: their regular expressions would be a twentieth
/// of a function's size.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let format =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // A second start (tests) is harmless: the first one stays.
    if let Err(error) = tracing_subscriber::registry().with(format).with(filter(&wanted)).try_init() {
        tracing::debug!(%error, "logging had been started before");
    }
}

fn filter(wanted: &str) -> Targets {
    let usable = wanted.parse::<Targets>().ok().filter(|_| !wanted.trim().is_empty());
    usable.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN).with_target("runtime", LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn pairs_and_a_level_for_the_rest_are_understood() {
        let filter = filter("warn,planner=debug");
        assert!(filter.would_enable("planner::session", &Level::DEBUG));
        assert!(filter.would_enable("hyper", &Level::WARN) && !filter.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn nothing_and_nonsense_leave_the_default() {
        for wanted in ["", " ", "planner[{id=1}]=debug,,=", "hyper=loud"] {
            let filter = filter(wanted);
            assert!(filter.would_enable("runtime::step", &Level::INFO), "{wanted}");
            assert!(
                filter.would_enable("hyper", &Level::WARN) && !filter.would_enable("hyper", &Level::INFO),
                "{wanted}"
            );
        }
    }
}
