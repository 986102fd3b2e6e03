//! Everything before Pi: the base tree, what setup makes of it, what the attempt before had done, who may write where.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use domain::change_set::MAX_ARCHIVE_BYTES;
use domain::path::RepoPath;
use domain::repo_config::SetupConfig;
use domain::task::{AgentWork, RunLimits, Task};
use isolation::policy::Frozen;
use isolation::sandbox::Scope;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::MAX_WORKSPACE_BYTES;
use crate::changes::apply;
use crate::changes::archive::{read, unpacked_limit};
use crate::disk::DiskWatch;
use crate::gates::command::describe;
use crate::gates::{CommandRunner, CommandSpec};
use crate::host::Host;
use crate::packages::Doorway;
use crate::pi::home::PiHome;
use crate::progress::shorten;
use crate::sandbox::{self, RefusedCount};
use crate::workspace::git::GIT_FOLDER;
use crate::workspace::products::products;
use crate::workspace::unpack::{UnpackLimits, unpack};
use crate::workspace::{BaseTree, git};

/// Of a setup that failed, this much of its output is told, bytes.
const MAX_TOLD_BYTES: usize = 2_000;

/// A workspace in which Pi can begin.
pub(super) struct Prepared {
    pub(super) workspace: Utf8PathBuf,
    pub(super) base: BaseTree,
    pub(super) pi: Utf8PathBuf,
    pub(super) writable: BTreeSet<RepoPath>,
    /// What setup made, relative to the workspace: the agent's own.
    products: Vec<PathBuf>,
    /// Counts what is refused.
    pub(super) refused: RefusedCount,
}

/// Only the SPEC's files can be changed; the throwaway Git history is the agent's own.
fn divide(host: &Host, prepared: &Prepared) -> std::io::Result<()> {
    host.sandbox.divide(&prepared.workspace, &prepared.writable)?;
    for own in prepared.products.iter().filter_map(|path| Utf8Path::from_path(path)).chain([GIT_FOLDER.into()]) {
        let own = prepared.workspace.join(own);
        // It may be a link, or gone.
        if std::fs::symlink_metadata(&own).is_ok() {
            host.sandbox.give(&own)?;
        }
    }
    Ok(())
}

/// What Pi may touch.
pub(super) fn scope(task: &Task, prepared: &Prepared, home: &PiHome) -> Scope {
    let except = prepared.writable.iter().map(RepoPath::as_str).chain([GIT_FOLDER]).map(PathBuf::from);
    let except = except.chain(prepared.products.iter().cloned()).collect();
    let folder = prepared.workspace.as_std_path().to_owned();
    let own = [home.agent(), home.sessions(), home.user()];
    Scope {
        read: vec![prepared.pi.clone().into()],
        write: own.into_iter().map(Into::into).chain([folder.clone()]).collect(),
        tree: Some(Frozen { folder: folder.clone(), except }),
        limits: sandbox::limits(task),
        folder,
    }
}

/// Makes the workspace. Setup runs on the base commit alone, and nothing reaches a network afterwards.
pub(super) async fn prepare(
    task: &Task,
    work: &AgentWork,
    host: &Host,
    folder: &Utf8Path,
    disk: &DiskWatch,
    refused: &RefusedCount,
) -> anyhow::Result<Prepared> {
    anyhow::ensure!(work.spec.digest()? == work.spec_digest, "the SPEC is not the one that was approved");
    let archive = host.transfers.fetch("the workspace", &task.workspace, MAX_WORKSPACE_BYTES).await?;
    let workspace = folder.join("workspace");
    let base = unpack_into(archive.clone(), workspace.clone()).await?;
    let git_home = folder.join("git-home");
    tokio::fs::create_dir(&git_home).await?;
    if let Err(error) = git::commit_base(&workspace, &git_home, host.environment.path()).await {
        tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "the agent has no Git history");
    }
    let writable = work.spec.files.iter().map(|file| file.path.clone()).collect();
    let pi = folder.join("pi");
    let mut prepared = Prepared { workspace, base, pi, writable, products: vec![], refused: refused.clone() };
    tokio::fs::create_dir_all(PiHome::at(&prepared.pi).user().join("tmp")).await?;
    if let Some(setup) = &work.setup {
        set_up(task, setup, host, folder, &prepared, disk).await?;
        prepared.products = products(&prepared.workspace, &prepared.base)?;
        prepared.products.retain(|path| path != Path::new(GIT_FOLDER));
    }
    if let Some(previous) = &work.previous_changes {
        let bytes = host.transfers.fetch("the previous change set", previous, MAX_ARCHIVE_BYTES).await?;
        let workspace = prepared.workspace.clone();
        apply_to(bytes, workspace, task.limits).await.context("the previous change set cannot be applied")?;
    }
    divide(host, &prepared).context("the workspace cannot be divided")?;
    Ok(prepared)
}

/// Runs the repository's setup in a tree that it can add to and change nothing of, with Pi's HOME for its own.
async fn set_up(
    task: &Task,
    setup: &SetupConfig,
    host: &Host,
    folder: &Utf8Path,
    prepared: &Prepared,
    disk: &DiskWatch,
) -> anyhow::Result<()> {
    let home = PiHome::at(&prepared.pi).user();
    host.sandbox.divide(&prepared.workspace, &BTreeSet::new()).context("the workspace cannot be divided")?;
    host.sandbox.give(&home)?;
    let runner = CommandRunner {
        environment: host.environment.without_install_scripts(),
        sandbox: host.sandbox.clone(),
        home,
        products: vec![],
        limits: sandbox::limits(task),
        log: folder.join("setup.log"),
        max_output_bytes: task.limits.max_output_bytes,
        refused: prepared.refused.clone(),
        disk: disk.clone(),
        deadline: Instant::now() + Duration::from_secs(task.limits.total_seconds),
        stop: host.stop.clone(),
    };
    let limit = Duration::from_secs(setup.timeout);
    let spec = CommandSpec { title: "setup".to_owned(), command: setup.command.clone(), limit };
    let doorway = Doorway::new(task.packages.clone(), host.dial.clone());
    let result = runner.set_up(&spec, &prepared.workspace, &doorway).await?;
    anyhow::ensure!(
        result.passed(),
        "the repository's setup `{}` did not pass on the base commit: {}",
        setup.command,
        shorten(&format!("{}\n{}", describe(&result.ended), result.output), MAX_TOLD_BYTES)
    );
    Ok(())
}

/// Unpacks a workspace archive into a new folder.
async fn unpack_into(archive: Bytes, folder: Utf8PathBuf) -> anyhow::Result<BaseTree> {
    spawn_blocking(move || {
        std::fs::create_dir(&folder)?;
        Ok(unpack(archive.as_ref(), &folder, UnpackLimits::default())?)
    })
    .await?
}

/// Applies a change set to a fresh base tree.
async fn apply_to(archive: Bytes, folder: Utf8PathBuf, limits: RunLimits) -> anyhow::Result<()> {
    spawn_blocking(move || {
        let (manifest, contents) = read(&archive, unpacked_limit(limits))?;
        Ok(apply(&manifest, &contents, &folder)?)
    })
    .await?
}
