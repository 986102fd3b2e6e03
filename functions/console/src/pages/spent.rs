//! Where a workflow's time and money went.

use domain::Timestamp;
use domain::WorkflowState;
use domain::budget::{Budget, Ledger, Phase, Usage};
use domain::workflow::Workflow;
use maud::{Markup, html};

use super::words;
use crate::Budgets;

/// From which part of a budget it is marked.
const HIGH: f64 = 0.8;

/// What model calls cost, by phase, and how much of the budgets that is.
pub(super) fn money(ledger: &Ledger, budgets: &Budgets) -> Markup {
    let rows = [
        ("Planning", ledger.phase(Phase::Plan)),
        ("First attempt", ledger.phase(Phase::Build)),
        ("Repairs", ledger.phase(Phase::Repair)),
        ("After reviews", ledger.phase(Phase::Review)),
        ("Together", &ledger.total()),
    ];
    html! {
        section {
            h2 { "What it cost" }
            div.scroll { table {
                tr { th { "For" } th { "Model calls" } th { "Tokens in" } th { "from cache" } th { "out" } th { "Cost" } }
                @for (name, usage) in rows {
                    tr {
                        td { (name) } td { (usage.turns) } td { (usage.input_tokens) }
                        td { (usage.cached_input_tokens) } td { (usage.output_tokens) } td { (words::usd(usage)) }
                    }
                }
            } }
            h3 { "Of the budgets" }
            div.scroll { table {
                tr { th { "For" } th { "Money" } th { "Tokens" } th { "Model calls" } }
                (budget("Planning", &ledger.plan, &budgets.plan))
                (budget("Building", &ledger.runs(), &budgets.run))
            } }
        }
    }
}

fn budget(name: &str, usage: &Usage, of: &Budget) -> Markup {
    let limit = Usage { micro_usd: of.max_micro_usd, ..Usage::default() };
    html! {
        tr {
            td { (name) }
            td { (meter(&format!("Money for {name}"), usage.micro_usd, of.max_micro_usd)) (words::usd(usage)) " of " (words::usd(&limit)) }
            td { (meter(&format!("Tokens for {name}"), usage.total_tokens(), of.max_tokens)) (usage.total_tokens()) " of " (of.max_tokens) }
            td { (meter(&format!("Model calls for {name}"), usage.turns, of.max_turns)) (usage.turns) " of " (of.max_turns) }
        }
    }
}

/// A bar that changes its colour where little is left. The words beside it say the same.
#[expect(clippy::cast_precision_loss, reason = "a bar for people")]
fn meter(label: &str, used: u64, limit: u64) -> Markup {
    let (used, limit) = (used as f64, limit.max(1) as f64);
    html! {
        meter aria-label=(label) min="0" max=(limit) low=(limit * HIGH) high=(limit * HIGH) optimum="0" value=(used.min(limit)) {
            (words::percent(used / limit))
        }
        @if used >= limit * HIGH { span.waiting { "⚠ " } }
    }
}

/// How long the workflow was in each state, people's time apart from the machines'.
pub(super) fn time(workflow: &Workflow, now: Timestamp) -> Markup {
    let stats = &workflow.stats;
    let present = stats.entered_at.filter(|_| !workflow.state.is_terminal()).map(|since| {
        (workflow.state, now.as_millisecond().saturating_sub(since.as_millisecond()).max(0).unsigned_abs())
    });
    let mut times: Vec<(WorkflowState, u64)> = stats.in_state.iter().map(|it| (it.state, it.ms)).collect();
    if let Some((state, ms)) = present {
        match times.iter_mut().find(|(of, _)| *of == state) {
            Some((_, sum)) => *sum += ms,
            None => times.push((state, ms)),
        }
    }
    times.retain(|(_, ms)| *ms > 0);
    let sum = |people: bool| -> u64 {
        times.iter().filter(|(state, _)| state.is_waiting_for_person() == people).map(|(_, ms)| ms).sum()
    };
    let longest = times.iter().map(|(_, ms)| *ms).max().unwrap_or(1);
    html! {
        @if !times.is_empty() {
            section {
                h2 { "Where the time went" }
                p { "Machines " strong { (words::milliseconds(sum(false))) } ", people " strong { (words::milliseconds(sum(true))) } "." }
                div.scroll { table {
                    tr { th { "State" } th { "Time" } th { "" } }
                    @for (state, ms) in &times {
                        tr {
                            td { (words::state(*state).0) @if state.is_waiting_for_person() { span.soft { " (people)" } } }
                            td { (words::milliseconds(*ms)) }
                            td { meter aria-hidden="true" min="0" max=(longest) value=(ms) {} }
                        }
                    }
                } }
            }
        }
    }
}
