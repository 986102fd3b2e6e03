//! The `runner`: the one program of both sandboxes.
//!
//! In mode `agent` it supervises the Pi coding agent on an approved SPEC and sends back a change set; in mode `qa` it
//! runs the repository's quality gates over base + change set and sends back a report. Its only input is the presigned
//! URL of `task.json`; it talks to the presigned URLs in that file and to the model provider, and to nothing else.

pub mod agent;
pub mod changes;
pub mod environment;
pub mod gates;
pub mod host;
pub mod packages;
pub mod pi;
pub mod process;
pub mod program;
pub mod progress;
pub mod proxy;
pub mod qa;
pub mod sandbox;
#[cfg(test)]
mod testing;
pub mod transfer;
pub mod workspace;
