//! Storage: DynamoDB rows and S3 objects. Every change of a workflow is one transaction; nothing scans.
//!
//! [`Store`] has workflows, tickets, deliveries, outbox and logs; [`Gates`], [`Tokens`], [`ConsoleTable`] and [`Slots`]
//! have a table or a key range of their own, because IAM can tell tables apart and not rows. [`Objects`] is the bucket,
//! and [`Anchors`] the other one, in which nothing can be changed.

mod access;
mod anchors;
mod audit;
pub mod change_set;
mod codes;
mod console;
mod deliveries;
mod error;
mod gates;
mod inbox;
pub mod keys;
mod known;
mod logs;
mod objects;
mod outbox;
mod pulls;
mod row;
mod slack;
mod slots;
mod specs;
mod summaries;
mod tickets;
mod tokens;
mod workflows;

pub use anchors::{Anchored, Anchors};
pub use console::{ApiToken, ConsoleTable, Session};
pub use deliveries::{DeliveryClaim, DeliveryConflict};
pub use error::StoreError;
pub use gates::Gates;
pub use inbox::InboxItem;
pub use logs::LogLine;
pub use objects::Objects;
pub use outbox::OutboxRow;
pub use slack::{SlackBudget, SlackMessage, SlackThread};
pub use slots::{Grant, Line, Slots};
pub use summaries::{Span, Summary};
pub use tickets::TicketRow;
pub use tokens::Tokens;
pub use workflows::{Listing, Store};

/// A write that can be part of one of our transactions.
pub type TransactItem = aws_sdk_dynamodb::types::TransactWriteItem;
