//! SPECs in the bucket.

use domain::Digest;
use domain::spec::{Spec, render_markdown};

use crate::keys::objects;
use crate::{Objects, StoreError};

/// Longest stored SPEC that is read again, bytes.
const MAX_SPEC_BYTES: u64 = 4 * 1024 * 1024;

impl Objects {
    /// Stores a SPEC, both forms, before a workflow's row names it; answers the stored one and its digest. A stored SPEC
    /// never changes: where another writer of the revision was faster (it died before the row named its SPEC, or runs
    /// beside this one), that one's stands.
    ///
    /// # Errors
    /// S3's, or that the stored SPEC cannot be read.
    pub async fn propose_spec(&self, spec: Spec) -> Result<(Spec, Digest), StoreError> {
        let (id, revision) = (&spec.workflow_id, spec.revision);
        let key = objects::spec_json(id, revision);
        let json = serde_json::to_vec_pretty(&spec).map_err(|error| StoreError::malformed(&key, error))?;
        let spec = if self.put_new(&key, json, "application/json").await? {
            spec
        } else {
            let bytes = self.get(&key, MAX_SPEC_BYTES).await?;
            serde_json::from_slice(&bytes).map_err(|error| StoreError::malformed(&key, error))?
        };
        let markdown = render_markdown(&spec).into_bytes();
        let key = objects::spec_markdown(&spec.workflow_id, spec.revision);
        self.put(&key, markdown, "text/markdown; charset=utf-8").await?;
        let digest = spec.digest().map_err(|error| StoreError::malformed(&key, error))?;
        Ok((spec, digest))
    }
}
