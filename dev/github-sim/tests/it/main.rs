//! The simulator as its clients see it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod archive;
mod control;
mod faults;
mod lifecycle;
mod oauth;
mod octocrab_client;
mod pages;
mod webhooks;
