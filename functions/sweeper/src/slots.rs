//! Slots that nobody gave back, and sandboxes that outlived their workflow: the function that keeps both looks.

use domain::failure::Failure;
use domain::slot::SlotPool;
use domain::steps::{Done, WorkflowStep};

use crate::Context;

/// Lets the function that keeps slots look after each pool that is in use.
pub(crate) async fn sweep(context: &Context) -> Result<(), Failure> {
    for pool in SlotPool::ALL {
        if context.slots.holders(pool).await?.is_empty() && context.slots.queue(pool).await?.is_empty() {
            continue;
        }
        let step = WorkflowStep::SweepSlots { pool };
        let _: Done = context.invoker.call(&context.config.workflow_function, &step).await?;
    }
    Ok(())
}

/// Lets the function that starts sandboxes stop those whose workflow has ended.
pub(crate) async fn stop_orphans(context: &Context) -> Result<(), Failure> {
    let _: Done = context.invoker.call(&context.config.workflow_function, &WorkflowStep::SweepSandboxes).await?;
    Ok(())
}
