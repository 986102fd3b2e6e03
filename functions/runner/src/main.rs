//! The `runner` program. See [`runner::program`] for its exit codes.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    runtime::telemetry::init();
    runner::program::main().await
}
