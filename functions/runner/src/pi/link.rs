//! The two pipes to a running Pi: commands out, records in, and what it complains about.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use super::lines::{BoundedLines, Line};
use super::rpc::{self, Command, MAX_RECORD_BYTES, Record};

/// Records that wait for the supervisor at most; then Pi waits.
const QUEUE: usize = 256;
/// How much of Pi's standard error is kept, in bytes.
const MAX_STDERR_BYTES: usize = 4_096;

/// A connection to Pi.
#[derive(Debug)]
pub struct Link {
    stdin: Option<ChildStdin>,
    records: mpsc::Receiver<Record>,
    complaints: Arc<Mutex<VecDeque<u8>>>,
    next_id: u64,
}

impl Link {
    /// Over these pipes.
    pub fn new(stdin: ChildStdin, stdout: ChildStdout, stderr: ChildStderr) -> Self {
        let (sender, records) = mpsc::channel(QUEUE);
        tokio::spawn(read_records(stdout, sender));
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        tokio::spawn(read_complaints(stderr, Arc::clone(&complaints)));
        Self { stdin: Some(stdin), records, complaints, next_id: 1 }
    }

    /// Sends a command and returns its correlation id.
    ///
    /// # Errors
    /// Pi has closed its input.
    pub async fn send(&mut self, command: &Command) -> std::io::Result<String> {
        let id = self.next_id.to_string();
        self.next_id += 1;
        let stdin = self.stdin.as_mut().ok_or_else(|| std::io::Error::other("the input is closed"))?;
        stdin.write_all(&command.to_line(&id)?).await?;
        stdin.flush().await?;
        Ok(id)
    }

    /// The next record; `None` when Pi has closed its output. Cancel safe.
    pub async fn next(&mut self) -> Option<Record> {
        self.records.recv().await
    }

    /// Closes Pi's input, which asks it to end.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// The end of what Pi wrote to standard error.
    pub fn complaints(&self) -> String {
        let bytes: Vec<u8> = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

async fn read_records(stdout: ChildStdout, sender: mpsc::Sender<Record>) {
    let mut lines = BoundedLines::new(BufReader::new(stdout), MAX_RECORD_BYTES);
    loop {
        let record = match lines.next().await {
            Ok(Some(Line::Text(line))) => match rpc::decode(&line) {
                Ok(record) => record,
                Err(error) => {
                    tracing::warn!(%error, bytes = line.len(), "a line of Pi is not a record");
                    continue;
                }
            },
            Ok(Some(Line::TooLong { bytes })) => Record::Other(format!("a record of {bytes} bytes")),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "Pi's output could not be read");
                return;
            }
        };
        if sender.send(record).await.is_err() {
            return;
        }
    }
}

async fn read_complaints(mut stderr: ChildStderr, kept: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 1_024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..length]);
        let excess = kept.len().saturating_sub(MAX_STDERR_BYTES);
        kept.drain(..excess);
    }
}
