//! What is opened by secrets, for the length of a batch.

use domain::failure::Failure;
use slack::Slack;
use tickets::flux_lens::FluxLens;

/// The tracker, and Slack.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tracker.
    pub tracker: FluxLens,
    /// Slack, where the deployment has it. A token that cannot be read stops nothing else.
    pub slack: Option<Result<Slack, Failure>>,
}
