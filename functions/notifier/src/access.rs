//! What is opened by secrets, for the length of a batch.

use tickets::flux_lens::FluxLens;

/// The tracker.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tracker.
    pub tracker: FluxLens,
}
