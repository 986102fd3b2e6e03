//! Fingerprints of the secrets that this deployment uses, written by whoever holds each.

use std::collections::BTreeMap;

use domain::inbound::SecretOwner;
use domain::secrets::{Fingerprint, KnownSecrets};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row;
use crate::workflows::Store;

#[derive(Serialize, Deserialize)]
struct KnownRow {
    fingerprints: Vec<Fingerprint>,
}

impl Store {
    /// Notes the fingerprints of the secrets that a function holds, in the place of those with the same name. An owner
    /// can write to its own partition only.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn put_known_secrets(
        &self,
        owner: SecretOwner,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<(), StoreError> {
        let mut by_name: BTreeMap<String, Vec<Fingerprint>> = BTreeMap::new();
        for fingerprint in fingerprints {
            by_name.entry(fingerprint.name.clone()).or_default().push(fingerprint);
        }
        for (name, fingerprints) in by_name {
            let row = KnownRow { fingerprints };
            self.client
                .put_item()
                .table_name(&self.state)
                .set_item(Some(row::item(keys::known_secrets(owner), name, &row)?))
                .send()
                .await
                .map_err(|error| StoreError::service("noting fingerprints", error))?;
        }
        Ok(())
    }

    /// The secrets of this deployment, as far as their owners have been at work.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn known_secrets(&self) -> Result<KnownSecrets, StoreError> {
        let mut fingerprints = Vec::new();
        for owner in SecretOwner::ALL {
            let answer = self
                .client
                .query()
                .table_name(&self.state)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", keys::PK)
                .expression_attribute_values(":pk", row::s(keys::known_secrets(owner)))
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| StoreError::service("reading fingerprints", error))?;
            // A few secrets, 30 KiB at most: one page.
            for item in answer.items.unwrap_or_default() {
                fingerprints.extend(row::value::<KnownRow>(item)?.fingerprints);
            }
        }
        Ok(KnownSecrets::new(fingerprints))
    }
}
