//! A ticket's whole story, its anchors, and everything that somebody with all permissions could do to them.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;
mod tampering;

use tampering::Tampering;
