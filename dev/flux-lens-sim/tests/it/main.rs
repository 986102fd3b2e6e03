//! The simulator over the wire: its REST API, its webhooks, its control API, its pages.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod deliveries;
mod forgeries;
mod pages;
mod rest;
mod world;
