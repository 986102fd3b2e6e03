//! The stand-in for Fargate.
//!
//! Without a container engine, the local AWS engine marks a task as running and leaves it at that. The stand-in finds
//! such tasks, starts the real `runner` program with their environment and role, ships its output to CloudWatch Logs
//! as the awslogs driver does, ends it when the task is stopped, and reports how it ended.

mod api;
mod output;
mod sandbox;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use sandbox::Sandbox;

/// How often the engine is asked for tasks.
const POLL: Duration = Duration::from_millis(80);

/// What the stand-in needs to start sandboxes.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// The cluster whose tasks it runs.
    pub cluster: String,
    /// The `runner` program.
    pub runner: PathBuf,
    /// The `stack` program, which [contains](crate::contain) the runner.
    pub container: PathBuf,
    /// Where the sandboxes' output is kept.
    pub logs: PathBuf,
    /// What the image would provide: where Node, Pi and the toolchains are.
    pub environment: BTreeMap<String, String>,
}

/// The running stand-in. Dropping it ends all sandboxes without waiting.
#[derive(Debug)]
pub(crate) struct Fargate {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Fargate {
    /// Begins to look for tasks.
    pub(crate) fn start(aws: Aws, host: Host) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch(aws, host, stop.clone()));
        Self { stop, task }
    }

    /// Ends every sandbox, and returns when they are gone.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the stand-in for Fargate ended badly");
        }
    }
}

impl Drop for Fargate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A sandbox, and how it is told to end.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn watch(aws: Aws, host: Host, stop: CancellationToken) {
    let mut running: HashMap<String, Running> = HashMap::new();
    loop {
        match api::tasks(&aws, &host.cluster, running.keys()).await {
            Ok(tasks) => {
                for task in tasks {
                    if let Some(running) = running.get(&task.arn) {
                        if task.is_stopping {
                            running.stop.cancel();
                        }
                    } else {
                        let token = CancellationToken::new();
                        if task.is_stopping {
                            token.cancel();
                        }
                        let (arn, sandbox) = (task.arn.clone(), Sandbox::new(aws.clone(), host.clone(), task));
                        let task = tokio::spawn(sandbox.run(token.clone()));
                        running.insert(arn, Running { stop: token, task });
                    }
                }
            }
            Err(error) if stop.is_cancelled() => tracing::debug!("{error:#}"),
            Err(error) => tracing::warn!("the engine's tasks could not be read: {error:#}"),
        }
        running.retain(|_, running| !running.task.is_finished());
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(POLL) => {}
        }
    }
    for running in running.values() {
        running.stop.cancel();
    }
    for (_, running) in running {
        if let Err(error) = running.task.await {
            tracing::warn!(%error, "a sandbox ended badly");
        }
    }
}
