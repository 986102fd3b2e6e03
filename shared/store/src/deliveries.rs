//! Deliveries that were seen: the memory that makes a repeated delivery one delivery.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::ids::DeliveryId;
use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, n, s};
use crate::workflows::Store;

/// How long a delivery id is remembered, seconds: 14 days.
const REMEMBERED_SECONDS: i64 = 14 * 24 * 3600;
/// How long one handler may take before another may try, seconds.
const LEASE_SECONDS: i64 = 60;

/// What to do with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryClaim {
    /// Handle it: it is new, or the handler that had it before did not finish.
    Handle,
    /// It was handled.
    Done,
    /// Another handler has it now; come back later.
    Busy,
}

/// One delivery id was used for two bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryConflict;

#[derive(Serialize, Deserialize)]
struct DeliveryRow {
    body_digest: Digest,
    lease_until: i64,
    done: bool,
}

impl Store {
    /// Claims a delivery for handling.
    ///
    /// # Errors
    /// The inner result: the id was used for another body. The outer: what DynamoDB answered.
    pub async fn claim_delivery(
        &self,
        id: &DeliveryId,
        body_digest: Digest,
        now: Timestamp,
    ) -> Result<Result<DeliveryClaim, DeliveryConflict>, StoreError> {
        let second = now.as_second();
        let row = DeliveryRow { body_digest, lease_until: second + LEASE_SECONDS, done: false };
        let mut item = row::item(keys::delivery(id.as_str()), keys::META, &row)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(second + REMEMBERED_SECONDS));
        let answer = self
            .client
            .put_item()
            .table_name(&self.state)
            .set_item(Some(item))
            .condition_expression(
                "attribute_not_exists(pk) OR (#done = :no AND lease_until < :now AND body_digest = :body)",
            )
            .expression_attribute_names("#done", "done")
            .expression_attribute_values(":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
            .expression_attribute_values(":now", n(second))
            .expression_attribute_values(":body", s(body_digest.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else { return Ok(Ok(DeliveryClaim::Handle)) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(StoreError::service("claiming a delivery", error));
        };
        let Some(item) = failed.item() else {
            return Ok(Ok(DeliveryClaim::Busy));
        };
        let row: DeliveryRow = row::value(item.clone())?;
        Ok(if row.body_digest != body_digest {
            Err(DeliveryConflict)
        } else if row.done {
            Ok(DeliveryClaim::Done)
        } else {
            Ok(DeliveryClaim::Busy)
        })
    }

    /// Notes that a delivery was handled.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn finish_delivery(&self, id: &DeliveryId) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::delivery(id.as_str()), keys::META)))
            .update_expression("SET #done = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#done", "done")
            .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .send()
            .await
            .map_err(|error| StoreError::service("finishing a delivery", error))?;
        Ok(())
    }

    /// Gives a delivery back after a failure, so that the queue's next try need not wait for the lease.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn release_delivery(&self, id: &DeliveryId) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(row::key(keys::delivery(id.as_str()), keys::META)))
            .update_expression("SET lease_until = :zero")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":zero", n(0))
            .send()
            .await
            .map_err(|error| StoreError::service("releasing a delivery", error))?;
        Ok(())
    }
}
