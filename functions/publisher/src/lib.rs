//! The `publisher` function: the only one that writes to the code host.
//!
//! It works from the verified change set, which it verifies again, and through GitHub's Git Data API: no git, no
//! working tree. Every step can be run again at any point and comes to the same end: it looks at what is there and
//! goes on from it. It never moves a branch by force and never builds on a commit that is not ours.
//!
//! Each step is two layers: what happens on GitHub ([`publish`], [`merge`], [`close`]: plain values in and out), and
//! the steps in `handle`, which read the workflow and record what came of it. The second has the feature `function`,
//! which `cargo xtask bench` leaves out.

mod change;
#[cfg(feature = "function")]
mod config;
#[cfg(feature = "function")]
mod handler;
#[cfg(feature = "function")]
mod inputs;
#[cfg(feature = "function")]
mod steps;

pub mod base;
pub mod close;
pub mod merge;
pub mod outgoing;
pub mod publish;
pub mod text;

#[cfg(feature = "function")]
pub use config::{Config, Context};
#[cfg(feature = "function")]
pub use handler::handle;
