//! Reading trails.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context as _, Result};
use domain::audit::Evidence;
use domain::audit::export::read;
use domain::ids::WorkflowId;
use domain::{Timestamp, WorkflowState};
use futures::stream::{self, Stream, StreamExt as _};
use store::StoreError;

use crate::report::{Checked, Report, Verdict};
use crate::target::Target;

/// How many workflows are read at once.
const AT_ONCE: usize = 8;

/// Which workflows.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These.
    Some(Vec<WorkflowId>),
    /// All that there are or were.
    All,
}

/// The ids of a selection, in order. All of them: what the table's index lists in any state, and what was ever anchored,
/// so that a workflow whose row is gone is not forgotten.
///
/// # Errors
/// When they cannot be listed.
pub async fn workflows(target: &Target, selection: Selection) -> Result<Vec<WorkflowId>> {
    if let Selection::Some(ids) = selection {
        return Ok(ids);
    }
    let mut ids: BTreeSet<WorkflowId> =
        target.anchors.workflows().await.context("listing what was anchored")?.into_iter().collect();
    for state in WorkflowState::ALL {
        ids.extend(target.store.workflow_ids(state).await.context("listing the workflows")?);
    }
    Ok(ids.into_iter().collect())
}

/// Checks trails.
///
/// # Errors
/// When the workflows cannot be listed. One that cannot be read is a part of the report.
pub async fn check(target: &Target, selection: Selection, now: Timestamp) -> Result<Report> {
    let ids = workflows(target, selection).await?;
    let workflows = evidence(target, ids, now).map(|(workflow_id, found)| match found {
        Ok(evidence) if evidence.is_empty() => {
            Checked { workflow_id, verdict: Verdict::Unchecked { reason: "there is no such workflow".to_owned() } }
        }
        Ok(evidence) => Checked::of(&evidence),
        Err(error) => Checked { workflow_id, verdict: Verdict::Unchecked { reason: error.to_string() } },
    });
    Ok(Report { at: now, workflows: workflows.collect().await })
}

/// Checks the trails in an exported file, as they were when it was written.
///
/// # Errors
/// When it is no such file.
pub fn check_file(bytes: &[u8]) -> Result<Report> {
    let exported = read(bytes)?;
    let at = exported.iter().map(|evidence| evidence.at).max().context("the file is empty")?;
    Ok(Report { at, workflows: exported.iter().map(Checked::of).collect() })
}

/// Writes trails as JSON Lines, broken ones too. Answers how many.
///
/// # Errors
/// When one cannot be read or written; what was written before that stays.
pub async fn export(target: &Target, selection: Selection, now: Timestamp, to: &mut impl Write) -> Result<usize> {
    let ids = workflows(target, selection).await?;
    let mut all = std::pin::pin!(evidence(target, ids, now));
    let mut number = 0;
    while let Some((id, found)) = all.next().await {
        let evidence = found.with_context(|| format!("reading {id}; what was written so far is not all"))?;
        anyhow::ensure!(!evidence.is_empty(), "there is no workflow {id}");
        to.write_all(evidence.to_lines().as_bytes()).context("writing the export")?;
        number += 1;
    }
    to.flush().context("writing the export")?;
    Ok(number)
}

/// The evidence of each, in order.
pub(crate) fn evidence(
    target: &Target,
    ids: Vec<WorkflowId>,
    now: Timestamp,
) -> impl Stream<Item = (WorkflowId, Result<Evidence, StoreError>)> {
    let one = move |id: WorkflowId| async move {
        let found = target.store.evidence(&target.anchors, &id, now).await;
        (id, found)
    };
    stream::iter(ids).map(one).buffered(AT_ONCE)
}
