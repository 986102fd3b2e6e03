//! Mode `qa`: the repository's gates at the base commit, and on base + change set.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use camino::Utf8Path;
use domain::Digest;
use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::qa::{QA_REPORT_VERSION, QaReport};
use domain::task::{QaWork, RunOutcome, Task};
use tokio::time::Instant;

use crate::agent::MAX_WORKSPACE_BYTES;
use crate::changes::archive::{read, unpacked_limit};
use crate::disk::DiskWatch;
use crate::gates::report::render_html;
use crate::gates::{CommandRunner, GateRun, Overlay, Stage, run_gates};
use crate::host::Host;
use crate::packages::Doorway;
use crate::progress::Progress;
use crate::sandbox::{RefusedCount, limits};

/// What mode `qa` reports.
#[derive(Debug, Clone, PartialEq)]
pub struct QaResult {
    /// How it ended.
    pub outcome: RunOutcome,
    /// Digest of the stored QA report.
    pub report: Option<Digest>,
    /// How many connections the sandbox's commands did not get.
    pub refused_connections: u64,
}

/// Runs the gates and stores the report and the full output.
pub async fn run(task: &Task, work: &QaWork, host: &Host, progress: &Progress, folder: &Utf8Path) -> QaResult {
    let started = Instant::now();
    let stopped = QaResult { outcome: RunOutcome::Stopped, report: None, refused_connections: 0 };
    let deadline = started + Duration::from_secs(task.limits.total_seconds);
    let failed = |error: anyhow::Error| QaResult {
        outcome: RunOutcome::SetupFailed { message: format!("{error:#}") },
        report: None,
        refused_connections: 0,
    };
    let disk = match DiskWatch::begin(folder, Arc::clone(&host.measure)) {
        Ok(disk) => disk,
        Err(error) => return failed(error.into()),
    };
    let prepared = tokio::select! {
        prepared = prepare(task, work, host, folder) => prepared,
        () = host.stop.cancelled() => return stopped,
        () = tokio::time::sleep_until(deadline) => return QaResult { outcome: RunOutcome::TimedOut, report: None, refused_connections: 0 },
    };
    let (stage, changes) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return failed(error),
    };
    let runner = CommandRunner {
        environment: host.environment.clone(),
        sandbox: host.sandbox.clone(),
        home: stage.home(),
        products: vec![],
        limits: limits(task),
        log: folder.join("output.log"),
        max_output_bytes: task.limits.max_output_bytes,
        refused: RefusedCount::default(),
        disk,
        deadline,
        stop: host.stop.clone(),
    };
    let gates = GateRun {
        gates: &work.gates,
        setup: work.setup.as_ref(),
        checklist: &work.checklist,
        files: &work.files,
        bug: work.bug,
    };
    let doorway = Doorway::new(task.packages.clone(), host.dial.clone());
    let results = run_gates(gates, stage, changes, &runner, doorway, progress).await;
    if host.stop.is_cancelled() {
        return stopped;
    }
    let results = match results {
        Ok(results) => results,
        Err(error) => return failed(error.context("the gates could not be run")),
    };
    let report = QaReport {
        version: QA_REPORT_VERSION,
        workflow_id: task.workflow_id.clone(),
        attempt: task.attempt,
        base_commit: task.base_commit.clone(),
        change_set: work.changes.digest,
        setup: results.setup,
        gates: results.gates,
        checklist: results.checklist,
        findings: results.findings,
        bug_proof: results.bug_proof,
        refused_connections: runner.refused.get(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    match store(work, host, &report, &runner.log).await {
        Ok(digest) => {
            QaResult { outcome: RunOutcome::Completed, report: Some(digest), refused_connections: runner.refused.get() }
        }
        Err(error) => failed(error.context("the QA report could not be stored")),
    }
}

async fn prepare(task: &Task, work: &QaWork, host: &Host, folder: &Utf8Path) -> anyhow::Result<(Stage, Overlay)> {
    let archive = host.transfers.fetch("the workspace", &task.workspace, MAX_WORKSPACE_BYTES).await?;
    let changes = host.transfers.fetch("the change set", &work.changes, MAX_ARCHIVE_BYTES).await?;
    let (manifest, contents) =
        read(&changes, unpacked_limit(task.limits)).context("the change set cannot be applied")?;
    tokio::fs::write(folder.join("output.log"), "").await?;
    Ok((Stage::new(archive, folder, Arc::clone(&host.sandbox)), Overlay::new(manifest, contents)))
}

async fn store(work: &QaWork, host: &Host, report: &QaReport, log: &Utf8Path) -> anyhow::Result<Digest> {
    let output = tokio::fs::read(log).await?;
    host.transfers.put("the gates' output", &work.output_url, output).await?;
    host.transfers.put("the QA page", &work.qa_html_url, render_html(report)).await?;
    let json = serde_json::to_vec(report)?;
    let digest = Digest::of(&json);
    host.transfers.put("the QA report", &work.qa_json_url, json).await?;
    Ok(digest)
}
