//! Pull requests: the list, and one with its conversation, forms and changes.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::Timestamp;
use maud::{Markup, html};

use super::browse::commit_table;
use super::{Failed, Page, diff, layout, markdown, repo_name};
use crate::checks;
use crate::git::LogFilter;
use crate::pulls::Facts;
use crate::sim::Sim;
use crate::state::{Pull, PullState, Repo, ReviewState};

type Result<T = Page> = std::result::Result<T, Failed>;

fn badge(pull: &Pull) -> Markup {
    let (class, word) = match (pull.state, &pull.merged, pull.draft) {
        (_, Some(_), _) => ("merged", "Merged"),
        (PullState::Closed, None, _) => ("closed", "Closed"),
        (PullState::Open, None, true) => ("draft", "Draft"),
        (PullState::Open, None, false) => ("open", "Open"),
    };
    html! { span class={ "badge " (class) } { (word) } }
}

pub(super) async fn list(State(sim): State<Arc<Sim>>, Path((owner, name)): Path<(String, String)>) -> Result {
    let repo = sim.repo(&repo_name(&owner, &name)?)?;
    let body = html! {
        h1 { "Pull requests" }
        div .box { table .list {
            @for pull in repo.pulls.values().rev() {
                tr {
                    td { (badge(pull)) }
                    td {
                        a href={ "/" (repo.name.to_string()) "/pull/" (pull.number) } { (pull.title) }
                        " " span .dim { "#" (pull.number) " by " (pull.author) ", " (pull.created_at) }
                        @for label in &pull.labels { " " span .label { (label) } }
                    }
                    td .dim { (pull.head_ref) " → " (pull.base_ref) }
                }
            }
            @if repo.pulls.is_empty() { tr { td .dim { "None yet." } } }
        } }
    };
    Ok(Page::ok(layout::repo("Pull requests", &repo.name, repo.open_pulls().count(), &body)))
}

