//! What was refused at the console, in the table `audit`: rows are added and never changed.

use domain::refusal::AccessRefusal;

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, s};
use crate::workflows::Store;

impl Store {
    /// Writes a refusal down. `distinct` tells refusals of one moment apart.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn put_refusal(&self, refusal: &AccessRefusal, distinct: u64) -> Result<(), StoreError> {
        let partition = keys::access(&AccessRefusal::day(refusal.at));
        let item = row::item(partition, keys::refusal(refusal.at, distinct), refusal)?;
        self.client
            .put_item()
            .table_name(&self.audit)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map_err(|error| StoreError::service("writing a refusal down", error))?;
        Ok(())
    }

    /// The last refusals of a day (`2026-11-22`), the latest first.
    ///
    /// # Errors
    /// What DynamoDB answered, or a row that cannot be read.
    pub async fn refusals(&self, day: &str, limit: i32) -> Result<Vec<AccessRefusal>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.audit)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::access(day)))
            .scan_index_forward(false)
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::service("reading the refusals of a day", error))?;
        answer.items.unwrap_or_default().into_iter().map(row::value).collect()
    }
}
