//! The `runner` program: the supervisor, and the launcher of what it starts. See [`runner::program`] for its exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before there is any thread.
    isolation::launch::if_asked().unwrap_or_else(runner::program::main)
}
