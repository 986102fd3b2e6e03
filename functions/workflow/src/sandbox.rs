//! What the QA sandbox is given: the same workspace, the verified change set, the base commit's gates.

use domain::Digest;
use domain::failure::Failure;
use domain::repo_config::RepoConfig;
use domain::task::{Download, QaWork, RunKind, TASK_VERSION, Task, Work};
use domain::workflow::Workflow;
use store::keys;

use crate::prepare::approved_spec;
use crate::report::inconsistent;
use crate::urls::VALID;
use crate::{Context, bundle};

/// Largest workspace archive that is read back, bytes.
const MAX_WORKSPACE_BYTES: u64 = 512 * 1024 * 1024;

/// Writes the QA run's `task.json` and answers its address.
pub(crate) async fn write_qa_task(context: &Context, workflow: &Workflow) -> Result<String, Failure> {
    let (id, attempt) = (&workflow.id, workflow.attempt);
    let changes = workflow.changes.as_ref().ok_or_else(|| inconsistent("there is no verified change set"))?;
    let config: RepoConfig = {
        let bytes = context.objects.get(&bundle::config_key(workflow), 1024 * 1024).await?;
        serde_json::from_slice(&bytes).map_err(|error| inconsistent(format!("the gates: {error}")))?
    };
    let spec = approved_spec(context, workflow).await?;
    let workspace_key = keys::objects::workspace(id, attempt);
    let workspace = context.objects.get(&workspace_key, MAX_WORKSPACE_BYTES).await?;
    let signed = context.signer.objects(id).await?;
    let work = QaWork {
        changes: Download {
            url: signed.presign_get(&keys::objects::verified(id, attempt), VALID).await?,
            digest: changes.digest,
        },
        gates: config.gates,
        setup: config.setup,
        checklist: spec.text.verification_checklist,
        qa_json_url: signed.presign_put(&keys::objects::qa_json(id, attempt), VALID).await?,
        qa_html_url: signed.presign_put(&keys::objects::qa_html(id, attempt), VALID).await?,
        output_url: signed.presign_put(&keys::objects::qa_output(id, attempt), VALID).await?,
    };
    let task = Task {
        version: TASK_VERSION,
        workflow_id: id.clone(),
        attempt,
        ticket: workflow.ticket.key.clone(),
        base_commit: changes.base_commit.clone(),
        workspace: Download { url: signed.presign_get(&workspace_key, VALID).await?, digest: Digest::of(&workspace) },
        report_url: signed.presign_put(&keys::objects::report(id, attempt, RunKind::Qa), VALID).await?,
        limits: context.config.qa_limits(),
        work: Work::Qa(Box::new(work)),
    };
    bundle::publish_task(context, &signed, &task, RunKind::Qa).await
}
