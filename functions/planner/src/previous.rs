//! What a new revision begins from: the SPEC before it, and what happened since to the files that it names.

use domain::failure::Failure;
use domain::spec::Spec;
use domain::workflow::Workflow;
use github::{GithubError, Repo};
use store::keys::objects;

use crate::Context;
use crate::repository::Base;
use crate::text::cut;

/// Largest SPEC that is read, bytes.
const MAX_SPEC_BYTES: u64 = 1024 * 1024;
/// Longest diff of one file, bytes.
const MAX_PATCH: usize = 8_000;

/// The revision before.
#[derive(Debug, Default)]
pub(crate) struct Previous {
    /// Its SPEC.md.
    pub(crate) markdown: Option<String>,
    /// What commits since its base changed in the files that it names; `None` where there is nothing of the sort.
    pub(crate) changes: Option<String>,
}

/// Reads the revision before. A missing one is no obstacle: the feedback says what matters.
pub(crate) async fn read(
    context: &Context,
    workflow: &Workflow,
    repo: &Repo,
    base: &Base,
) -> Result<Previous, Failure> {
    let Some(revision) = workflow.previous_revision else { return Ok(Previous::default()) };
    let key = objects::spec_markdown(&workflow.id, revision);
    let markdown = context.objects.try_get(&key, MAX_SPEC_BYTES).await?;
    let key = objects::spec_json(&workflow.id, revision);
    let json = context.objects.try_get(&key, MAX_SPEC_BYTES).await?;
    let changes = match json.and_then(|json| serde_json::from_slice::<Spec>(&json).ok()) {
        Some(spec) if spec.base_commit != base.commit => changes(repo, &spec, base).await?,
        _ => None,
    };
    Ok(Previous { markdown: markdown.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), changes })
}

async fn changes(repo: &Repo, spec: &Spec, base: &Base) -> Result<Option<String>, Failure> {
    let comparison = match repo.compare(&spec.base_commit, &base.commit).await {
        Ok(comparison) => comparison,
        // The history was rewritten: there is nothing in between to tell of.
        Err(GithubError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let touched =
        spec.files.iter().map(|file| file.path.as_str()).filter(|path| comparison.changed_paths.contains(*path));
    let told = touched.map(|path| match comparison.patches.get(path) {
        Some(patch) => format!("--- {path}\n{}", cut(patch, MAX_PATCH)),
        None => format!("--- {path}\n(changed; read it)"),
    });
    let told: Vec<String> = told.collect();
    Ok(Some(told.join("\n")).filter(|told| !told.is_empty()))
}
