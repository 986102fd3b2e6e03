//! The `runner`: the one program of both sandboxes.
//!
//! In mode `agent` it supervises the Pi coding agent on an approved SPEC and sends back a change set; in mode `qa` it
//! runs the repository's quality gates over base + change set and sends back a report. Its only input is the presigned
//! URL of `task.json`; it talks to the presigned URLs in that file and to the model provider, and to nothing else.
//!
//! What makes and reads change sets is always built; the program around it with the feature `program`, which
//! `cargo xtask bench` leaves out.

pub mod changes;
pub mod process;
pub mod workspace;

#[cfg(feature = "program")]
pub mod agent;
#[cfg(feature = "program")]
pub mod disk;
#[cfg(feature = "program")]
pub mod environment;
#[cfg(feature = "program")]
pub mod gates;
#[cfg(feature = "program")]
pub mod host;
#[cfg(feature = "program")]
pub mod packages;
#[cfg(feature = "program")]
pub mod pi;
#[cfg(feature = "program")]
pub mod program;
#[cfg(feature = "program")]
pub mod progress;
#[cfg(feature = "program")]
pub mod proxy;
#[cfg(feature = "program")]
pub mod qa;
#[cfg(feature = "program")]
pub mod sandbox;
#[cfg(test)]
#[cfg(feature = "program")]
mod testing;
#[cfg(feature = "program")]
pub mod transfer;
