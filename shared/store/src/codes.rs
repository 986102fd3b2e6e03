//! Typed codes: one row beside each link that one was asked for.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::gate::code::LinkCode;
use domain::{Digest, Timestamp};

use crate::error::StoreError;
use crate::gates::Gates;
use crate::keys;
use crate::row::{self, n};
use crate::workflows::built;

/// How long a row is kept after its code was asked for, seconds: as long as gates may stay open, so that nobody gets
/// more codes by waiting.
const KEPT_SECONDS: i64 = 60 * 24 * 3_600;

impl Gates {
    /// The codes of a link.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn code(&self, link: Digest) -> Result<Option<LinkCode>, StoreError> {
        let key = row::key(keys::link(link), keys::CODE);
        row::read(&self.client, &self.table, key, "reading a code").await?.map(row::value).transpose()
    }

    /// The write that changes a link's codes, if nobody has changed them since `before` was read.
    ///
    /// # Errors
    /// Only when a row cannot be written.
    pub fn code_write(
        &self,
        link: Digest,
        before: Option<&LinkCode>,
        after: &LinkCode,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = row::item(keys::link(link), keys::CODE, after)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(now.as_second() + KEPT_SECONDS));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("#number = :number AND #tries = :tries")
                .expression_attribute_names("#number", "number")
                .expression_attribute_names("#tries", "tries")
                .expression_attribute_values(":number", n(before.number))
                .expression_attribute_values(":tries", n(before.tries)),
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }
}
