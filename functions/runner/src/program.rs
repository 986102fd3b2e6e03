//! The program: one task from its URL to its report.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | the report was delivered; it says how the run ended, failures included |
//! | 64 | the environment variables are unusable; nothing was started |
//! | 74 | the task could not be read or the report not delivered: whoever waits learns it from this code |

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use camino::Utf8Path;
use domain::budget::Usage;
use domain::ids::{Attempt, WorkflowId};
use domain::task::{ProgressEvent, REPORT_VERSION, RunKind, RunOutcome, RunReport, TASK_VERSION, Task, Work};
use isolation::policy::Identity;
use isolation::sandbox::{Layers, Wanted};
use isolation::supervisor::Launcher;
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::disk::Space;
use crate::environment::ToolEnvironment;
use crate::host::{Config, Host, ModelAccess};
use crate::packages::dial::Resolved;
use crate::process::tree;
use crate::progress::{Progress, Sink, shorten, shortened_outcome};
use crate::transfer::Transfers;
use crate::{agent, qa, sandbox};

/// Exit code for unusable environment variables (`EX_USAGE`).
const EX_USAGE: u8 = 64;
/// Exit code when the task or the report did not get through (`EX_IOERR`).
const EX_IOERR: u8 = 74;
/// Whom everything runs as that is not the supervisor, where the supervisor is root. The image has this user too.
pub const SANDBOX_USER: Identity = Identity { uid: 10_001, gid: 10_001 };
/// Largest `task.json`, bytes.
const MAX_TASK_BYTES: u64 = 4 * 1024 * 1024;

/// Everything that `main` does, but for the launcher of the sandbox.
#[tokio::main]
pub async fn main() -> ExitCode {
    runtime::telemetry::init();
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            tracing::error!(%error, "the runner is not configured");
            return ExitCode::from(EX_USAGE);
        }
    };
    let result = supervise(&config).await;
    let leftovers = tree::end_adopted().await;
    if leftovers > 0 {
        tracing::warn!(leftovers, "processes outlived the run and were ended");
    }
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the run has no report");
            ExitCode::from(EX_IOERR)
        }
    }
}

async fn supervise(config: &Config) -> anyhow::Result<RunReport> {
    let mount_point = tempfile::tempdir_in(&config.work_dir).context("the work folder cannot be used")?;
    let host = host(config, mount_point.path()).await?;
    run(&config.task_url, &host, Box::new(std::io::stdout())).await
}

async fn host(config: &Config, mount_point: &Path) -> anyhow::Result<Host> {
    sandbox::harden_this_process();
    tree::adopt_orphans().context("orphaned processes cannot be adopted")?;
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).context("signals cannot be received")?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            tracing::info!("told to stop");
            stop.cancel();
        });
    }
    let environment = ToolEnvironment::from_host(|name| std::env::var(name).ok());
    Ok(Host {
        pi: config.pi.clone(),
        work_dir: config.work_dir.clone(),
        sandbox: Arc::new(isolation(config, &environment, mount_point).await?),
        environment,
        access: ModelAccess::TaskRole { secret: config.model_secret.clone() },
        transfers: Transfers::new()?,
        dial: Arc::new(Resolved),
        measure: Arc::new(Space::at),
        clock: Arc::new(domain::Timestamp::now),
        stop,
    })
}

/// The best isolation that this machine offers.
async fn isolation(
    config: &Config,
    environment: &ToolEnvironment,
    mount_point: &Path,
) -> anyhow::Result<isolation::Sandbox> {
    let wanted = Wanted {
        user: SANDBOX_USER,
        layers: Layers::ALL,
        surrounded: config.surrounded,
        weak: config.weak,
        programs: sandbox::programs(environment, &config.pi),
        mount_point: mount_point.to_owned(),
    };
    Ok(isolation::Sandbox::probe(Launcher::this_program()?, wanted).await?)
}

