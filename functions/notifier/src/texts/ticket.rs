//! Comments on the ticket, in Markdown. None holds an approval link: everybody who reads the ticket reads them.

use domain::WorkflowState;
use domain::gate::{Gate, GateStatus};
use domain::path::Protection;
use domain::spec::{Amendment, FileAction, Spec, SpecFile};
use domain::workflow::{ChangedFile, ResumePoint, Workflow};

use super::markdown::{block, code, inline, link};
use super::words::{count, dollars, ending, usd};
use crate::facts::History;

/// Longest quoted part of a SPEC, characters.
const MAX_PROSE: usize = 500;
/// Longest quoted reason, characters.
const MAX_REASON: usize = 3_000;
/// Most files and violations that are named.
const MAX_LIST: usize = 30;

/// What the comment on a SPEC is made of.
#[derive(Debug, Clone, Copy)]
pub struct SpecFacts<'a> {
    /// The SPEC.
    pub spec: &'a Spec,
    /// Its gate, as it is now.
    pub gate: &'a Gate,
    /// The workflow's page.
    pub page: &'a str,
}

/// A SPEC was proposed: a plan, or an amendment of an approved one.
pub fn spec_proposed(facts: &SpecFacts<'_>) -> String {
    let SpecFacts { spec, gate, page } = *facts;
    let text = &spec.text;
    if let Some(amendment) = &spec.amendment {
        return amended(facts, amendment);
    }
    let again = if spec.revision.get() > 1 { format!(", revision {}", spec.revision) } else { String::new() };
    let files = spec.files.iter().map(planned);
    paragraphs([
        format!("**Plan{again}: {}**", inline(&text.title, 200)),
        block(&text.proposed_solution, MAX_PROSE),
        file_list("It may change", files),
        format!(
            "Confidence {:.0} %, about {} and {}.",
            text.confidence * 100.0,
            dollars(text.estimated_usd),
            count(text.estimated_minutes as usize, "minute")
        ),
        format!("{} {}", standing(gate, "the plan"), link("Read the whole plan", page)),
    ])
}

/// The agent asked for more files than the approved SPEC names.
fn amended(facts: &SpecFacts<'_>, amendment: &Amendment) -> String {
    let SpecFacts { spec, gate, page } = *facts;
    let (added, approved) = spec.added_first();
    paragraphs([
        format!("**Amendment of the approved plan, revision {}: {}**", spec.revision, inline(&spec.text.title, 200)),
        format!(
            "While it worked, the coding agent asked for {} that the approved plan (revision {}) does not name. \
             Everything else is as approved. The work rests until people have decided.",
            count(added.len(), "file"),
            amendment.of
        ),
        file_list("It adds", added.iter().map(|file| planned(file))),
        "The agent's reason, in its own words, which nobody has checked:".to_owned(),
        block(&amendment.agent_reason, MAX_PROSE),
        file_list("Approved already are", approved.iter().map(|file| planned(file))),
        format!("{} {}", standing(gate, "the amendment"), link("Read the whole plan", page)),
    ])
}

/// Work goes on that had ended.
pub fn resumed(from: ResumePoint, page: &str) -> String {
    let said = format!("**The work goes on.** An administrator asked to {}.", from.describe());
    paragraphs([format!("{said} {}", link("Follow it", page))])
}

/// What the comment on a pull request is made of.
#[derive(Debug, Clone, Copy)]
pub struct PrFacts<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The gate, as it is now.
    pub gate: &'a Gate,
    /// What changed.
    pub files: &'a [ChangedFile],
    /// The workflow's page.
    pub page: &'a str,
}

/// A pull request was opened or updated.
pub fn pr_opened(facts: &PrFacts<'_>) -> String {
    let PrFacts { workflow, gate, files, page } = *facts;
    let pr = workflow.pr.as_ref();
    let name = pr.map_or_else(|| "a pull request".to_owned(), |pr| format!("pull request {}", pr.number));
    let linked = pr.map_or(name.clone(), |pr| link(&name, &pr.url));
    paragraphs([
        format!("**The change is ready: {linked}**"),
        file_list("It changes", files.iter().map(changed)),
        format!("All required checks passed. {}", spent(workflow)),
        format!("{} {}", standing(gate, "the pull request"), link("What was done and checked", page)),
    ])
}

/// What the last comment is made of.
#[derive(Debug, Clone, Copy)]
pub struct EndedFacts<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// How it ended.
    pub state: WorkflowState,
    /// Why.
    pub reason: Option<&'a str>,
    /// What its trail says about the last attempt.
    pub history: &'a History,
    /// The workflow's page.
    pub page: &'a str,
}

