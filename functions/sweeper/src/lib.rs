//! The net below everything else. Every minute it finishes what a crash, a lost answer or a lost webhook left undone:
//! gates that people have to be reminded of or whose time is up, decisions that have not reached the state machine, workflows without a live execution,
//! requests to stop that nobody noticed, slots and sandboxes of workflows that have ended.
//!
//! It has neither task tokens nor the code host: it asks the functions that do. Two sweeps at once do no harm.

mod config;
mod dead_letters;
mod each;
mod gates;
mod slots;
mod workflows;

use domain::Timestamp;
use domain::failure::{Failure, FailureKind};
use domain::steps::SweeperAsk;
use runtime::metrics::{Unit, emit};
use serde::Serialize;
use serde_json::Value;

pub use config::{Config, Context, DeadLetterUrls};

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Gates that expired.
    pub expired: u32,
    /// Gates about which people were reminded, or more of them asked.
    pub reminded: u32,
    /// Decisions handed to the state machine.
    pub delivered: u32,
    /// Workflows started or ended.
    pub recovered: u32,
    /// Pull requests to look at.
    pub polled: u32,
}

/// Does what the console asks, or sweeps: the schedule's event asks for that, whatever it says.
///
/// # Errors
/// A [`Failure`] of the sweep, or what a service answered.
pub async fn handle(context: &Context, payload: Value, now: Timestamp) -> Result<Value, Failure> {
    match serde_json::from_value(payload) {
        Ok(SweeperAsk::Start { workflow_id }) => answer(&workflows::start_asked(context, &workflow_id).await?),
        Ok(SweeperAsk::DeadLetters) => answer(&dead_letters::list(context).await?),
        Ok(SweeperAsk::Redrive { queue }) => answer(&dead_letters::redrive(context, queue).await?),
        Err(_) => answer(&sweep(context, now).await?),
    }
}

fn answer(output: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(output).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// Sweeps once. Each part runs even when another failed, and each item of a part.
///
/// # Errors
/// The first failure of a part, after every part has run.
pub async fn sweep(context: &Context, now: Timestamp) -> Result<Swept, Failure> {
    let mut swept = Swept::default();
    let results = [
        gates::look_at_clocks(context, now, &mut swept).await,
        gates::deliver(context, now, &mut swept).await,
        workflows::recover(context, now, &mut swept).await,
        slots::sweep(context).await,
        slots::stop_orphans(context).await,
    ];
    let failures: Vec<Failure> = results.into_iter().filter_map(Result::err).collect();
    for failure in &failures {
        tracing::error!(kind = %failure.kind, %failure, "a part of the sweep failed");
    }
    if swept != Swept::default() {
        tracing::info!(?swept, "swept");
    }
    emit(now.as_millisecond(), "SweepRecovered", Unit::Count, f64::from(swept.recovered), None);
    match failures.into_iter().next() {
        Some(first) => Err(Failure::new(FailureKind::Transient, format!("a part of the sweep failed: {first}"))),
        None => Ok(swept),
    }
}
