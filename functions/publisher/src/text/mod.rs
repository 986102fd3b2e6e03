//! Everything that people read on GitHub, as pure functions.

mod body;
mod escape;
mod evidence;
mod names;

pub use body::{BodyFacts, FileRow, Lines, close_comment, closed_marker, pull_body, waiting_comment, waiting_marker};
pub use escape::{inline_code, markdown, plain};
pub use names::{branch_name, commit_message, is_ours, marker, names_us, pull_title};