/// The workflow has ended.
pub fn ended(facts: &EndedFacts<'_>) -> String {
    let EndedFacts { workflow, state, reason, history, page } = *facts;
    let done = state == WorkflowState::Completed;
    let pr = workflow.pr.as_ref().map(|pr| link(&format!("pull request {}", pr.number), &pr.url));
    let headline = match &pr {
        Some(pr) if done => format!("**{}** ({pr})", ending(state)),
        _ => format!("**{}**", ending(state)),
    };
    let files = if done { file_list("It changed", history.files.iter().map(changed)) } else { String::new() };
    paragraphs([
        headline,
        reason.filter(|_| !done).map_or_else(String::new, |reason| block(reason, MAX_REASON)),
        files,
        if state == WorkflowState::QaFailed { broken(history) } else { String::new() },
        if done { String::new() } else { next_step(workflow, state, pr.as_deref()) },
        format!("{} {}", spent(workflow), link("The whole story", page)),
    ])
}

/// What the last attempt broke.
fn broken(history: &History) -> String {
    let mut items: Vec<String> =
        history.violations.iter().map(|violation| format!("- {}", inline(&violation.message, 300))).collect();
    items.extend(history.blocking.iter().map(|gate| format!("- the check {} failed", code(gate))));
    list("The last attempt:", items)
}

fn next_step(workflow: &Workflow, state: WorkflowState, pr: Option<&str>) -> String {
    let safe = match (state, pr) {
        (WorkflowState::PrClosed, _) => "The branch stays until somebody deletes it; nothing was merged.".to_owned(),
        (_, Some(pr)) => format!("Nothing was merged; the work so far is in {pr}."),
        _ => "Nothing was changed in the repository.".to_owned(),
    };
    let next = match state {
        WorkflowState::SpecRejected => "Change the ticket to say what the plan got wrong, then start it again.",
        WorkflowState::NotSuitable => "Say in the ticket what is missing, then start it again.",
        WorkflowState::QaFailed => {
            "Make the ticket smaller or more precise, or correct the failing check, then start it again."
        }
        WorkflowState::PrClosed => "Start the ticket again if the change is still wanted.",
        WorkflowState::Cancelled => "Open a new ticket if the change is wanted after all.",
        _ => workflow
            .failure
            .as_ref()
            .map_or("Look at the workflow's page, then start the ticket again.", |failure| failure.kind.remedy()),
    };
    format!("{safe} {next}")
}

/// Where a gate stands, as a sentence.
fn standing(gate: &Gate, what: &str) -> String {
    let by = gate.decision.as_ref().map(|decision| inline(&decision.by.label(), 100)).unwrap_or_default();
    match gate.status {
        GateStatus::Pending => match gate.approvers.len() {
            1 => format!("One person was asked by mail to decide on {what}."),
            number => format!("{number} people were asked by mail to decide on {what}."),
        },
        GateStatus::Approved => format!("Approved by {by}."),
        GateStatus::RevisionRequested => format!("Sent back by {by}."),
        GateStatus::Rejected => format!("Rejected by {by}."),
        GateStatus::Expired => "Nobody decided in time.".to_owned(),
        GateStatus::Cancelled => "Cancelled before it was decided.".to_owned(),
    }
}

fn spent(workflow: &Workflow) -> String {
    format!("{}, {}.", count(workflow.attempt.get() as usize, "attempt"), usd(&workflow.ledger.total()))
}

fn planned(file: &SpecFile) -> (&str, FileAction, Option<Protection>) {
    (file.path.as_str(), file.action, file.protection)
}

fn changed(file: &ChangedFile) -> (&str, FileAction, Option<Protection>) {
    (file.path.as_str(), file.action, file.protection)
}

/// The files, protected ones first.
fn file_list<'a>(introduction: &str, files: impl Iterator<Item = (&'a str, FileAction, Option<Protection>)>) -> String {
    let (protected, ordinary): (Vec<_>, Vec<_>) = files.partition(|(_, _, protection)| protection.is_some());
    let items: Vec<String> = protected
        .into_iter()
        .chain(ordinary)
        .map(|(path, action, protection)| {
            let mark = protection.map_or_else(String::new, |p| format!(" ⚠ protected: {}", p.describe()));
            format!("- {} ({}){mark}", code(path), action.as_str())
        })
        .collect();
    list(&format!("{introduction} {}:", count(items.len(), "file")), items)
}

fn list(introduction: &str, items: Vec<String>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let more = items.len().saturating_sub(MAX_LIST);
    let mut lines = vec![introduction.to_owned(), String::new()];
    lines.extend(items.into_iter().take(MAX_LIST));
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

fn paragraphs<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests;
