//! One task: from its definition to its exit code.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::Host;
use super::api::{self, Definition, Task};
use super::output::Shipper;
use crate::aws::Aws;

/// The exit code of a sandbox that could not be started.
const EXIT_NOT_STARTED: i32 = 125;
/// How much longer than its own grace the container gets before it is killed.
const MARGIN: Duration = Duration::from_secs(10);
/// How often the report of the end is tried.
const REPORTS: u32 = 5;

/// One task.
pub(super) struct Sandbox {
    aws: Aws,
    host: Host,
    task: Task,
}

impl Sandbox {
    pub(super) fn new(aws: Aws, host: Host, task: Task) -> Self {
        Self { aws, host, task }
    }

    /// Runs the task and reports its end.
    pub(super) async fn run(self, stop: CancellationToken) {
        let (code, reason) = match self.contain(&stop).await {
            Ok(status) => (status.code().unwrap_or(EXIT_NOT_STARTED), None),
            Err(error) => {
                tracing::warn!(task = self.task.id(), "a sandbox could not be run: {error:#}");
                (EXIT_NOT_STARTED, Some(format!("CannotStartContainerError: {error:#}")))
            }
        };
        tracing::debug!(task = self.task.id(), code, "a sandbox ended");
        for attempt in 1..=REPORTS {
            match api::report(&self.aws, &self.host.cluster, &self.task, code, reason.as_deref()).await {
                Ok(()) => return,
                Err(error) if attempt == REPORTS => tracing::debug!("{error:#}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn contain(&self, stop: &CancellationToken) -> Result<ExitStatus> {
        let definition = api::definition(&self.aws, &self.task.definition).await?;
        // Not inside this checkout, whose files build tools would take for the repository's surroundings.
        // Passed through by the sandbox's own user, who cannot list it.
        let open = std::fs::Permissions::from_mode(0o711);
        let scratch = tempfile::Builder::new().prefix("pi-tickets-sandbox-").permissions(open).tempdir();
        let scratch = scratch.context("making a folder")?;
        for name in ["home", "tmp"] {
            let path = scratch.path().join(name);
            std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        }
        let environment = self.environment(&definition, scratch.path()).await?;
        let mut child = self.spawn(&definition, environment, scratch.path())?;
        // From here on it is the container's to remove, also when we are gone.
        drop(scratch.keep());
        // A pipe that we never write to. When we are gone it ends, and the sandbox with it.
        let life_line = child.stdin.take();
        let shipper = Shipper::start(&self.aws, &definition, self.task.id(), &mut child, &self.host.logs).await;
        let status = tokio::select! {
            status = child.wait() => status,
            () = stop.cancelled() => {
                let grace = Duration::from_secs(definition.stop_seconds);
                if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
                    // The only failure is that it has just ended.
                    kill(Pid::from_raw(id), Signal::SIGTERM).ok();
                }
                if let Ok(status) = tokio::time::timeout(grace + MARGIN, child.wait()).await {
                    status
                } else {
                    child.start_kill().ok();
                    child.wait().await
                }
            }
        };
        drop(life_line);
        shipper.finish().await;
        status.context("waiting for a sandbox")
    }

    /// Of the image, the definition, the task, and the role, in this order. Nothing of our own environment.
    async fn environment(&self, definition: &Definition, scratch: &Path) -> Result<BTreeMap<String, String>> {
        let mut environment = self.host.environment.clone();
        environment.extend(definition.environment.clone());
        environment.extend(self.task.environment.clone());
        let path = |name: &str| scratch.join(name).display().to_string();
        let own = [
            ("HOME", path("home")),
            ("TMPDIR", path("tmp")),
            ("PI_TICKETS_WORK_DIR", path("tmp")),
            ("AWS_REGION", self.aws.region().to_owned()),
            ("AWS_ENDPOINT_URL", self.aws.endpoint().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // There are no subnets here: the sandbox has to keep the network by itself.
            ("PI_TICKETS_NETWORK", "open".to_owned()),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if let Some(role) = &definition.task_role {
            let session = api::assume(&self.aws, role, self.task.id()).await?;
            let keys = [
                ("AWS_ACCESS_KEY_ID", session.access_key_id()),
                ("AWS_SECRET_ACCESS_KEY", session.secret_access_key()),
                ("AWS_SESSION_TOKEN", session.session_token().unwrap_or_default()),
            ];
            environment.extend(keys.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Ok(environment)
    }

    fn spawn(&self, definition: &Definition, environment: BTreeMap<String, String>, scratch: &Path) -> Result<Child> {
        Command::new(&self.host.container)
            .arg("contain")
            .args(["--stop-seconds", &definition.stop_seconds.to_string(), "--scratch"])
            .arg(scratch)
            .arg(&self.host.runner)
            .env_clear()
            .envs(environment)
            .current_dir(scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on our terminal is ours to handle.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} could not be started", self.host.container.display()))
    }
}
