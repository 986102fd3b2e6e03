//! What is opened by secrets, for the length of a batch.

use domain::ids::WorkflowId;
use domain::view_token::ViewKey;
use tickets::flux_lens::FluxLens;

/// The tracker and the key of signed links.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tracker.
    pub tracker: FluxLens,
    /// Signs links to workflow pages.
    pub view_key: ViewKey,
}

impl Access {
    /// The address of a workflow's page.
    pub(crate) fn page(&self, base_url: &str, id: &WorkflowId) -> String {
        self.view_key.workflow_url(base_url, id)
    }
}
