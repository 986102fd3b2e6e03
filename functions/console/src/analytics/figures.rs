//! What many workflows come to. Pure: the same rows give the same figures.

use std::collections::BTreeMap;

use domain::workflow::Expense;
use domain::{Timestamp, WorkflowState};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as Time, ToSpan as _};
use serde::Serialize;
use store::Summary;
use utoipa::ToSchema;

use super::statistics::{Share, Spread, percentile};
use crate::api::{StateName, usd};

/// Most lines of a table by repository or model.
const MAX_GROUPS: usize = 20;
/// From so many days on, time is cut into weeks.
const WEEKS_FROM: i32 = 60;

/// What one period came to.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Figures {
    /// How many days it looks back.
    pub(crate) days: i32,
    /// Its beginning.
    pub(crate) since: Timestamp,
    /// Its end.
    pub(crate) until: Timestamp,
    /// Whether there was more than was looked at: then the newest counted.
    pub(crate) truncated: bool,
    /// Workflows that completed, of those that ended.
    pub(crate) success: Share,
    /// Pull requests that were merged, of those whose workflow ended.
    pub(crate) merged: Share,
    /// First attempts that passed verification and quality gates, of those that came so far.
    pub(crate) first_pass: Share,
    /// From the ticket to the first plan.
    pub(crate) time_to_spec: Spread,
    /// From asking people to their decision.
    pub(crate) approval_response: Spread,
    /// In the sandboxes: agent and quality gates, all attempts.
    pub(crate) run: Spread,
    /// From the ticket to the end.
    pub(crate) total: Spread,
    /// By state.
    pub(crate) time_in_state: Vec<TimeInState>,
    /// Workflows that ended, and money that was spent, by day or week.
    pub(crate) course: Vec<Stretch>,
    /// Days in each of those.
    pub(crate) stretch_days: i32,
    /// Everything that was spent, US dollars.
    pub(crate) spent_usd: f64,
    /// How far plans' estimates were from what the agent's runs cost.
    pub(crate) forecast: ForecastError,
    /// By repository, the one with most first.
    pub(crate) by_repository: Vec<Group>,
    /// By the agent's model, the one with most first.
    pub(crate) by_model: Vec<Group>,
}

/// Time in one state.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct TimeInState {
    /// Which.
    #[schema(value_type = StateName)]
    pub(crate) state: WorkflowState,
    /// How long workflows were in it.
    #[serde(flatten)]
    pub(crate) spread: Spread,
}

/// A day or a week.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Stretch {
    /// Its first day, UTC.
    pub(crate) begins: String,
    /// Workflows that completed.
    pub(crate) completed: usize,
    /// Workflows that ended otherwise.
    pub(crate) other: usize,
    /// What was spent, US dollars.
    pub(crate) spent_usd: f64,
}

/// Estimates beside what it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct ForecastError {
    /// Workflows that had an estimate and a run.
    pub(crate) number: usize,
    /// What was estimated for them, US dollars.
    pub(crate) estimated_usd: f64,
    /// What their runs cost, US dollars.
    pub(crate) actual_usd: f64,
    /// The median of the difference, as a part of the estimate; negative where it cost less.
    pub(crate) median_error: Option<f64>,
}

/// Workflows that have something in common.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Group {
    /// What.
    pub(crate) name: String,
    /// Workflows that completed, of those that ended.
    pub(crate) success: Share,
    /// Pull requests that were merged.
    pub(crate) merged: Share,
    /// First attempts that passed.
    pub(crate) first_pass: Share,
    /// What was spent, US dollars.
    pub(crate) spent_usd: f64,
}

impl Figures {
    /// Of workflows that ended, and of expenses, in the `days` before `until`.
    pub(crate) fn of(ended: &[Summary], expenses: &[Expense], days: i32, until: Timestamp, truncated: bool) -> Self {
        let times = |pick: fn(&Summary) -> Option<u64>| Spread::of(ended.iter().filter_map(pick));
        let stretch_days = if days >= WEEKS_FROM { 7 } else { 1 };
        let [success, merged, first_pass] = rates(ended);
        Self {
            days,
            since: beginning(until, days),
            until,
            truncated,
            success,
            merged,
            first_pass,
            time_to_spec: times(|it| it.stats.first_spec_ms),
            approval_response: Spread::of(ended.iter().flat_map(|it| it.stats.responses_ms.iter().copied())),
            run: times(run_ms),
            total: times(|it| Some(elapsed(it.created_at, it.updated_at))),
            time_in_state: time_in_state(ended),
            course: course(ended, expenses, days, stretch_days, until),
            stretch_days,
            spent_usd: usd(expenses.iter().map(|expense| expense.micro_usd).sum()),
            forecast: forecast(ended),
            by_repository: groups(
                ended,
                expenses,
                |it| Some(it.ticket.repository.as_str()),
                |expense| Some(expense.repository.as_str()),
            ),
            by_model: groups(ended, expenses, |it| it.stats.agent_model.as_deref(), |expense| expense.model.as_deref()),
        }
    }
}