/// As much of a task as is needed to report that the rest cannot be understood.
#[derive(Deserialize)]
struct Addressee {
    workflow_id: WorkflowId,
    attempt: Attempt,
    report_url: String,
}

/// Fetches the task, does it, and delivers the report.
///
/// # Errors
/// The task cannot be read or the report not be delivered. Every other failure is an outcome in the report.
pub async fn run(task_url: &str, host: &Host, sink: Sink) -> anyhow::Result<RunReport> {
    let started = Instant::now();
    let bytes = host.transfers.get("the task", task_url, MAX_TASK_BYTES).await?;
    let addressee: Addressee = serde_json::from_slice(&bytes).context("the task says nobody to report to")?;
    let mut report = RunReport {
        version: REPORT_VERSION,
        workflow_id: addressee.workflow_id,
        attempt: addressee.attempt,
        outcome: RunOutcome::Stopped,
        changes: None,
        qa_report: None,
        usage: Usage::default(),
        summary: None,
        isolation: host.sandbox.layers(),
        refused_connections: 0,
        duration_ms: 0,
    };
    match parse(&bytes) {
        Ok(task) => work(&task, host, sink, &mut report).await,
        Err(error) => report.outcome = RunOutcome::SetupFailed { message: format!("{error:#}") },
    }
    report.outcome = shortened_outcome(report.outcome);
    report.summary = report.summary.map(|summary| shorten(&summary, 4_096));
    report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    host.transfers.put("the report", &addressee.report_url, serde_json::to_vec(&report)?).await?;
    Ok(report)
}

fn parse(bytes: &[u8]) -> anyhow::Result<Task> {
    let task: Task = serde_json::from_slice(bytes).context("the task is not of the form that this runner knows")?;
    anyhow::ensure!(
        task.version == TASK_VERSION,
        "the task has version {}, this runner knows {TASK_VERSION}",
        task.version
    );
    Ok(task)
}

async fn work(task: &Task, host: &Host, sink: Sink, report: &mut RunReport) {
    let kind = match task.work {
        Work::Agent(_) => RunKind::Agent,
        Work::Qa(_) => RunKind::Qa,
    };
    tracing::info!(workflow_id = %task.workflow_id, attempt = task.attempt.get(), run = kind.as_str(), "a run begins");
    let progress = Progress::new(task.workflow_id.clone(), task.attempt, kind, host.clock.clone(), sink);
    progress.emit(ProgressEvent::Started { isolation: report.isolation.clone() });
    let heartbeat = progress.heartbeat();
    // Passed through by another user, who cannot list it.
    let open = std::fs::Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new().prefix("pi-tickets-").permissions(open).tempdir_in(&host.work_dir);
    match folder.as_ref().map(|folder| Utf8Path::from_path(folder.path())) {
        Ok(Some(folder)) => work_in(task, host, &progress, folder, report).await,
        Ok(None) => report.outcome = setup_failed("the work folder's name is not UTF-8"),
        Err(error) => report.outcome = setup_failed(&format!("no work folder can be made: {error}")),
    }
    drop(heartbeat);
    progress.emit(ProgressEvent::Ended { outcome: report.outcome.clone() });
}

async fn work_in(task: &Task, host: &Host, progress: &Progress, folder: &Utf8Path, report: &mut RunReport) {
    match &task.work {
        Work::Agent(work) => {
            let result = agent::run(task, work, host, progress, folder).await;
            report.outcome = result.outcome;
            report.changes = result.changes;
            report.usage = result.usage;
            report.summary = result.summary;
            report.refused_connections = result.refused_connections;
        }
        Work::Qa(work) => {
            let result = qa::run(task, work, host, progress, folder).await;
            report.outcome = result.outcome;
            report.qa_report = result.report;
            report.refused_connections = result.refused_connections;
        }
    }
}

fn setup_failed(message: &str) -> RunOutcome {
    RunOutcome::SetupFailed { message: message.to_owned() }
}
