//! Claude on Amazon Bedrock, by the task role: no key, no route to the internet.
//!
//! Bedrock takes the body of the Messages API without `model` and `stream`, and its chunks are the events of that API.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::primitives::Blob;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{ModelRequest, UpstreamError};
use crate::proxy::sse::{EventStream, SseEvent};

/// The version of the Messages API that Bedrock offers.
const BEDROCK_VERSION: &str = "bedrock-2023-05-31";

/// A model on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockUpstream {
    client: Client,
    model: String,
}

impl BedrockUpstream {
    /// For this model or inference profile. Repeats are the proxy's, so the client should make none.
    pub const fn new(client: Client, model: String) -> Self {
        Self { client, model }
    }

    pub(super) async fn open(&self, request: &ModelRequest) -> Result<EventStream, UpstreamError> {
        let body = bedrock_body(request).map_err(|error| UpstreamError::status(400, error.to_string(), None))?;
        let call = self.client.invoke_model_with_response_stream().model_id(&self.model);
        let sent = call.content_type("application/json").accept("application/json").body(Blob::new(body)).send().await;
        let mut output = sent.map_err(|error| upstream_error(&error))?;
        let events = async_stream::stream! {
            loop {
                match output.body.recv().await {
                    Ok(None) => break,
                    Ok(Some(part)) => {
                        let bytes = part.as_chunk().ok().and_then(|chunk| chunk.bytes());
                        if let Some(event) = bytes.and_then(|bytes| event(bytes.as_ref())) {
                            yield Ok(event);
                        }
                    }
                    Err(error) => {
                        yield Err(std::io::Error::other(upstream_error(&error).message));
                        break;
                    }
                }
            }
        };
        Ok(events.boxed())
    }
}

fn bedrock_body(request: &ModelRequest) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = request.body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("model");
        fields.remove("stream");
        fields.insert("anthropic_version".to_owned(), json!(BEDROCK_VERSION));
        if !request.betas.is_empty() {
            fields.insert("anthropic_beta".to_owned(), json!(request.betas));
        }
    }
    serde_json::to_vec(&body)
}

/// A chunk is one event; its name is its `type`.
fn event(bytes: &[u8]) -> Option<SseEvent> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let name = value["type"].as_str()?.to_owned();
    Some(SseEvent { event: Some(name), data: value.to_string() })
}

fn upstream_error<E, R>(error: &SdkError<E, R>) -> UpstreamError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let Some(service) = error.as_service_error() else {
        let cause = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).last();
        return UpstreamError::unreachable(cause.map_or(error.to_string(), ToString::to_string));
    };
    let code = service.code().unwrap_or("unknown");
    let status = match code {
        "ThrottlingException" | "ServiceQuotaExceededException" => 429,
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" => 404,
        "ValidationException" => 400,
        "ModelTimeoutException" => 408,
        _ => 503,
    };
    UpstreamError::status(status, format!("{code}: {}", service.message().unwrap_or("no text")), None)
}

#[cfg(test)]
#[path = "bedrock_tests.rs"]
mod tests;
