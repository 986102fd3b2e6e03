//! The bucket: SPECs, run bundles, change sets, reports.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use crate::error::StoreError;

/// The bucket.
#[derive(Debug, Clone)]
pub struct Objects {
    pub(crate) client: Client,
    pub(crate) bucket: String,
}

impl Objects {
    /// Objects in a bucket.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// A client for S3. Addresses stand in the path where an endpoint is given, as a local engine's host name is one.
    pub fn client(config: &aws_config::SdkConfig) -> Client {
        let path_style = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL").is_some();
        Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build())
    }

    /// Writes an object.
    ///
    /// # Errors
    /// What S3 answered.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>, content_type: &str) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(bytes.into()))
            .send()
            .await
            .map_err(|error| StoreError::service("writing an object", error))?;
        Ok(())
    }

    /// Writes an object unless there is one with this key; it then stays as it is, and the answer is `false`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another write of it is under way; or what S3 answered.
    pub async fn put_new(&self, key: &str, bytes: impl Into<Vec<u8>>, content_type: &str) -> Result<bool, StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        match put.if_none_match("*").body(ByteStream::from(bytes.into())).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error().and_then(ProvideErrorMetadata::code) {
                Some("PreconditionFailed") => Ok(false),
                Some("ConditionalRequestConflict") => Err(StoreError::Conflict(format!("the object {key}"))),
                _ => Err(StoreError::service("writing an object", error)),
            },
        }
    }

    /// Reads an object of at most `max_bytes`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], or what S3 answered.
    pub async fn get(&self, key: &str, max_bytes: u64) -> Result<Vec<u8>, StoreError> {
        self.try_get(key, max_bytes).await?.ok_or_else(|| StoreError::NotFound(format!("the object {key}")))
    }

    /// Reads an object of at most `max_bytes`, if it is there.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or what S3 answered.
    pub async fn try_get(&self, key: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.try_get_version(key, None, max_bytes).await
    }

    /// The same of one version; `None` is the latest.
    pub(crate) async fn try_get_version(
        &self,
        key: &str,
        version: Option<String>,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let call = self.client.get_object().bucket(&self.bucket).key(key).set_version_id(version);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if matches!(error.as_service_error(), Some(GetObjectError::NoSuchKey(_))) => return Ok(None),
            Err(error) => return Err(StoreError::service("reading an object", error)),
        };
        let too_large = || StoreError::TooLarge { what: format!("the object {key}"), limit: max_bytes };
        if answer.content_length().and_then(|n| u64::try_from(n).ok()).is_some_and(|n| n > max_bytes) {
            return Err(too_large());
        }
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.try_next().await.map_err(|error| broken(&error.to_string()))? {
            if (bytes.len() + chunk.len()) as u64 > max_bytes {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// A URL with which anybody can GET the object for a while. It ends earlier when the signer's session does.
    ///
    /// # Errors
    /// When no credentials could be had.
    pub async fn presign_get(&self, key: &str, valid: Duration) -> Result<String, StoreError> {
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .presigned(presigning(valid)?)
            .await
            .map_err(|error| broken(&DisplayErrorContext(error).to_string()))?;
        Ok(request.uri().to_owned())
    }

    /// A URL with which anybody can PUT the object for a while.
    ///
    /// # Errors
    /// When no credentials could be had.
    pub async fn presign_put(&self, key: &str, valid: Duration) -> Result<String, StoreError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .presigned(presigning(valid)?)
            .await
            .map_err(|error| broken(&DisplayErrorContext(error).to_string()))?;
        Ok(request.uri().to_owned())
    }
}

fn presigning(valid: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(valid).map_err(|error| broken(&error.to_string()))
}

fn broken(reason: &str) -> StoreError {
    StoreError::Service { action: "reaching the bucket", reason: reason.to_owned(), retryable: true }
}
