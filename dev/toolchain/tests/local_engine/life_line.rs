//! A named pipe that a process holds open for as long as it lives.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::stat::Mode;

/// Tells when a process has opened the pipe, and when the last process that held it is gone.
pub(crate) struct LifeLine {
    path: PathBuf,
    events: Option<Receiver<&'static str>>,
}

impl LifeLine {
    pub(crate) fn new(folder: &tempfile::TempDir) -> Self {
        let mut line = Self::at(folder.path().to_owned());
        nix::unistd::mkfifo(&line.path, Mode::S_IRWXU).unwrap();
        let (sender, events) = channel();
        let path = line.path.clone();
        std::thread::spawn(move || {
            // Opening blocks until a writer is there, reading until the last one is gone.
            let mut pipe = BufReader::new(File::open(path).unwrap());
            let mut text = String::new();
            while pipe.read_line(&mut text).unwrap() > 0 {
                sender.send("started").ok();
            }
            sender.send("ended").ok();
        });
        line.events = Some(events);
        line
    }

    /// The same pipe, seen from the process that starts its writer.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { path: folder.join("life-line"), events: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn wait_for_start(&self, limit: Duration) {
        self.wait_for("started", limit);
    }

    pub(crate) fn wait_for_end(&self, limit: Duration) {
        self.wait_for("ended", limit);
    }

    fn wait_for(&self, event: &str, limit: Duration) {
        let events = self.events.as_ref().unwrap();
        assert_eq!(events.recv_timeout(limit), Ok(event));
    }
}
