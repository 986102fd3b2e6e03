//! `cargo xtask`: everything a contributor does, by one command each.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
