//! The page of figures.

use maud::{Markup, html};

use super::chart::Chart;
use super::layout::site;
use super::parts::line;
use super::words;
use crate::analytics::{Figures, Group, PERIODS, Share, Spread};
use crate::caller::Viewer;
use crate::problem::Problem;

pub(crate) fn analytics(figures: &Figures, viewer: &Viewer, base_url: &str) -> Result<Markup, Problem> {
    let body = html! {
        h1 { "Analytics" }
        p.row aria-label="Period" {
            @for days in PERIODS {
                @if days == figures.days { strong aria-current="true" { (days) " days" } }
                @else { a href=(format!("{base_url}/analytics?days={days}")) { (days) " days" } }
            }
        }
        @if figures.truncated { p.notice { "There was more in this period than is looked at: the figures are of a part of it." } }
        (rates(figures))
        (course(figures)?)
        (times(figures)?)
        (money(figures)?)
        (groups("By repository", "Repository", &figures.by_repository))
        (groups("By model", "The agent's model", &figures.by_model))
    };
    Ok(site("Analytics", "/analytics", viewer, base_url, &body))
}

fn rates(figures: &Figures) -> Markup {
    let row = |name: &str, rate: &Share| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (words::rate(rate)) } td { (words::interval(rate)) } td { (rate.part) " of " (rate.whole) }
            }
        }
    };
    html! {
        section {
            h2 { "Rates" }
            div.scroll { table {
                tr { th scope="col" { "What" } th scope="col" { "Rate" } th scope="col" { "95 % interval" } th scope="col" { "Number" } }
                (row("Workflows that completed", &figures.success))
                (row("Pull requests that were merged", &figures.merged))
                (row("First attempts that passed the checks", &figures.first_pass))
            } }
        }
    }
}

fn stretch(figures: &Figures) -> &'static str {
    if figures.stretch_days == 7 { "week" } else { "day" }
}

/// The first day of a stretch, short.
fn label(begins: &str) -> String {
    begins.get(5..).unwrap_or(begins).to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts of at most a few thousand")]
fn course(figures: &Figures) -> Result<Markup, Problem> {
    let each = stretch(figures);
    let (title, description) =
        (format!("Ended per {each}"), format!("Workflows that ended per {each}: completed, and others on top."));
    let bars = figures.course.iter().map(|it| (label(&it.begins), vec![it.completed as f64, it.other as f64]));
    let chart = Chart { id: "ended", title: &title, description: &description, bars: bars.collect() };
    Ok(html! {
        section {
            h2 { (title) }
            (chart.draw()?)
            p.small { span.running { "■" } " completed " span.waiting { "■" } " ended otherwise" }
            details {
                summary { "The same as a table" }
                div.scroll { table {
                    tr { th scope="col" { "From" } th scope="col" { "Completed" } th scope="col" { "Otherwise" } }
                    @for it in &figures.course { tr { th scope="row" { (it.begins) } td { (it.completed) } td { (it.other) } } }
                } }
            }
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "a chart's heights")]
fn times(figures: &Figures) -> Result<Markup, Problem> {
    let hours = |spread: &Spread| spread.median_ms.unwrap_or(0) as f64 / 3_600_000.0;
    let bars =
        figures.time_in_state.iter().map(|it| (words::state_short(it.state).to_owned(), vec![hours(&it.spread)]));
    let chart = Chart {
        id: "states",
        title: "Median hours in each state",
        description: "How long workflows that ended were in each state: the median, in hours.",
        bars: bars.collect(),
    };
    let row = |name: &str, spread: &Spread| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (words::duration(spread.median_ms)) } td { (words::duration(spread.p90_ms)) } td { (spread.number) }
            }
        }
    };
    Ok(html! {
        section {
            h2 { "Times" }
            @if !figures.time_in_state.is_empty() { (chart.draw()?) }
            div.scroll { table {
                tr { th scope="col" { "What" } th scope="col" { "Median" } th scope="col" { "Nine of ten within" } th scope="col" { "Number" } }
                (row("From the ticket to the plan", &figures.time_to_spec))
                (row("From asking to a decision", &figures.approval_response))
                (row("In the sandboxes", &figures.run))
                (row("From the ticket to the end", &figures.total))
                @for it in &figures.time_in_state { (row(&format!("State {}", it.state), &it.spread)) }
            } }
        }
    })
}

fn money(figures: &Figures) -> Result<Markup, Problem> {
    let each = stretch(figures);
    let (title, description) =
        (format!("Dollars spent per {each}"), format!("What model calls cost per {each}, in US dollars."));
    let bars = figures.course.iter().map(|it| (label(&it.begins), vec![it.spent_usd]));
    let chart = Chart { id: "spent", title: &title, description: &description, bars: bars.collect() };
    let forecast = &figures.forecast;
    Ok(html! {
        section {
            h2 { "Cost" }
            p { (words::dollars(figures.spent_usd)) " in " (figures.days) " days" }
            (chart.draw()?)
            details {
                summary { "The same as a table" }
                div.scroll { table {
                    tr { th scope="col" { "From" } th scope="col" { "Spent" } }
                    @for it in &figures.course { tr { th scope="row" { (it.begins) } td { (words::dollars(it.spent_usd)) } } }
                } }
            }
            h3 { "Plans' estimates" }
            @if forecast.number == 0 { p.soft { "No run with an estimate has ended." } }
            @else {
                p {
                    (forecast.number) " runs were estimated at " (words::dollars(forecast.estimated_usd))
                    " and cost " (words::dollars(forecast.actual_usd)) ". "
                    @if let Some(error) = forecast.median_error { "The median error is " (words::signed_percent(error)) "." }
                }
            }
        }
    })
}

fn groups(title: &str, what: &str, groups: &[Group]) -> Markup {
    html! {
        section {
            h2 { (title) }
            @if groups.is_empty() { p.soft { "There is nothing to show." } }
            @else {
                div.scroll { table {
                    tr {
                        th scope="col" { (what) } th scope="col" { "Ended" } th scope="col" { "Completed" }
                        th scope="col" { "Merged" } th scope="col" { "First attempt passed" } th scope="col" { "Spent" }
                    }
                    @for group in groups {
                        tr {
                            th scope="row" { (line(&group.name)) }
                            td { (group.success.whole) }
                            td { (words::rate(&group.success)) }
                            td { (words::rate(&group.merged)) " " span.soft { (words::interval(&group.merged)) } }
                            td { (words::rate(&group.first_pass)) }
                            td { (words::dollars(group.spent_usd)) }
                        }
                    }
                } }
            }
        }
    }
}
