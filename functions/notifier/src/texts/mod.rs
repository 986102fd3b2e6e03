//! Every text that a person gets from here, as pure functions: the same facts give the same words.
//!
//! Foreign words (tickets, SPECs, command output, comments) are shown and do nothing: no mention, no link, no markup,
//! no image, no credential.

pub mod code;
pub mod email;
mod markdown;
pub mod slack;
pub mod ticket;
mod words;

/// A mail, before it has a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For programs that show no HTML.
    pub text: String,
    /// A whole page, without images or anything else from elsewhere.
    pub html: String,
}
