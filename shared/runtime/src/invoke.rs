//! Calls from one of our functions to another.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use domain::code_host::{TokenAnswer, TokenRequest};
use domain::failure::{Failure, FailureKind};
use domain::secrets::Fingerprint;
use domain::{Digest, Repository};
use futures::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Invokes functions and waits for their answer.
#[derive(Debug, Clone)]
pub struct Invoker {
    client: Client,
    told: Arc<Mutex<Vec<Fingerprint>>>,
}

/// What Lambda answers when a function returned an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: String,
    error_message: String,
}

impl Invoker {
    /// An invoker over `client`.
    pub fn new(client: Client) -> Self {
        Self { client, told: Arc::default() }
    }

    /// An invoker with a client of its own.
    pub fn from_config(config: &aws_config::SdkConfig) -> Self {
        Self::new(Client::new(config))
    }

    /// Calls `function` (name or ARN) and reads its answer.
    ///
    /// # Errors
    /// The function's own [`Failure`] where it named one; `Transient` when Lambda did not answer; `Internal` when the
    /// answer is not what was expected.
    pub async fn call<Request: Serialize + Sync, Answer: DeserializeOwned>(
        &self,
        function: &str,
        request: &Request,
    ) -> Result<Answer, Failure> {
        let payload = serde_json::to_vec(request).map_err(|error| internal(function, &error.to_string()))?;
        let answer =
            self.client.invoke().function_name(function).payload(Blob::new(payload)).send().await.map_err(|error| {
                let kind = match error.as_service_error().map(|e| e.meta().code()) {
                    Some(Some("AccessDeniedException" | "ResourceNotFoundException")) => FailureKind::Internal,
                    _ => FailureKind::Transient,
                };
                Failure::new(
                    kind,
                    format!("the function {function} could not be called: {}", DisplayErrorContext(&error)),
                )
            })?;
        let bytes = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            return Err(function_failure(function, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|error| internal(function, &error.to_string()))
    }
}

impl Invoker {
    /// Where short-lived tokens for one repository come from: the function that alone holds the code host's
    /// credential. What a token may do is fixed by which entry of that function is called. Whoever has a token that
    /// the code host no longer accepts says so with it, and gets another one.
    ///
    /// A token cannot be had with `RepositoryUnavailable` when we have no access; otherwise as [`Invoker::call`].
    pub fn repository_tokens(
        &self,
        function: &str,
        repository: &Repository,
    ) -> impl Fn(Option<SecretString>) -> BoxFuture<'static, Result<SecretString, Failure>> + Send + Sync + use<> {
        // The fingerprints that come with a token are kept for `told_fingerprints`.
        let (invoker, function, repository) = (self.clone(), function.to_owned(), repository.clone());
        move |rejected| {
            let (invoker, function) = (invoker.clone(), function.clone());
            let rejected = rejected.map(|token| Digest::of(token.expose_secret()));
            let request = TokenRequest { repository: repository.clone(), rejected };
            async move {
                let answer: TokenAnswer = invoker.call(&function, &request).await?;
                if !answer.fingerprints.is_empty() {
                    *invoker.told.lock().unwrap_or_else(PoisonError::into_inner) = answer.fingerprints;
                }
                Ok(SecretString::from(answer.token))
            }
            .boxed()
        }
    }
}

impl Invoker {
    /// Fingerprints of the credential behind the last token.
    pub fn told_fingerprints(&self) -> Vec<Fingerprint> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn function_failure(function: &str, bytes: &[u8]) -> Failure {
    let Ok(error) = serde_json::from_slice::<FunctionError>(bytes) else {
        return internal(function, "it failed without saying why");
    };
    match FailureKind::ALL.into_iter().find(|kind| kind.as_str() == error.error_type) {
        Some(kind) => Failure::new(kind, error.error_message),
        None => Failure::new(FailureKind::Transient, format!("the function {function} broke: {}", error.error_type)),
    }
}

fn internal(function: &str, reason: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("the function {function} gave an unexpected answer: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_failure_keeps_its_kind() {
        let bytes = br#"{"errorType":"RepositoryUnavailable","errorMessage":"gone"}"#;
        assert_eq!(function_failure("f", bytes), Failure::new(FailureKind::RepositoryUnavailable, "gone"));
        let bytes = br#"{"errorType":"Sandbox.Timedout","errorMessage":"x"}"#;
        assert_eq!(function_failure("f", bytes).kind, FailureKind::Transient);
        assert_eq!(function_failure("f", b"?").kind, FailureKind::Internal);
    }
}
