//! Running a command while reading along.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

/// How many of the last lines of output an error shows.
const TAIL_LINES: usize = 15;

/// The last lines that a command wrote.
#[derive(Clone, Debug, Default)]
pub struct Tail(VecDeque<String>);

impl Tail {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == TAIL_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn of(text: &str) -> Self {
        let mut tail = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            tail.push(line.to_owned());
        }
        tail
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}

/// A command that could not be run or that failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("`{command}` could not be started")]
    Start {
        /// As a person would type it.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed ({status}); its whole output is in {}{tail}", log.display())]
    Failed {
        /// As a person would type it.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output.
        tail: Tail,
        /// Where the whole output is.
        log: PathBuf,
    },
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Runs `command` to its end, writes its output to `log` and hands every line to `on_line`.
pub(crate) fn run(command: &mut Command, log: &PathBuf, on_line: &(dyn Fn(&str) + Sync)) -> Result<(), CommandError> {
    let start_error = |source| CommandError::Start { command: shown(command), source };
    let file = File::options().create(true).append(true).open(log).map_err(start_error)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| CommandError::Start { command: shown(command), source })?;

    let sink = Mutex::new((file, Tail::default()));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        if let Some(pipe) = stdout {
            scope.spawn(|| read_along(pipe, &sink, on_line));
        }
        if let Some(pipe) = stderr {
            scope.spawn(|| read_along(pipe, &sink, on_line));
        }
    });

    let status = child.wait().map_err(|source| CommandError::Start { command: shown(command), source })?;
    if status.success() {
        return Ok(());
    }
    let (_, tail) = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
    Err(CommandError::Failed { command: shown(command), status, tail, log: log.clone() })
}

fn read_along(pipe: impl Read, sink: &Mutex<(File, Tail)>, on_line: &(dyn Fn(&str) + Sync)) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    // A pipe that cannot be read any more is one whose writer ended: the exit status tells.
    while pipe.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if line.is_empty() {
            continue;
        }
        on_line(&line);
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not hide the installer's own error about it.
        writeln!(sink.0, "{line}").ok();
        sink.1.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> (Result<(), CommandError>, Vec<String>, String) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let lines = Mutex::new(Vec::new());
        let result = run(Command::new("sh").args(["-c", script]), &log, &|line| {
            lines.lock().unwrap().push(line.to_owned());
        });
        (result, lines.into_inner().unwrap(), std::fs::read_to_string(&log).unwrap())
    }

    #[test]
    fn output_is_read_along_and_logged() {
        let (result, lines, log) = sh("echo one; printf 'bad \\377 byte'");
        result.unwrap();
        assert_eq!(lines, ["one", "bad \u{fffd} byte"]);
        assert_eq!(log, "one\nbad \u{fffd} byte\n");
    }

    #[test]
    fn a_failure_shows_the_command_and_the_last_lines() {
        let (result, ..) = sh("for i in $(seq 40); do echo line $i >&2; done; exit 3");
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with("`sh -c for i in"), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.ends_with("\n  | line 40"), "{message}");
        assert!(message.contains("\n  | line 26\n") && !message.contains("| line 25\n"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = run(&mut Command::new("no-such-program"), &dir.path().join("log"), &|_| {}).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` could not be started");
    }
}
