//! Sessions and API tokens of the console. A table of its own: only `console` may touch it. What is in it opens
//! nothing: ids and tokens are kept as their digests.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use domain::person::Person;
use domain::role::{Role, Scopes};
use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::row::{self, n, s};

/// The table `console`.
#[derive(Debug, Clone)]
pub struct ConsoleTable {
    client: Client,
    table: String,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What stays the same from sign-in to the end, while the secret id changes.
    pub family: String,
    /// Who it is.
    pub person: Person,
    /// What they are, as of their sign-in.
    pub role: Role,
    /// Digest of the secret id.
    pub current: Digest,
    /// Digest of the secret id before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// Since when the id is the current one.
    pub rotated_at: Timestamp,
    /// When they signed in.
    pub signed_in_at: Timestamp,
    /// When they were last seen, to the minute.
    pub last_seen: Timestamp,
}

/// A token that somebody made for their scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Its digest.
    pub digest: Digest,
    /// On whose behalf it acts.
    pub owner: Person,
    /// What its owner calls it.
    pub label: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself. The attribute `expires_at` is another: a second, for DynamoDB's own deletion.
    #[serde(rename = "ends_at")]
    pub expires_at: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The day on which it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

impl ConsoleTable {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Keeps a new session until `ends`.
    ///
    /// # Errors
    /// What DynamoDB answered; also when there is one of this family.
    pub async fn put_session(&self, session: &Session, ends: Timestamp) -> Result<(), StoreError> {
        let mut item = row::item(keys::session(&session.family), keys::META, session)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(ends.as_second()));
        self.put(item, "keeping a session").await
    }

    /// A session, as it is now.
    ///
    /// # Errors
    /// What DynamoDB answered, or a row that cannot be read.
    pub async fn session(&self, family: &str) -> Result<Option<Session>, StoreError> {
        let key = row::key(keys::session(family), keys::META);
        row::read(&self.client, &self.table, key, "reading a session").await?.map(row::value).transpose()
    }

    /// Gives a session its next id. `false`: another request did, or the session is over.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn rotate_session(&self, session: &Session, next: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(keys::session(&session.family), keys::META)
            .update_expression("SET #current = :next, #previous = :current, rotated_at = :now, last_seen = :now")
            .condition_expression("#current = :current")
            .expression_attribute_names("#current", "current")
            .expression_attribute_names("#previous", "previous")
            .expression_attribute_values(":next", s(next.to_string()))
            .expression_attribute_values(":current", s(session.current.to_string()))
            .expression_attribute_values(":now", s(now.to_string()));
        done(update.send().await, "giving a session its next id")
    }

    /// Notes that somebody was seen. `false`: the session is over.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn session_seen(&self, family: &str, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(keys::session(family), keys::META)
            .update_expression("SET last_seen = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", s(now.to_string()));
        done(update.send().await, "noting that somebody was seen")
    }

    /// Ends a session: none of its ids opens anything any more.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn end_session(&self, family: &str) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(row::key(keys::session(family), keys::META)))
            .send()
            .await
            .map_err(|error| StoreError::service("ending a session", error))?;
        Ok(())
    }

    /// Keeps a new API token.
    ///
    /// # Errors
    /// What DynamoDB answered; also when there is one with this digest.
    pub async fn put_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        let mut item = row::item(keys::API_TOKENS, token.digest.to_string(), token)?;
        item.insert(keys::EXPIRES_AT.to_owned(), n(token.expires_at.as_second()));
        self.put(item, "keeping an API token").await
    }

    /// The API token with this digest.
    ///
    /// # Errors
    /// What DynamoDB answered, or a row that cannot be read.
    pub async fn token(&self, digest: Digest) -> Result<Option<ApiToken>, StoreError> {
        let key = row::key(keys::API_TOKENS, digest.to_string());
        row::read(&self.client, &self.table, key, "reading an API token").await?.map(row::value).transpose()
    }

    /// Every API token that has not been deleted after its end.
    ///
    /// # Errors
    /// What DynamoDB answered, or a row that cannot be read.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::API_TOKENS))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let items = pages.collect::<Result<Vec<_>, _>>().await;
        let items = items.map_err(|error| StoreError::service("listing the API tokens", error))?;
        items.into_iter().map(row::value).collect()
    }

    /// Revokes an API token. `false`: there is none, or it was revoked before.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn revoke_token(&self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(keys::API_TOKENS.to_owned(), &digest.to_string())
            .update_expression("SET revoked_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
            .expression_attribute_values(":now", s(now.to_string()));
        done(update.send().await, "revoking an API token")
    }

    /// Notes the day on which an API token was used. `false`: there is none.
    ///
    /// # Errors
    /// What DynamoDB answered.
    pub async fn token_used(&self, digest: Digest, day: &str) -> Result<bool, StoreError> {
        let update = self
            .update(keys::API_TOKENS.to_owned(), &digest.to_string())
            .update_expression("SET last_used = :day")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":day", s(day));
        done(update.send().await, "noting the use of an API token")
    }

    async fn put(&self, item: row::Item, action: &'static str) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map_err(|error| StoreError::service(action, error))?;
        Ok(())
    }

    fn update(&self, pk: String, sk: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(row::key(pk, sk)))
    }
}

/// Whether the condition of an update held.
fn done<T, R>(answer: Result<T, SdkError<UpdateItemError, R>>, action: &'static str) -> Result<bool, StoreError>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
            Ok(false)
        }
        Err(error) => Err(StoreError::service(action, error)),
    }
}
