//! Mode `agent`: Pi on an approved SPEC.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::budget::Usage;
use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::path::RepoPath;
use domain::task::{AgentWork, RunLimits, RunOutcome, Task};
use isolation::policy::Frozen;
use isolation::sandbox::Scope;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::changes::archive::{Archive, Origin, pack, read, unpacked_limit};
use crate::changes::{ChangeLimits, apply, find_changes};
use crate::host::Host;
use crate::pi::home::{Endpoint, PiHome};
use crate::pi::session::{SessionEnd, Watch};
use crate::pi::{launch, prompt, session};
use crate::progress::Progress;
use crate::proxy::retry::RetryPolicy;
use crate::proxy::{Meter, ModelProxy, Protocol, ProxyConfig};
use crate::sandbox;
use crate::workspace::git::GIT_FOLDER;
use crate::workspace::unpack::{UnpackLimits, unpack};
use crate::workspace::{BaseTree, git};

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
}

impl AgentResult {
    fn without_changes(outcome: RunOutcome) -> Self {
        Self { outcome, changes: None, usage: Usage::default(), summary: None }
    }
}

/// Runs the agent and stores the change set and the session. Whatever Pi changed is stored, however the run ended: what
/// it is worth is decided elsewhere.
pub async fn run(task: &Task, work: &AgentWork, host: &Host, progress: &Progress, folder: &Utf8Path) -> AgentResult {
    let deadline = Instant::now() + Duration::from_secs(task.limits.total_seconds);
    let prepared = tokio::select! {
        prepared = prepare(task, work, host, folder) => prepared,
        () = host.stop.cancelled() => return AgentResult::without_changes(RunOutcome::Stopped),
        () = tokio::time::sleep_until(deadline) => return AgentResult::without_changes(RunOutcome::TimedOut),
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let message = format!("{error:#}");
            return AgentResult::without_changes(RunOutcome::SetupFailed { message });
        }
    };
    let watch = Watch { silence: Duration::from_secs(task.limits.silence_seconds), deadline, stop: host.stop.clone() };
    let meter = Meter::new(work.model.prices, work.budget);
    let end = match supervise(task, work, host, progress, &prepared, &meter, &watch).await {
        Ok(end) => end,
        Err(error) => {
            let message = format!("{error:#}");
            SessionEnd { outcome: RunOutcome::AgentCrashed { message }, summary: None }
        }
    };
    let mut result =
        AgentResult { outcome: end.outcome, changes: None, usage: meter.state().usage, summary: end.summary };
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

struct Prepared {
    workspace: Utf8PathBuf,
    base: BaseTree,
    pi: Utf8PathBuf,
    writable: BTreeSet<RepoPath>,
}

/// Only the SPEC's files can be changed; the throwaway Git history is the agent's own.
fn divide(host: &Host, workspace: &Utf8Path, writable: &BTreeSet<RepoPath>) -> std::io::Result<()> {
    host.sandbox.divide(workspace, writable)?;
    let history = workspace.join(GIT_FOLDER);
    if history.is_dir() { host.sandbox.give(&history) } else { Ok(()) }
}

/// What Pi may touch.
fn scope(task: &Task, prepared: &Prepared, home: &PiHome) -> Scope {
    let except = prepared.writable.iter().map(RepoPath::as_str).chain([GIT_FOLDER]);
    let folder = prepared.workspace.as_std_path().to_owned();
    let own = [home.agent(), home.sessions(), home.user()];
    Scope {
        read: vec![prepared.pi.clone().into()],
        write: own.into_iter().map(Into::into).chain([folder.clone()]).collect(),
        tree: Some(Frozen { folder: folder.clone(), except: except.map(Into::into).collect() }),
        limits: sandbox::limits(task),
        folder,
    }
}

async fn prepare(task: &Task, work: &AgentWork, host: &Host, folder: &Utf8Path) -> anyhow::Result<Prepared> {
    anyhow::ensure!(work.spec.digest()? == work.spec_digest, "the SPEC is not the one that was approved");
    let archive = host.transfers.fetch("the workspace", &task.workspace, MAX_WORKSPACE_BYTES).await?;
    let workspace = folder.join("workspace");
    let base = unpack_into(archive.clone(), workspace.clone()).await?;
    let git_home = folder.join("git-home");
    tokio::fs::create_dir(&git_home).await?;
    if let Err(error) = git::commit_base(&workspace, &git_home, host.environment.path()).await {
        tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "the agent has no Git history");
    }
    if let Some(previous) = &work.previous_changes {
        let bytes = host.transfers.fetch("the previous change set", previous, MAX_ARCHIVE_BYTES).await?;
        apply_to(bytes, workspace.clone(), task.limits).await.context("the previous change set cannot be applied")?;
    }
    let writable: BTreeSet<RepoPath> = work.spec.files.iter().map(|file| file.path.clone()).collect();
    divide(host, &workspace, &writable).context("the workspace cannot be divided")?;
    let pi = folder.join("pi");
    tokio::fs::create_dir(&pi).await?;
    Ok(Prepared { workspace, base, pi, writable })
}

/// Unpacks a workspace archive into a new folder.
pub(crate) async fn unpack_into(archive: Bytes, folder: Utf8PathBuf) -> anyhow::Result<BaseTree> {
    spawn_blocking(move || {
        std::fs::create_dir(&folder)?;
        Ok(unpack(archive.as_ref(), &folder, UnpackLimits::default())?)
    })
    .await?
}

/// Applies a change set to a fresh base tree.
pub(crate) async fn apply_to(archive: Bytes, folder: Utf8PathBuf, limits: RunLimits) -> anyhow::Result<()> {
    spawn_blocking(move || {
        let (manifest, contents) = read(&archive, unpacked_limit(limits))?;
        Ok(apply(&manifest, &contents, &folder)?)
    })
    .await?
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
    Ok(session::run(contained.tree, prompt::task_message(task, work), watch, meter, progress).await?)
}

/// Packs and stores what was changed; then the session, whose loss is only logged.
async fn store(task: &Task, work: &AgentWork, host: &Host, prepared: Prepared) -> anyhow::Result<Digest> {
    let Prepared { workspace, base, pi, writable } = prepared;
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
