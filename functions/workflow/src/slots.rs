//! Slots: queue, be handed one, give it back.

use domain::Timestamp;
use domain::failure::Failure;
use domain::ids::{TaskToken, WorkflowId};
use domain::slot::{Pause, SlotPool, Waiter};
use domain::steps::{Done, SlotOutput};
use runtime::task_token;

use crate::Context;

/// Queues for a slot and hands free ones over. The answer goes to the token, also when something breaks: an error of
/// a function that was called with a token would not end the wait everywhere.
pub(crate) async fn acquire(
    context: &Context,
    id: &WorkflowId,
    pool: SlotPool,
    token: &TaskToken,
    now: Timestamp,
) -> Result<Done, Failure> {
    match try_acquire(context, id, pool, token, now).await {
        Ok(()) => Ok(Done::Done),
        Err(failure) => {
            tracing::error!(workflow = %id, pool = pool.as_str(), %failure, "a slot could not be had");
            task_token::fail(&context.sfn, token, &failure).await?;
            Ok(Done::Done)
        }
    }
}

async fn try_acquire(
    context: &Context,
    id: &WorkflowId,
    pool: SlotPool,
    token: &TaskToken,
    now: Timestamp,
) -> Result<(), Failure> {
    let workflow = context.store.workflow(id).await?;
    if workflow.cancel_requested.is_some() || workflow.state.is_terminal() {
        return task_token::succeed(&context.sfn, token, &SlotOutput::Cancelled).await;
    }
    context.tokens.put_slot(pool, id, token, now).await?;
    let waiter = Waiter { workflow_id: id.clone(), priority: workflow.ticket.priority, since: now };
    context.slots.enqueue(pool, &waiter).await?;
    hand_over(context, pool).await?;
    // Already a holder: the step was tried again after its answer was lost.
    if context.slots.is_held(pool, id).await? {
        tell(context, pool, id, SlotOutput::Acquired).await?;
    }
    Ok(())
}

/// Gives a slot back and hands it to the next one.
pub(crate) async fn release(context: &Context, id: &WorkflowId, pool: SlotPool) -> Result<Done, Failure> {
    context.slots.release(pool, id).await?;
    context.tokens.forget_slot(pool, id).await?;
    hand_over(context, pool).await?;
    Ok(Done::Done)
}

/// Leaves every queue, telling the state machine that the wait was cancelled.
pub(crate) async fn leave_queues(context: &Context, id: &WorkflowId) -> Result<(), Failure> {
    for pool in SlotPool::ALL {
        if context.slots.is_waiting(pool, id).await? {
            context.slots.release(pool, id).await?;
            tell(context, pool, id, SlotOutput::Cancelled).await?;
        }
    }
    Ok(())
}

/// Gives back slots of workflows that have ended, hands free ones over, and tells holders that were not told.
pub(crate) async fn sweep(context: &Context, pool: SlotPool) -> Result<Done, Failure> {
    let mut first = None;
    for id in context.slots.holders(pool).await? {
        if let Err(failure) = look_after(context, &id, pool).await {
            tracing::error!(workflow = %id, pool = pool.as_str(), %failure, "a slot could not be looked after");
            first.get_or_insert(failure);
        }
    }
    hand_over(context, pool).await?;
    first.map_or(Ok(Done::Done), Err)
}

/// Lets a pool rest, or go on at once.
pub(crate) async fn pause(context: &Context, pool: SlotPool, pause: Option<Pause>) -> Result<Done, Failure> {
    tracing::warn!(pool = pool.as_str(), by = pause.as_ref().map(|it| it.by.as_str()), "a pool rests or goes on");
    context.slots.set_pause(pool, pause).await?;
    hand_over(context, pool).await?;
    Ok(Done::Done)
}

async fn look_after(context: &Context, id: &WorkflowId, pool: SlotPool) -> Result<(), Failure> {
    if context.store.workflow(id).await?.state.is_terminal() {
        tracing::warn!(workflow = %id, pool = pool.as_str(), "a slot outlived its workflow and was given back");
        release(context, id, pool).await?;
        return Ok(());
    }
    tell(context, pool, id, SlotOutput::Acquired).await
}

async fn hand_over(context: &Context, pool: SlotPool) -> Result<(), Failure> {
    for grant in context.slots.hand_over(pool, context.config.capacity(pool)).await? {
        tell(context, pool, &grant.workflow_id, SlotOutput::Acquired).await?;
    }
    Ok(())
}

/// Tells a waiter. A crash before the token is removed is finished by the sweeper, which tells again.
async fn tell(context: &Context, pool: SlotPool, id: &WorkflowId, output: SlotOutput) -> Result<(), Failure> {
    if let Some(token) = context.tokens.slot(pool, id).await? {
        task_token::succeed(&context.sfn, &token, &output).await?;
        context.tokens.remove_slot(pool, id, &token).await?;
    }
    Ok(())
}
