//! Logs: JSON lines on standard output. Never payloads, tokens, prompts or ticket bodies.

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` chooses what (default: our own crates at `info`, others at `warn`).
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,runtime=info"));
    // A second start (tests) is harmless: the first one stays.
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging had been started before");
    }
}
