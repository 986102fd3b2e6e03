//! What a person sees on the terminal.

use std::fmt::Display;

use console::{Term, style};

/// A line of result, on standard output.
pub(crate) fn say(text: impl Display) {
    // Whoever reads may have closed the pipe; there is nobody left to tell.
    Term::stdout().write_line(&text.to_string()).ok();
}

/// A line about what happens now, on standard error.
pub(crate) fn step(text: impl Display) {
    Term::stderr().write_line(&format!("{} {text}", style("==>").cyan().for_stderr())).ok();
}

/// A line about something that went otherwise than asked, on standard error.
pub(crate) fn warn(text: impl Display) {
    Term::stderr().write_line(&format!("{} {text}", style("warning:").yellow().bold().for_stderr())).ok();
}

/// An error with its causes, on standard error.
pub(crate) fn error(error: &anyhow::Error) {
    Term::stderr().write_line(&format!("{} {error:#}", style("error:").red().bold().for_stderr())).ok();
}
