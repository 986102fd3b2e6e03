//! Rows: a value of ours plus key attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::keys;

/// A DynamoDB item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A text attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The key attributes of a row.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([(keys::PK.to_owned(), s(pk)), (keys::SK.to_owned(), s(sk))])
}

/// A row with `value`'s fields as its attributes.
pub(crate) fn item<T: Serialize>(pk: impl Into<String>, sk: impl Into<String>, value: &T) -> Result<Item, StoreError> {
    let (pk, sk) = (pk.into(), sk.into());
    let fields: Item =
        serde_dynamo::to_item(value).map_err(|error| StoreError::malformed(format!("{pk}/{sk}"), error))?;
    let mut item = key(pk, sk);
    item.extend(fields);
    Ok(item)
}

/// The value in a row; attributes that it does not know are left out.
pub(crate) fn value<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    let name = |attribute: &str| item.get(attribute).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
    let what = format!("{}/{}", name(keys::PK), name(keys::SK));
    let mut fields = item;
    for attribute in
        [keys::PK, keys::SK, keys::BY_STATE_PK, keys::BY_STATE_SK, keys::BY_DUE_PK, keys::BY_DUE_SK, keys::EXPIRES_AT]
    {
        fields.remove(attribute);
    }
    serde_dynamo::from_item(fields).map_err(|error| StoreError::malformed(what, error))
}

/// Reads one row as it is now. `action` says what was tried, should it fail.
pub(crate) async fn read(
    client: &Client,
    table: &str,
    key: Item,
    action: &'static str,
) -> Result<Option<Item>, StoreError> {
    let answer = client
        .get_item()
        .table_name(table)
        .set_key(Some(key))
        .consistent_read(true)
        .send()
        .await
        .map_err(|error| StoreError::service(action, error))?;
    Ok(answer.item)
}
