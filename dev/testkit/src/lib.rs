//! What tests over DynamoDB, S3, SQS and Step Functions share.
//!
//! [`World`] is a set of tables, with the keys and indexes of `template.yaml`, and a bucket that no other test knows,
//! on the local AWS engine. The engine is started once per process and ends with the last world of it. A [`Wait`] is
//! an execution that waits for a real task token. [`Functions`] stands in for Lambda on the wire and can serve our own
//! functions; [`CodeHost`] is a GitHub; [`World::mails`] are the mails that SES took; [`Log`] is what was logged.
//! [`sample`] and [`World::planned`] make the rows and objects that a test begins with.
//!
//! Needs the engine installed (`cargo xtask setup`): tests with a world stand in targets whose names begin with
//! `local_`, which `cargo xtask test --fast` leaves out. The functions here panic, as a test does.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

pub mod archive;
mod deployed;
mod engine;
mod functions;
mod host;
mod log;
mod mail;
pub mod sample;
mod story;
mod wait;
mod world;

pub use functions::Functions;
pub use host::CodeHost;
pub use log::Log;
pub use mail::Mail;
pub use wait::{Outcome, Wait};
pub use world::{Names, World};
