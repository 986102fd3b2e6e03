//! Mode `qa`: the repository's gates on a fresh tree of base + change set.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::qa::{QA_REPORT_VERSION, QaReport};
use domain::task::{QaWork, RunOutcome, Task};
use tokio::time::Instant;

use crate::agent::{MAX_WORKSPACE_BYTES, apply_to, limits, unpack_into};
use crate::gates::report::render_html;
use crate::gates::{CommandRunner, GateRun, Trees, run_gates};
use crate::host::Host;
use crate::progress::Progress;
use crate::sandbox::Sandbox;
use crate::workspace::unpack::{UnpackLimits, unpack};

/// What mode `qa` reports.
#[derive(Debug, Clone, PartialEq)]
pub struct QaResult {
    /// How it ended.
    pub outcome: RunOutcome,
    /// Digest of the stored QA report.
    pub report: Option<Digest>,
}

/// Runs the gates and stores the report and the full output.
pub async fn run(task: &Task, work: &QaWork, host: &Host, progress: &Progress, folder: &Utf8Path) -> QaResult {
    let started = Instant::now();
    let stopped = QaResult { outcome: RunOutcome::Stopped, report: None };
    let deadline = started + Duration::from_secs(task.limits.total_seconds);
    let failed = |error: anyhow::Error| QaResult {
        outcome: RunOutcome::SetupFailed { message: format!("{error:#}") },
        report: None,
    };
    let trees = tokio::select! {
        trees = prepare(task, work, host, folder) => trees,
        () = host.stop.cancelled() => return stopped,
        () = tokio::time::sleep_until(deadline) => return QaResult { outcome: RunOutcome::TimedOut, report: None },
    };
    let trees = match trees {
        Ok(trees) => trees,
        Err(error) => return failed(error),
    };
    let runner = CommandRunner {
        environment: host.environment.clone(),
        sandbox: host.sandbox.clone(),
        home: folder.join("home"),
        limits: limits(task),
        log: folder.join("output.log"),
        max_output_bytes: task.limits.max_output_bytes,
        deadline,
        stop: host.stop.clone(),
    };
    let gates = GateRun { gates: &work.gates, setup: work.setup.as_ref(), checklist: &work.checklist };
    let results = run_gates(gates, &trees, &runner, progress).await;
    if host.stop.is_cancelled() {
        return stopped;
    }
    let results = match results {
        Ok(results) => results,
        Err(error) => return failed(anyhow::Error::from(error).context("the gates could not be run")),
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
        findings: vec![],
        bug_proof: None,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    match store(work, host, &report, &runner.log).await {
        Ok(digest) => QaResult { outcome: RunOutcome::Completed, report: Some(digest) },
        Err(error) => failed(error.context("the QA report could not be stored")),
    }
}

struct FreshTrees {
    archive: Bytes,
    changed: Utf8PathBuf,
    base: Utf8PathBuf,
    sandbox: Arc<dyn Sandbox>,
}

impl Trees for FreshTrees {
    fn changed(&self) -> &Utf8Path {
        &self.changed
    }

    fn base(&self) -> std::io::Result<Utf8PathBuf> {
        std::fs::create_dir(&self.base)?;
        unpack(self.archive.as_ref(), &self.base, UnpackLimits::default()).map_err(std::io::Error::other)?;
        self.sandbox.divide(&self.base, &BTreeSet::new())?;
        Ok(self.base.clone())
    }
}

async fn prepare(task: &Task, work: &QaWork, host: &Host, folder: &Utf8Path) -> anyhow::Result<FreshTrees> {
    let archive = host.transfers.fetch("the workspace", &task.workspace, MAX_WORKSPACE_BYTES).await?;
    let changes = host.transfers.fetch("the change set", &work.changes, MAX_ARCHIVE_BYTES).await?;
    let changed = folder.join("workspace");
    unpack_into(archive.clone(), changed.clone()).await?;
    apply_to(changes, changed.clone(), task.limits).await.context("the change set cannot be applied")?;
    host.sandbox.divide(&changed, &BTreeSet::new()).context("the workspace cannot be divided")?;
    tokio::fs::create_dir_all(folder.join("home/tmp")).await?;
    host.sandbox.give(&folder.join("home")).context("the home folder")?;
    tokio::fs::write(folder.join("output.log"), "").await?;
    Ok(FreshTrees { archive, changed, base: folder.join("base"), sandbox: host.sandbox.clone() })
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