pub(super) async fn show(
    State(sim): State<Arc<Sim>>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result {
    let (repo, pull) = sim.pull(&repo_name(&owner, &name)?, number)?;
    let git = sim.git.repo(&repo.name);
    let facts = sim.facts(&repo, &pull).await?;
    let from = facts.merge_base.as_ref().unwrap_or(&pull.base_sha);
    let files = git.diff(from.as_str(), pull.head_sha.as_str()).await?;
    let mut shas = git.log(&pull.head_sha, facts.merge_base.as_ref(), &LogFilter::default()).await?;
    shas.reverse();
    let commits = git.commits(&shas).await?;
    let body = html! {
        h1 { (pull.title) " " span .dim { "#" (number) } }
        p {
            (badge(&pull)) " "
            strong { (pull.author) } " wants to merge " (facts.commits)
            @if facts.commits == 1 { " commit" } @else { " commits" }
            " into " code { (pull.base_ref) } " from " code { (pull.head_ref) }
            @for label in &pull.labels { " " span .label { (label) } }
        }
        (entry(&pull.author, "opened", pull.created_at, pull.body.as_deref().unwrap_or_default()))
        (conversation(&pull))
        (checks_box(&repo, &pull))
        @if pull.state == PullState::Open { (forms(&sim, &repo, &pull, &facts)) } @else { (outcome(&repo, &pull)) }
        h2 { "Commits" }
        (commit_table(&repo.name, &commits))
        (diff::files(&repo.name, &pull.head_sha, &files))
    };
    Ok(Page::ok(layout::repo(&pull.title, &repo.name, repo.open_pulls().count(), &body)))
}

fn entry(who: &str, did: &str, at: Timestamp, text: &str) -> Markup {
    html! {
        div .box {
            div .top { strong { (who) } " " (did) " " span .dim { (at) } }
            @if !text.is_empty() { div .in.text { (markdown::render(text)) } }
        }
    }
}

/// Comments and reviews in the order in which they were made.
fn conversation(pull: &Pull) -> Markup {
    let mut entries: Vec<(Timestamp, u64, Markup)> = Vec::new();
    for comment in &pull.comments {
        entries.push((comment.at, comment.id, entry(&comment.author, "commented", comment.at, &comment.body)));
    }
    for review in &pull.reviews {
        let did = match review.state {
            ReviewState::Approved => "approved these changes",
            ReviewState::ChangesRequested => "requested changes",
            ReviewState::Commented => "reviewed",
            ReviewState::Dismissed => "approved; dismissed by a later push",
            ReviewState::Pending => continue,
        };
        entries.push((review.at, review.id, entry(&review.author, did, review.at, &review.body)));
    }
    for comment in &pull.review_comments {
        let line = comment.line.map(|l| format!(" line {l}")).unwrap_or_default();
        let did = format!("commented on {}{line}", comment.path);
        entries.push((comment.at, comment.id, entry(&comment.author, &did, comment.at, &comment.body)));
    }
    entries.sort_by_key(|(at, id, _)| (*at, *id));
    html! { @for (_, _, entry) in entries { (entry) } }
}

fn checks_box(repo: &Repo, pull: &Pull) -> Markup {
    let runs = checks::latest_runs(repo, &pull.head_sha);
    let statuses = checks::latest_statuses(repo, &pull.head_sha);
    let line = |name: &str, word: &str| {
        let class = match word {
            "success" | "neutral" | "skipped" => "good",
            "pending" | "queued" | "in_progress" => "warn",
            _ => "bad",
        };
        html! { tr { td { (name) } td class=(class) { (word) } } }
    };
    html! {
        @if !runs.is_empty() || !statuses.is_empty() {
            h2 { "Checks" }
            div .box { table .list {
                @for run in runs { (line(&run.name, run.conclusion.as_deref().unwrap_or(&run.status))) }
                @for status in statuses { (line(&status.context, &status.state)) }
            } }
        }
    }
}

fn outcome(repo: &Repo, pull: &Pull) -> Markup {
    let action = format!("/{}/pull/{}/state", repo.name, pull.number);
    html! {
        div .box { div .in {
            @match &pull.merged {
                Some(merged) => {
                    p { strong { (merged.by) } " merged this as "
                        a .mono href={ "/" (repo.name.to_string()) "/commit/" (merged.sha.as_str()) } { (merged.sha.short()) }
                        " " span .dim { (merged.at) } }
                },
                None => {
                    p { "Closed without merging." }
                    form method="post" action=(action) { button name="state" value="open" { "Reopen" } }
                },
            }
        } }
    }
}

fn forms(sim: &Sim, repo: &Repo, pull: &Pull, facts: &Facts) -> Markup {
    let action = |what: &str| format!("/{}/pull/{}/{what}", repo.name, pull.number);
    let ready = matches!(facts.state, "clean" | "unstable");
    html! {
        h2 { "You are " (sim.config.human) }
        div .box { div .in {
            (verdict(facts))
            form method="post" action=(action("merge")) {
                input type="hidden" name="sha" value=(pull.head_sha.as_str());
                div .row {
                    button .go disabled[!ready] { "Merge" }
                    select name="merge_method" aria-label="How to merge" {
                        @if repo.merge.merge { option value="merge" { "as a merge commit" } }
                        @if repo.merge.squash { option value="squash" { "squashed into one commit" } }
                        @if repo.merge.rebase { option value="rebase" { "rebased onto the base" } }
                    }
                }
            }
        } }
        div .box { div .in {
            form method="post" action=(action("review")) {
                textarea name="body" aria-label="Review or comment" placeholder="What do you think?" {}
                div .row {
                    button name="event" value="APPROVE" { "Approve" }
                    button name="event" value="REQUEST_CHANGES" { "Request changes" }
                    button name="event" value="COMMENT" { "Review without a verdict" }
                    button formaction=(action("comment")) { "Comment" }
                }
            }
            form method="post" action=(action("state")) {
                button .stop name="state" value="closed" { "Close without merging" }
            }
        } }
    }
}

fn verdict(facts: &Facts) -> Markup {
    match facts.state {
        "dirty" => html! {
            p .bad { "This branch has conflicts with the base:" }
            ul { @for path in &facts.conflicts { li { code { (path) } } } }
        },
        "draft" => html! { p .warn { "This is a draft." } },
        "blocked" => html! {
            p .warn { "Merging is blocked:" }
            ul { @for reason in &facts.blocked_by { li { (reason) } } }
        },
        "behind" => html! { p .warn { "The branch must first contain the latest base." } },
        "unstable" => html! { p .warn { "This can be merged, though some checks have not succeeded." } },
        _ => html! {
            p .good { "This can be merged: no conflicts with the base." }
            @if facts.behind { p .dim { "The base has newer commits." } }
        },
    }
}
