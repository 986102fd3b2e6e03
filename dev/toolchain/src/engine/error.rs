use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::run::Tail;

/// The engine could not be started, or it ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A folder or file of the engine's state could not be made.
    #[error("{} could not be written", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine has no loopback port to give.
    #[error("no free port on 127.0.0.1")]
    NoPort {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine has no random numbers to give.
    #[error("the operating system's random numbers could not be read: {reason}")]
    NoRandom {
        /// Why.
        reason: String,
    },
    /// The interpreter could not be started.
    #[error(
        "the local AWS engine could not be started with {}; `cargo xtask setup` installs it",
        python.display()
    )]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine ended by itself.
    #[error("the local AWS engine ended by itself ({status}); its log is {}{tail}", log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log: PathBuf,
        /// The end of the log.
        tail: Tail,
    },
    /// The engine runs and does not answer.
    #[error(
        "the local AWS engine did not answer within {} s; its log is {}{tail}",
        after.as_secs(), log.display()
    )]
    NotReady {
        /// How long was waited.
        after: Duration,
        /// The whole log.
        log: PathBuf,
        /// The end of the log.
        tail: Tail,
    },
    /// The operating system does not say whether the process runs.
    #[error("the state of the local AWS engine's process could not be read")]
    Wait {
        /// Why.
        #[source]
        source: io::Error,
    },
}
