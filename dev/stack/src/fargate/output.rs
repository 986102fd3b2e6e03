//! A sandbox's output, shipped to CloudWatch Logs as the awslogs driver does: one event a line, in batches, with the
//! execution role's credentials.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use jiff::Timestamp;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::Child;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::api::{self, Definition};
use crate::aws::Aws;
use crate::deploy::told;

/// How long lines are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(100);
/// Limits of one PutLogEvents call, with room to spare.
const BATCH_EVENTS: usize = 1_000;
const BATCH_BYTES: usize = 900_000;
/// The longest event that CloudWatch Logs takes, bytes, with room to spare.
const EVENT_BYTES: usize = 250_000;
/// What CloudWatch Logs adds to the size of each event.
const EVENT_OVERHEAD: usize = 26;

/// Ships until both outputs have ended.
pub(super) struct Shipper {
    task: JoinHandle<()>,
}

struct Line {
    at: Timestamp,
    text: String,
}

impl Shipper {
    /// Takes the child's outputs.
    pub(super) async fn start(aws: &Aws, definition: &Definition, id: &str, child: &mut Child, folder: &Path) -> Self {
        let (sender, receiver) = channel(BATCH_EVENTS);
        if let Some(output) = child.stdout.take() {
            tokio::spawn(read(output, sender.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(read(output, sender));
        }
        let stream = match Stream::open(aws, definition, id).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!("a sandbox's output goes to its file only: {error:#}");
                None
            }
        };
        let file = File::create(folder.join(format!("{id}.log"))).await.ok();
        Self { task: tokio::spawn(ship(receiver, stream, file)) }
    }

    /// Waits until everything is sent.
    pub(super) async fn finish(self) {
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "a sandbox's output was not all sent");
        }
    }
}

async fn read(output: impl AsyncRead + Unpin, sender: Sender<Line>) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text = String::from_utf8_lossy(&line).into_owned();
        if sender.send(Line { at: Timestamp::now(), text }).await.is_err() {
            return;
        }
    }
}

async fn ship(mut lines: Receiver<Line>, stream: Option<Stream>, mut file: Option<File>) {
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    while lines.recv_many(&mut batch, BATCH_EVENTS).await > 0 {
        // A batch that is not full waits for company, unless the end has come.
        if batch.len() < BATCH_EVENTS && !lines.is_closed() {
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH_EVENTS {
                let Ok(line) = lines.try_recv() else { break };
                batch.push(line);
            }
        }
        if let Some(file) = &mut file {
            let text: String = batch.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
            if let Err(error) = file.write_all(text.as_bytes()).await {
                tracing::debug!(%error, "a sandbox's output file is incomplete");
            }
        }
        if let Some(stream) = &stream
            && let Err(error) = stream.put(&batch).await
        {
            tracing::warn!("output of a sandbox is lost: {error:#}");
        }
        batch.clear();
    }
}

/// A log stream.
struct Stream {
    client: Client,
    group: String,
    name: String,
}

impl Stream {
    async fn open(aws: &Aws, definition: &Definition, id: &str) -> Result<Option<Self>> {
        let Some(logs) = &definition.logs else { return Ok(None) };
        let role = definition.execution_role.as_ref().context("the task definition has no execution role")?;
        let credentials = api::assume(aws, role, id).await?;
        let client = Client::new(&aws.config_as(credentials));
        let name = format!("{}/{}/{id}", logs.prefix, definition.container);
        let create = client.create_log_stream().log_group_name(&logs.group).log_stream_name(&name);
        create.send().await.map_err(told).context("making the log stream")?;
        Ok(Some(Self { client, group: logs.group.clone(), name }))
    }

    async fn put(&self, lines: &[Line]) -> Result<()> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        for line in lines {
            for part in parts(&line.text) {
                if bytes + part.len() + EVENT_OVERHEAD > BATCH_BYTES {
                    self.send(std::mem::take(&mut events)).await?;
                    bytes = 0;
                }
                bytes += part.len() + EVENT_OVERHEAD;
                events.push(InputLogEvent::builder().timestamp(line.at.as_millisecond()).message(part).build()?);
            }
        }
        self.send(events).await
    }

    async fn send(&self, events: Vec<InputLogEvent>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let put = self.client.put_log_events().log_group_name(&self.group).log_stream_name(&self.name);
        put.set_log_events(Some(events)).send().await.map(drop).map_err(told).context("sending output")
    }
}

/// A line as one or more events; an empty one as none, which CloudWatch Logs would refuse.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(EVENT_BYTES));
        parts.push(part);
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_become_several_events() {
        let text = "é".repeat(EVENT_BYTES + 1);
        let parts = parts(&text);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.len() <= EVENT_BYTES));
        assert_eq!(parts.concat(), text);
        assert!(super::parts("").is_empty());
    }
}
