//! What the QA sandbox is given: the same workspace and gates as the agent's, and the verified change set.

use domain::failure::Failure;
use domain::task::{Download, QaWork, RunKind, TASK_VERSION, Task, Work};
use domain::workflow::Workflow;
use store::keys;

use crate::report::inconsistent;
use crate::urls::VALID;
use crate::{Context, bundle};

/// Largest `task.json` that is read back, bytes.
const MAX_TASK_BYTES: u64 = 8 * 1024 * 1024;

/// Writes the QA run's `task.json` and answers its address. What both runs of an attempt share comes from the
/// agent's task, which we wrote and no sandbox can write: the workspace, and the gates of the base commit.
pub(crate) async fn write_qa_task(context: &Context, workflow: &Workflow) -> Result<String, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let changes = workflow.changes.as_ref().ok_or_else(|| inconsistent("there is no verified change set"))?;
    let task: Task = {
        let key = keys::objects::task(id, attempt, RunKind::Agent);
        let bytes = context.objects.get(&key, MAX_TASK_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(|error| inconsistent(format!("the agent's task: {error}")))?
    };
    let Work::Agent(agent) = task.work else { return Err(inconsistent("the agent's task is not an agent's")) };
    let signed = context.signer.objects(id).await?;
    let work = QaWork {
        changes: Download {
            url: signed.presign_get(&keys::objects::verified(id, attempt), VALID).await?,
            digest: changes.digest,
        },
        gates: agent.gates,
        setup: agent.setup,
        checklist: agent.spec.text.verification_checklist,
        files: agent.spec.files,
        bug: context.store.ticket(id).await?.is_bug(),
        qa_json_url: signed.presign_put(&keys::objects::qa_json(id, attempt), VALID).await?,
        qa_html_url: signed.presign_put(&keys::objects::qa_html(id, attempt), VALID).await?,
        output_url: signed.presign_put(&keys::objects::qa_output(id, attempt), VALID).await?,
    };
    let limits = context.config.qa_limits();
    let packages = bundle::packages(context, work.setup.as_ref(), limits).await?;
    let task = Task {
        version: TASK_VERSION,
        workflow_id: id.clone(),
        attempt,
        ticket: workflow.ticket.key.clone(),
        base_commit: changes.base_commit.clone(),
        workspace: Download {
            url: signed.presign_get(&keys::objects::workspace(id, attempt), VALID).await?,
            digest: task.workspace.digest,
        },
        report_url: signed.presign_put(&keys::objects::report(id, attempt, RunKind::Qa), VALID).await?,
        limits,
        packages,
        work: Work::Qa(Box::new(work)),
    };
    bundle::publish_task(context, &signed, &task, RunKind::Qa).await
}
