//! The bucket of anchors: heads of audit trails, kept by Object Lock.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use domain::audit::{Anchor, FoundAnchor, StoredAnchor};
use domain::ids::WorkflowId;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::error::StoreError;
use crate::keys::anchors as keys;
use crate::objects::Objects;

/// No anchor is larger, bytes.
const MAX_BYTES: u64 = 4 * 1024;
/// How many anchors are read at once.
const AT_ONCE: usize = 16;

/// The bucket of anchors.
#[derive(Debug, Clone)]
pub struct Anchors {
    objects: Objects,
}

/// What became of an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchored {
    /// It is new.
    Written,
    /// It was there already.
    Known,
    /// Another one stands in its place: the trail was rewritten, or the anchor forged. It stays as it is.
    Differs,
}

impl Anchors {
    /// Anchors in a bucket.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { objects: Objects::new(client, bucket) }
    }

    /// Writes an anchor, unless something stands in its place.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another write of it is under way; or what S3 answered.
    pub async fn put(&self, anchor: &Anchor) -> Result<Anchored, StoreError> {
        let key = keys::anchor(&anchor.workflow_id, anchor.seq);
        let bytes = serde_json::to_vec(anchor).map_err(|error| StoreError::malformed("an anchor", error))?;
        if self.objects.put_new(&key, bytes, "application/json").await? {
            return Ok(Anchored::Written);
        }
        let there = match self.objects.get(&key, MAX_BYTES).await {
            Err(StoreError::TooLarge { .. }) => return Ok(Anchored::Differs),
            there => there?,
        };
        let same = serde_json::from_slice::<Anchor>(&there).is_ok_and(|there| there == *anchor);
        Ok(if same { Anchored::Known } else { Anchored::Differs })
    }

    /// What stands in the places of a workflow's anchors: every version, so that one that somebody wrote over or marked
    /// as deleted shows. Objects that have no anchor's name are left out.
    ///
    /// # Errors
    /// What S3 answered.
    pub async fn of(&self, id: &WorkflowId) -> Result<Vec<StoredAnchor>, StoreError> {
        let (mut found, mut versions) = (Vec::new(), Vec::new());
        for page in self.pages(&keys::workflow(id), None).await? {
            for mark in page.delete_markers() {
                if let Some(seq) = mark.key().and_then(|key| keys::seq_of(id, key)) {
                    let when = mark.last_modified().map(|at| format!(" at {at}")).unwrap_or_default();
                    found.push(StoredAnchor { seq, found: FoundAnchor::Disturbed(format!("it was deleted{when}")) });
                }
            }
            for version in page.versions.unwrap_or_default() {
                if let Some(seq) = version.key().and_then(|key| keys::seq_of(id, key)) {
                    versions.push((seq, version.version_id));
                }
            }
        }
        let read = versions.into_iter().map(|(seq, version)| self.read(id, seq, version));
        let read: Vec<_> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        found.extend(read);
        found.sort_by_key(|anchor| anchor.seq);
        Ok(found)
    }

    /// Every workflow that was ever anchored.
    ///
    /// # Errors
    /// What S3 answered.
    pub async fn workflows(&self) -> Result<Vec<WorkflowId>, StoreError> {
        let pages = self.pages(keys::PREFIX, Some("/")).await?;
        let prefixes = pages.iter().flat_map(ListObjectVersionsOutput::common_prefixes);
        Ok(prefixes.filter_map(|prefix| keys::workflow_of(prefix.prefix()?)).collect())
    }

    async fn read(&self, id: &WorkflowId, seq: u64, version: Option<String>) -> Result<StoredAnchor, StoreError> {
        let disturbed = |reason: String| StoredAnchor { seq, found: FoundAnchor::Disturbed(reason) };
        match self.objects.try_get_version(&keys::anchor(id, seq), version, MAX_BYTES).await {
            Ok(None) => Ok(disturbed("it is gone".to_owned())),
            Err(error @ StoreError::TooLarge { .. }) => Ok(disturbed(error.to_string())),
            Err(error) => Err(error),
            Ok(Some(bytes)) => Ok(match serde_json::from_slice(&bytes) {
                Ok(anchor) => StoredAnchor { seq, found: FoundAnchor::Anchor(anchor) },
                Err(error) => disturbed(format!("it cannot be read: {error}")),
            }),
        }
    }

    async fn pages(&self, prefix: &str, delimiter: Option<&str>) -> Result<Vec<ListObjectVersionsOutput>, StoreError> {
        let Objects { client, bucket } = &self.objects;
        let (mut pages, mut key, mut version) = (Vec::new(), None, None);
        loop {
            let call = client.list_object_versions().bucket(bucket).prefix(prefix);
            let call = call.set_delimiter(delimiter.map(str::to_owned));
            let page = call.set_key_marker(key).set_version_id_marker(version).send().await;
            let page = page.map_err(|error| StoreError::service("listing anchors", error))?;
            let more = page.is_truncated().unwrap_or(false);
            (key, version) = (page.next_key_marker.clone(), page.next_version_id_marker.clone());
            pages.push(page);
            if !more {
                return Ok(pages);
            }
        }
    }
}
