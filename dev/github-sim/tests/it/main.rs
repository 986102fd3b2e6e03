//! The simulator as its clients see it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod archive;
mod control;
mod faults;
mod lifecycle;
mod octocrab_client;
mod pages;
mod webhooks;
