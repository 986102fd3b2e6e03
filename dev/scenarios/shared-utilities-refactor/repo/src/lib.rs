//! Plain-text documents of the Acme ledger. Amounts are in cents; documents are [`WIDTH`] characters wide.

pub mod export;
pub mod invoice;
pub mod receipt;
pub mod reminder;
pub mod statement;

/// Width of a document, in characters.
pub const WIDTH: usize = 40;

/// A line of a document: what, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What was sold, or what happened.
    pub label: String,
    /// In cents; negative for credit.
    pub cents: i64,
}

impl Item {
    /// A line.
    pub fn new(label: impl Into<String>, cents: i64) -> Self {
        Self { label: label.into(), cents }
    }
}
