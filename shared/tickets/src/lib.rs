//! Ticket trackers: what they send us, and what we tell them.
//!
//! Each tracker is a module that turns its own words into [`domain::ticket::TicketEvent`] and our words into calls of
//! its API. Flux Lens is the only one so far; another one adds a module and nothing else.

pub mod flux_lens;
