//! Fuzz targets: readers of what others wrote, each beside an oracle that says in another, slower way what is right.
//!
//! A target is a function of bytes that panics when the reader and its oracle disagree. The kept inputs in `corpus` are
//! run by an ordinary test; `cargo xtask fuzz` looks for new ones with libFuzzer, for which there is a small workspace of
//! its own, because it needs everything compiled with coverage.
//!
//! Modules of programs are taken in by their path: they depend on little, and the programs on the whole AWS SDK. Their own
//! unit tests are run where they belong.

#![cfg(not(test))]

pub mod oracle;
pub mod targets;

/// The live signing keys, where the program has a reader of secrets.
pub mod keys;

#[path = "../../../functions/runner/src/pi/lines.rs"]
pub mod lines;

#[path = "../../../functions/runner/src/pi/rpc.rs"]
pub mod rpc;

#[path = "../../../functions/webhook/src/signature.rs"]
pub mod signature;

#[path = "../../../shared/store/src/change_set.rs"]
pub mod change_set;

/// A target: its name, which is that of its corpus, and what is done with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 5] = [
    ("manifest", targets::manifest::run),
    ("path_guard", targets::path_guard::run),
    ("pi_lines", targets::pi_lines::run),
    ("protected_paths", targets::protected_paths::run),
    ("signature", targets::signature::run),
];
