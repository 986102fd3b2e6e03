//! `cargo xtask audit`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    audit::main()
}
