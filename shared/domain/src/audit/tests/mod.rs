//! Every edit is found where it was made, and nothing else is.

mod cases;
mod chains;
mod edits;
mod exported;
