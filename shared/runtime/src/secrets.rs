//! Secrets, read from Secrets Manager and kept in memory for a short while.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use domain::failure::{Failure, FailureKind};
use domain::secrets::Fingerprint;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::known::Announcer;

/// How long a value is used before it is read again: the longest that a rotated secret stays in use.
const TTL: Duration = Duration::from_mins(5);

/// Reads secrets. Cheap to share; one per process.
pub struct Secrets {
    client: Client,
    cache: Mutex<HashMap<String, (Instant, SecretString)>>,
    announcer: Announcer,
}

impl Secrets {
    /// A reader over `client`.
    pub fn new(client: Client) -> Self {
        Self { client, cache: Mutex::default(), announcer: Announcer::default() }
    }

    /// A reader with a client of its own.
    pub fn from_config(config: &aws_config::SdkConfig) -> Self {
        Self::new(Client::new(config))
    }

    /// The current value of the secret `arn`, parsed from JSON.
    ///
    /// # Errors
    /// `Transient` when Secrets Manager does not answer and no value younger than five minutes is known;
    /// `Internal` when we may not read it or it is not of the expected form. The value is never repeated.
    pub async fn json<T: DeserializeOwned>(&self, arn: &str) -> Result<T, Failure> {
        let text = self.text(arn).await?;
        serde_json::from_str(text.expose_secret()).map_err(|_| {
            Failure::new(
                FailureKind::Internal,
                format!("the secret {arn} is not JSON of the expected form; docs/operations.md shows it"),
            )
        })
    }

    /// Says through `tell`, once per process and value, that this function holds `secrets` (name, value). See
    /// [`Announcer::announce`].
    pub async fn announce<E: std::error::Error>(
        &self,
        secrets: &[(&str, &SecretString)],
        tell: impl AsyncFnOnce(Vec<Fingerprint>) -> Result<(), E>,
    ) {
        self.announcer.announce(secrets, tell).await;
    }

    async fn text(&self, arn: &str) -> Result<SecretString, Failure> {
        if let Some(value) = self.cached(arn) {
            return Ok(value);
        }
        let answer = self.client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            let kind = match error.as_service_error() {
                Some(service) if service.is_internal_service_error() => FailureKind::Transient,
                Some(_) => FailureKind::Internal,
                None => FailureKind::Transient,
            };
            let code = error.as_service_error().and_then(|e| e.meta().code()).unwrap_or("no answer").to_owned();
            Failure::new(kind, format!("the secret {arn} could not be read: {code}"))
        })?;
        let Some(text) = answer.secret_string else {
            return Err(Failure::new(FailureKind::Internal, format!("the secret {arn} has no text value")));
        };
        let value = SecretString::from(text);
        self.lock().insert(arn.to_owned(), (Instant::now(), value.clone()));
        Ok(value)
    }

    fn cached(&self, arn: &str) -> Option<SecretString> {
        let cache = self.lock();
        let (read_at, value) = cache.get(arn)?;
        (read_at.elapsed() < TTL).then(|| value.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, SecretString)>> {
        // A poisoned cache is still a cache: values are inserted whole.
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
