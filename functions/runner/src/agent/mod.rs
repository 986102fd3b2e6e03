//! Mode `agent`: Pi on an approved SPEC.

mod prepare;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use camino::Utf8Path;
use domain::Digest;
use domain::budget::Usage;
use domain::task::{AgentWork, RunOutcome, Task};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::prepare::{Prepared, prepare, scope};
use crate::changes::archive::{Archive, Origin, pack};
use crate::changes::{ChangeLimits, find_changes};
use crate::disk::DiskWatch;
use crate::host::Host;
use crate::pi::home::{Endpoint, PiHome};
use crate::pi::session::{SessionEnd, Watch};
use crate::pi::{launch, prompt, session};
use crate::progress::Progress;
use crate::proxy::retry::RetryPolicy;
use crate::proxy::{Meter, ModelProxy, Protocol, ProxyConfig};
use crate::sandbox::{self, RefusedCount};

/// Largest workspace archive, bytes.
pub const MAX_WORKSPACE_BYTES: u64 = 1024 * 1024 * 1024;
/// Largest session file that is stored, bytes.
const MAX_SESSION_BYTES: u64 = 64 * 1024 * 1024;

/// What mode `agent` reports.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentResult {
    /// How it ended.
    pub outcome: RunOutcome,
    /// Digest of the stored change set.
    pub changes: Option<Digest>,
    /// What the model cost.
    pub usage: Usage,
    /// The agent's last words.
    pub summary: Option<String>,
    /// How many connections the sandbox's commands did not get.
    pub refused_connections: u64,
}

impl AgentResult {
    fn without_changes(outcome: RunOutcome) -> Self {
        Self { outcome, changes: None, usage: Usage::default(), summary: None, refused_connections: 0 }
    }
}

/// Runs the agent and stores the change set and the session. Whatever Pi changed is stored, however the run ended: what
/// it is worth is decided elsewhere.
pub async fn run(task: &Task, work: &AgentWork, host: &Host, progress: &Progress, folder: &Utf8Path) -> AgentResult {
    let deadline = Instant::now() + Duration::from_secs(task.limits.total_seconds);
    let refused = RefusedCount::default();
    let disk = match DiskWatch::begin(folder, Arc::clone(&host.measure)) {
        Ok(disk) => disk,
        Err(error) => {
            return AgentResult::without_changes(RunOutcome::SetupFailed { message: error.to_string() });
        }
    };
    let prepared = tokio::select! {
        prepared = prepare(task, work, host, folder, &disk, &refused) => prepared,
        () = host.stop.cancelled() => return AgentResult::without_changes(RunOutcome::Stopped),
        () = tokio::time::sleep_until(deadline) => return AgentResult::without_changes(RunOutcome::TimedOut),
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let message = format!("{error:#}");
            let refused_connections = refused.get();
            let outcome = RunOutcome::SetupFailed { message };
            return AgentResult { refused_connections, ..AgentResult::without_changes(outcome) };
        }
    };
    let silence = Duration::from_secs(task.limits.silence_seconds);
    let watch = Watch { silence, disk, deadline, stop: host.stop.clone() };
    let meter = Meter::new(work.model.prices, work.budget);
    let end = match supervise(task, work, host, progress, &prepared, &meter, &watch).await {
        Ok(end) => end,
        Err(error) => {
            let message = format!("{error:#}");
            SessionEnd { outcome: RunOutcome::AgentCrashed { message }, summary: None }
        }
    };
    let mut result = AgentResult {
        outcome: end.outcome,
        changes: None,
        usage: meter.state().usage,
        summary: end.summary,
        refused_connections: refused.get(),
    };
    match store(task, work, host, prepared).await {
        Ok(digest) => result.changes = Some(digest),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the change set is lost");
            let message = format!("the change set could not be stored: {error:#}");
            result.outcome = RunOutcome::AgentCrashed { message };
        }
    }
    result
}

async fn supervise(
    task: &Task,
    work: &AgentWork,
    host: &Host,
    progress: &Progress,
    prepared: &Prepared,
    meter: &Meter,
    watch: &Watch,
) -> anyhow::Result<SessionEnd> {
    let protocol = Protocol::from(work.model.provider);
    let model = work.model.model.clone();
    let upstream = match host.access.upstream(&work.model).await {
        Ok(upstream) => upstream,
        Err(error) => {
            let outcome = RunOutcome::ModelFailed { message: format!("{:#}", anyhow::Error::from(error)) };
            return Ok(SessionEnd { outcome, summary: None });
        }
    };
    let config =
        ProxyConfig { protocol, model: model.clone(), upstream, meter: meter.clone(), retry: RetryPolicy::default() };
    let sockets = host.sandbox.sockets(1).context("the model proxy cannot listen")?;
    let mut proxy = ModelProxy::new(config);
    let base_url = proxy.base_url(sockets.ports.first().copied().unwrap_or_default());
    let endpoint = Endpoint { protocol, base_url: &base_url, key: proxy.key(), model: &model };
    let instructions = prompt::instructions(work);
    let home = PiHome::create(&prepared.pi, endpoint, &work.spec.files, &instructions).context("Pi's folders")?;
    for folder in [home.agent(), home.sessions(), home.user()] {
        host.sandbox.give(&folder).context("Pi's folders")?;
    }
    let command = launch::command(&host.pi, &home, &prepared.workspace, &model, &host.environment);
    let scope = scope(task, prepared, &home);
    let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
    let contained = match sandbox::start(&*host.sandbox, &scope, sockets, command.as_std(), pipes).await {
        Ok(contained) => contained,
        Err(error) => {
            let outcome = RunOutcome::SetupFailed { message: format!("Pi cannot be started: {error}") };
            return Ok(SessionEnd { outcome, summary: None });
        }
    };
    for listener in contained.listeners {
        proxy.serve(listener).context("the model proxy cannot listen")?;
    }
    let end = session::run(contained.tree, prompt::task_message(task, work), watch, meter, progress).await;
    prepared.refused.count(contained.refused).await;
    Ok(end?)
}

/// Packs and stores what was changed; then the session, whose loss is only logged.
async fn store(task: &Task, work: &AgentWork, host: &Host, prepared: Prepared) -> anyhow::Result<Digest> {
    let Prepared { workspace, base, pi, writable, .. } = prepared;
    let limits = ChangeLimits {
        file_bytes: task.limits.max_file_bytes,
        total_bytes: task.limits.max_total_bytes,
        files: task.limits.max_files,
    };
    let origin =
        Origin { workflow_id: task.workflow_id.clone(), attempt: task.attempt, base_commit: task.base_commit.clone() };
    let packed = spawn_blocking(move || anyhow::Ok(pack(find_changes(&workspace, &base, &writable, limits)?, origin)?));
    let Archive { bytes, digest } = packed.await??;
    if let Some(session) = PiHome::at(&pi).session_file(MAX_SESSION_BYTES)
        && let Err(error) = host.transfers.put("the session file", &work.session_url, session).await
    {
        tracing::warn!(%error, "the session file is lost");
    }
    host.transfers.put("the change set", &work.changes_url, bytes).await?;
    Ok(digest)
}