/// The first moment of the first of so many days; the last of them is today.
pub(crate) fn beginning(until: Timestamp, days: i32) -> Timestamp {
    let first = first_day(until, days);
    first.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

fn first_day(until: Timestamp, days: i32) -> Date {
    day(until).saturating_sub(Time::new().days(days - 1))
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn rates<'a>(ended: impl IntoIterator<Item = &'a Summary> + Clone) -> [Share; 3] {
    let completed = |it: &&Summary| it.state == WorkflowState::Completed;
    [
        Share::count(ended.clone(), completed),
        Share::count(ended.clone().into_iter().filter(|it| it.pr.is_some()), completed),
        Share::count(ended.into_iter().filter_map(|it| it.stats.first_pass), |passed| *passed),
    ]
}

fn run_ms(summary: &Summary) -> Option<u64> {
    let times = [WorkflowState::Executing, WorkflowState::QaRunning].map(|state| summary.stats.time_in(state));
    times.into_iter().flatten().reduce(u64::saturating_add)
}

fn elapsed(from: Timestamp, to: Timestamp) -> u64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).max(0).unsigned_abs()
}

fn time_in_state(ended: &[Summary]) -> Vec<TimeInState> {
    let live = WorkflowState::ALL.into_iter().filter(|state| !state.is_terminal());
    let spread = |state| Spread::of(ended.iter().filter_map(|it| it.stats.time_in(state)));
    live.map(|state| TimeInState { state, spread: spread(state) }).filter(|it| it.spread.number > 0).collect()
}

fn course(ended: &[Summary], expenses: &[Expense], days: i32, each: i32, until: Timestamp) -> Vec<Stretch> {
    let first = first_day(until, days);
    let place = |at: Timestamp| usize::try_from((day(at) - first).get_days() / each).ok();
    let begins = |index: i32| first.saturating_add((index * each).days()).to_string();
    let empty = |index| Stretch { begins: begins(index), completed: 0, other: 0, spent_usd: 0.0 };
    let mut course: Vec<Stretch> = (0..(days + each - 1) / each).map(empty).collect();
    let mut spent = vec![0_u64; course.len()];
    for summary in ended {
        let Some(stretch) = place(summary.updated_at).and_then(|index| course.get_mut(index)) else { continue };
        if summary.state == WorkflowState::Completed {
            stretch.completed += 1;
        } else {
            stretch.other += 1;
        }
    }
    for expense in expenses {
        if let Some(spent) = place(expense.at).and_then(|index| spent.get_mut(index)) {
            *spent = spent.saturating_add(expense.micro_usd);
        }
    }
    for (stretch, spent) in course.iter_mut().zip(spent) {
        stretch.spent_usd = usd(spent);
    }
    course
}

fn forecast(ended: &[Summary]) -> ForecastError {
    let pair = |it: &Summary| {
        let estimated = it.stats.forecast.as_ref()?.micro_usd;
        (estimated > 0 && it.stats.agent_micro_usd > 0).then_some((estimated, it.stats.agent_micro_usd))
    };
    let pairs: Vec<(u64, u64)> = ended.iter().filter_map(pair).collect();
    let mut errors: Vec<f64> = pairs.iter().map(|(estimated, actual)| usd(*actual) / usd(*estimated) - 1.0).collect();
    errors.sort_by(f64::total_cmp);
    ForecastError {
        number: pairs.len(),
        estimated_usd: usd(pairs.iter().map(|(estimated, _)| estimated).sum()),
        actual_usd: usd(pairs.iter().map(|(_, actual)| actual).sum()),
        median_error: percentile(&errors, 50),
    }
}

fn groups<'a>(
    ended: &'a [Summary],
    expenses: &'a [Expense],
    of_workflow: impl Fn(&'a Summary) -> Option<&'a str>,
    of_expense: impl Fn(&'a Expense) -> Option<&'a str>,
) -> Vec<Group> {
    let mut found: BTreeMap<&str, (Vec<&Summary>, u64)> = BTreeMap::new();
    for summary in ended {
        if let Some(name) = of_workflow(summary) {
            found.entry(name).or_default().0.push(summary);
        }
    }
    for expense in expenses {
        if let Some(name) = of_expense(expense) {
            let spent = &mut found.entry(name).or_default().1;
            *spent = spent.saturating_add(expense.micro_usd);
        }
    }
    let group = |(name, (ended, spent)): (&str, (Vec<&Summary>, u64))| {
        let [success, merged, first_pass] = rates(ended);
        Group { name: name.to_owned(), success, merged, first_pass, spent_usd: usd(spent) }
    };
    let mut groups: Vec<Group> = found.into_iter().map(group).collect();
    groups.sort_by(|a, b| b.success.whole.cmp(&a.success.whole).then_with(|| b.spent_usd.total_cmp(&a.spent_usd)));
    groups.truncate(MAX_GROUPS);
    groups
}
