//! What lists and figures read: parts of workflows' rows, and the book of expenses.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{Select, TransactWriteItem};
use domain::ids::{Attempt, WorkflowId};
use domain::workflow::{Expense, PullRequestRef, Stats, TicketSummary, Workflow};
use domain::{Timestamp, WorkflowState};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, Item, n, s};
use crate::workflows::{Store, put_new};

/// How long expenses are kept, seconds: longer than the longest period of figures.
const KEPT_SECONDS: i64 = 400 * 24 * 3_600;
/// Most pages of rows that are counted, each of a megabyte.
const MAX_COUNTED_PAGES: usize = 10;
/// The attributes of [`Summary`].
const PARTS: [&str; 9] =
    ["id", "state", "ticket", "created_at", "updated_at", "attempt", "stats", "pr", "cancel_requested"];

/// The part of a workflow's row that lists and figures need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: WorkflowId,
    /// Where it stands.
    pub state: WorkflowState,
    /// The ticket.
    pub ticket: TicketSummary,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed; of one that ended, when it ended.
    pub updated_at: Timestamp,
    /// The attempt that runs or comes next.
    pub attempt: Attempt,
    /// Its figures.
    #[serde(default)]
    pub stats: Stats,
    /// The pull request.
    #[serde(default)]
    pub pr: Option<PullRequestRef>,
    /// Somebody asked to stop.
    #[serde(default)]
    pub cancel_requested: Option<String>,
}

impl From<Workflow> for Summary {
    fn from(workflow: Workflow) -> Self {
        Self {
            id: workflow.id,
            state: workflow.state,
            ticket: workflow.ticket,
            created_at: workflow.created_at,
            updated_at: workflow.updated_at,
            attempt: workflow.attempt,
            stats: *workflow.stats,
            pr: workflow.pr,
            cancel_requested: workflow.cancel_requested,
        }
    }
}

/// A stretch of the list of workflows in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Those that changed at this moment or later.
    pub since: Timestamp,
    /// Those that stand after this one in a list that has the one changed last first.
    pub after: Option<(Timestamp, WorkflowId)>,
    /// At most so many.
    pub limit: usize,
}

impl Span {
    /// The first of all.
    pub const fn newest(limit: usize) -> Self {
        Self { since: Timestamp::UNIX_EPOCH, after: None, limit }
    }

    /// Those that changed at a moment or later.
    pub const fn since(since: Timestamp, limit: usize) -> Self {
        Self { since, after: None, limit }
    }
}

impl Store {
    /// Workflows in one state, the one changed last first; and whether there are more.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn summaries(&self, state: WorkflowState, span: &Span) -> Result<(Vec<Summary>, bool), StoreError> {
        // A place is between its own key and itself; anything of ours sorts before a tilde.
        let until = span.after.as_ref().map_or_else(|| "~".to_owned(), |(at, id)| keys::changed_of(*at, id));
        let is_place = |item: &Item| span.after.is_some() && text(item, keys::BY_STATE_SK) == Some(until.as_str());
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            // One more than is wanted shows whether there are more, and the place itself may be among them.
            let wanted = (span.limit + 2).saturating_sub(found.len());
            let mut query = self
                .by_state(state, span.since, &until)
                .scan_index_forward(false)
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start);
            for part in PARTS {
                // Some of the names are words of DynamoDB's own.
                query = query.expression_attribute_names(format!("#{part}"), part);
            }
            let parts = PARTS.map(|part| format!("#{part}")).join(", ");
            let page = query
                .projection_expression(format!("{parts}, {}", keys::BY_STATE_SK))
                .send()
                .await
                .map_err(|error| StoreError::service("listing workflows", error))?;
            found.extend(page.items.unwrap_or_default().into_iter().filter(|item| !is_place(item)));
            start = page.last_evaluated_key;
            if start.is_none() || found.len() > span.limit {
                break;
            }
        }
        let more = found.len() > span.limit;
        found.truncate(span.limit);
        let read =
            |item| row::value(item).inspect_err(|error| tracing::error!(%error, "a workflow's row is unreadable")).ok();
        Ok((found.into_iter().filter_map(read).collect(), more))
    }

    /// How many workflows in one state changed at `since` or later; and whether there are more than were counted.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn count(&self, state: WorkflowState, since: Timestamp) -> Result<(usize, bool), StoreError> {
        let (mut count, mut start) = (0, None);
        for _ in 0..MAX_COUNTED_PAGES {
            let page = self
                .by_state(state, since, "~")
                .select(Select::Count)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::service("counting workflows", error))?;
            count += usize::try_from(page.count).unwrap_or(0);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok((count, false));
            }
        }
        Ok((count, true))
    }

    fn by_state(&self, state: WorkflowState, since: Timestamp, until: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.state)
            .index_name(keys::BY_STATE)
            .key_condition_expression("gsi1pk = :state AND gsi1sk BETWEEN :since AND :until")
            .expression_attribute_values(":state", s(keys::state(state)))
            .expression_attribute_values(":since", s(keys::changed(since)))
            .expression_attribute_values(":until", s(until))
    }

    /// The write of an expense, for the transaction of the event that it is of.
    pub(crate) fn expense_write(&self, expense: &Expense) -> Result<TransactWriteItem, StoreError> {
        let sort = keys::expense(expense.at, &expense.workflow_id, expense.seq);
        let mut item = row::item(keys::expenses(expense.at), sort, expense)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(expense.at.as_second().saturating_add(KEPT_SECONDS)));
        put_new(&self.state, item)
    }

    /// What was spent from `since` to `now`, the last line first, at most `limit` lines; and whether there are more. A
    /// query for every calendar month.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn expenses(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Expense>, bool), StoreError> {
        let mut found: Vec<Expense> = Vec::new();
        for month in months(since, now).into_iter().rev() {
            let mut pages = self
                .client
                .query()
                .table_name(&self.state)
                .scan_index_forward(false)
                .key_condition_expression("pk = :month AND sk >= :since")
                .expression_attribute_values(":month", s(month))
                .expression_attribute_values(":since", s(keys::changed(since)))
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| StoreError::service("reading expenses", error))?;
                let items: Vec<Item> = page.items.unwrap_or_default();
                found.extend(items.into_iter().map(row::value).collect::<Result<Vec<_>, _>>()?);
                if found.len() > limit {
                    found.truncate(limit);
                    return Ok((found, true));
                }
            }
        }
        Ok((found, false))
    }
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The partitions from one moment to a later one, in order.
fn months(since: Timestamp, now: Timestamp) -> Vec<String> {
    /// Shorter than any month, so that none is left out.
    const STEP_SECONDS: i64 = 27 * 24 * 3_600;
    let (mut months, mut at) = (Vec::new(), since);
    while at < now {
        months.push(keys::expenses(at));
        at = Timestamp::from_second(at.as_second() + STEP_SECONDS).unwrap_or(now);
    }
    months.push(keys::expenses(now));
    months.dedup();
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_month_is_left_out() {
        let months = |since: &str, now: &str| months(since.parse().unwrap(), now.parse().unwrap());
        assert_eq!(months("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"), ["SPENT#2026-11"]);
        assert_eq!(
            months("2026-01-31T23:00:00Z", "2026-04-01T00:00:00Z"),
            ["SPENT#2026-01", "SPENT#2026-02", "SPENT#2026-03", "SPENT#2026-04"]
        );
        assert_eq!(months("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"), ["SPENT#2026-02"]);
    }
}
