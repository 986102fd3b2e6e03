//! The launcher: a fresh process of the same program that builds the layers and becomes the command.
//!
//! ```text
//! supervisor ─▶ outer ─▶ init ─▶ command        with namespaces: `init` is the first process of the table
//!               outer ─▶ command                without: `outer` is the guard of `connect`
//! ```
//! `outer` ends as the command ended, and ends everything when the supervisor is gone.

mod command;
mod outer;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use crate::Policy;
use crate::control::{Message, Speaker};
use crate::sys;

/// First argument of the program when it is to be the launcher.
pub const COMMAND: &str = "launch";
/// Exit code when a layer could not be built, or the command not be started.
pub const NOT_STARTED: u8 = 125;

/// A layer that could not be built.
#[derive(Debug, thiserror::Error)]
#[error("{layer}: {source}")]
pub struct LayerError {
    layer: &'static str,
    source: io::Error,
}

pub(crate) trait Layer<T> {
    /// Names the layer that an error belongs to.
    fn layer(self, layer: &'static str) -> Result<T, LayerError>;
}

impl<T> Layer<T> for io::Result<T> {
    fn layer(self, layer: &'static str) -> Result<T, LayerError> {
        self.map_err(|source| LayerError { layer, source })
    }
}

/// What the launcher was told to do.
#[derive(Debug)]
pub struct Launch {
    policy: Policy,
    control: Speaker,
    program: OsString,
    arguments: Vec<OsString>,
}

/// Runs the launcher when the program was started as one. Must be called first of all in `main`, before any thread
/// exists.
pub fn if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COMMAND {
        return None;
    }
    let Some(launch) = Launch::parse(arguments) else { return Some(ExitCode::from(NOT_STARTED)) };
    Some(launch.run())
}

impl Launch {
    /// `CONTROL POLICY PROGRAM ARGUMENT…`
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let control = arguments.next()?.to_str()?.parse().ok().filter(|number| *number > 2)?;
        let policy = serde_json::from_str(arguments.next()?.to_str()?).ok()?;
        let program = arguments.next()?;
        Some(Self { policy, control: Speaker::new(sys::own(control)), program, arguments: arguments.collect() })
    }

    fn run(self) -> ExitCode {
        match outer::run(&self) {
            Ok(code) => code,
            Err(error) => {
                // When nobody listens any more, the exit code alone has to say it.
                let told = self.control.say(&Message::failed(error.layer, &error.source.to_string()), &[]);
                ExitCode::from(if told.is_ok() { NOT_STARTED } else { NOT_STARTED + 1 })
            }
        }
    }
}
