//! Which workflow a pull request belongs to.

use domain::ids::{Repository, WorkflowId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row;
use crate::workflows::Store;

#[derive(Serialize, Deserialize)]
struct PullRow {
    workflow_id: WorkflowId,
}

impl Store {
    /// Notes whose a pull request is. Noting it again changes nothing.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn put_pull_request(
        &self,
        repository: &Repository,
        number: u64,
        id: &WorkflowId,
    ) -> Result<(), StoreError> {
        let row = PullRow { workflow_id: id.clone() };
        self.client
            .put_item()
            .table_name(&self.state)
            .set_item(Some(row::item(keys::pull_request(repository, number), keys::META, &row)?))
            .send()
            .await
            .map_err(|error| StoreError::service("noting a pull request", error))?;
        Ok(())
    }

    /// Whose a pull request is, if it is one of ours.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn pull_request_owner(
        &self,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<WorkflowId>, StoreError> {
        let item = self.get(keys::pull_request(repository, number), keys::META).await?;
        Ok(item.map(row::value::<PullRow>).transpose()?.map(|row| row.workflow_id))
    }
}
