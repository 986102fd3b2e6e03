//! Amazon Bedrock's Converse, by the AWS SDK: one form for every model there.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, ConversationRole, InferenceConfiguration, Message, StopReason,
    SystemContentBlock, Tool, ToolConfiguration, ToolInputSchema, ToolResultBlock, ToolResultContentBlock,
    ToolResultStatus, ToolSpecification, ToolUseBlock,
};

use super::document::{from_json, to_json};
use super::{Answer, Ask, Native};
use crate::conversation::{Arguments, Conversation, ModelTurn, ToolCall, ToolResult, Turn};
use crate::error::{ModelError, shorten};
use crate::reply::{Stop, Tokens};

/// A model on Bedrock.
pub(crate) struct Bedrock {
    /// Its own retries are switched off: ours apply to every provider.
    pub(crate) client: Client,
    /// Id of a model or of an inference profile.
    pub(crate) model: String,
}

impl Bedrock {
    pub(crate) async fn call(&self, ask: Ask<'_>) -> Result<Answer, ModelError> {
        let output_limit = i32::try_from(ask.max_output_tokens).unwrap_or(i32::MAX);
        let call = self
            .client
            .converse()
            .model_id(&self.model)
            .system(SystemContentBlock::Text(ask.conversation.system.clone()))
            .set_messages(Some(messages(ask.conversation, self.caches())?))
            .set_tool_config(tools(ask.conversation)?)
            .inference_config(InferenceConfiguration::builder().max_tokens(output_limit).build())
            .send();
        // Converse answers in one piece, so the limit of silence is the limit of the whole call here.
        let output = tokio::time::timeout(ask.silence, call).await.map_err(|_| ModelError::Silent(ask.silence))?;
        answer(output.map_err(|error| read_error(&error))?)
    }

    /// Whether the model takes cache points; the others refuse a request that has one.
    fn caches(&self) -> bool {
        ["anthropic.claude", "amazon.nova"].iter().any(|family| self.model.contains(family))
    }
}

fn unbuilt(error: impl std::fmt::Display) -> ModelError {
    ModelError::Misconfigured(shorten(&error.to_string()))
}

fn messages(conversation: &Conversation, cache: bool) -> Result<Vec<Message>, ModelError> {
    let mut turns: Vec<(ConversationRole, Vec<ContentBlock>)> = Vec::new();
    for turn in &conversation.turns {
        let (role, blocks) = match turn {
            Turn::User(text) => (ConversationRole::User, vec![ContentBlock::Text(text.clone())]),
            Turn::Model(turn) => (ConversationRole::Assistant, model_blocks(turn)?),
            Turn::Tools(results) => {
                (ConversationRole::User, results.iter().map(result_block).collect::<Result<_, _>>()?)
            }
        };
        // Roles must alternate, and a message must not be empty.
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, merged)) if *last == role => merged.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if cache && let Some((_, blocks)) = turns.last_mut() {
        let point = CachePointBlock::builder().r#type(CachePointType::Default).build().map_err(unbuilt)?;
        blocks.push(ContentBlock::CachePoint(point));
    }
    let build = |(role, blocks)| Message::builder().role(role).set_content(Some(blocks)).build().map_err(unbuilt);
    turns.into_iter().map(build).collect()
}

fn model_blocks(turn: &ModelTurn) -> Result<Vec<ContentBlock>, ModelError> {
    if let Some(Native::Bedrock(blocks)) = &turn.native {
        return Ok(blocks.clone());
    }
    let mut blocks = Vec::new();
    if !turn.text.trim().is_empty() {
        blocks.push(ContentBlock::Text(turn.text.clone()));
    }
    for call in &turn.tool_calls {
        let block = ToolUseBlock::builder().tool_use_id(&call.id).name(&call.name);
        let block = block.input(from_json(&call.arguments.echo())).build().map_err(unbuilt)?;
        blocks.push(ContentBlock::ToolUse(block));
    }
    Ok(blocks)
}

fn result_block(result: &ToolResult) -> Result<ContentBlock, ModelError> {
    let status = if result.is_error { ToolResultStatus::Error } else { ToolResultStatus::Success };
    let content = ToolResultContentBlock::Text(result.content.clone());
    let block = ToolResultBlock::builder().tool_use_id(&result.call_id).status(status).content(content);
    Ok(ContentBlock::ToolResult(block.build().map_err(unbuilt)?))
}

fn tools(conversation: &Conversation) -> Result<Option<ToolConfiguration>, ModelError> {
    if conversation.tools.is_empty() {
        return Ok(None);
    }
    let mut config = ToolConfiguration::builder();
    for tool in &conversation.tools {
        let schema = ToolInputSchema::Json(from_json(&tool.schema));
        let tool = ToolSpecification::builder().name(&tool.name).description(&tool.description).input_schema(schema);
        config = config.tools(Tool::ToolSpec(tool.build().map_err(unbuilt)?));
    }
    config.build().map(Some).map_err(unbuilt)
}

fn answer(output: ConverseOutput) -> Result<Answer, ModelError> {
    let stop = match output.stop_reason() {
        StopReason::EndTurn | StopReason::StopSequence => Stop::EndTurn,
        StopReason::ToolUse => Stop::ToolUse,
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => Stop::MaxTokens,
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => Stop::Refused,
        other => Stop::Other(shorten(other.as_str())),
    };
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
    // Here `input_tokens` counts neither what was read from a cache nor what was written to one.
    let tokens = output.usage().map(|usage| Tokens {
        input: count(usage.input_tokens()) + count(usage.cache_write_input_tokens().unwrap_or(0)),
        cached: count(usage.cache_read_input_tokens().unwrap_or(0)),
        output: count(usage.output_tokens()),
    });
    let Some(aws_sdk_bedrockruntime::types::ConverseOutput::Message(message)) = output.output else {
        return Err(ModelError::Unreadable("the answer holds no message".to_owned()));
    };
    let mut turn = ModelTurn::default();
    let mut blocks = Vec::new();
    for block in message.content {
        match &block {
            ContentBlock::Text(text) if text.trim().is_empty() => continue,
            ContentBlock::Text(text) => {
                if !turn.text.is_empty() {
                    turn.text.push_str("\n\n");
                }
                turn.text.push_str(text);
            }
            ContentBlock::ToolUse(call) => turn.tool_calls.push(ToolCall {
                id: call.tool_use_id.clone(),
                name: call.name.clone(),
                arguments: Arguments::read(to_json(&call.input)),
            }),
            _ => {}
        }
        blocks.push(block);
    }
    let malformed = turn.tool_calls.iter().any(|call| matches!(call.arguments, Arguments::Malformed(_)));
    turn.native = (!malformed).then_some(Native::Bedrock(blocks));
    Ok(Answer { turn, tokens, stop })
}

fn read_error(error: &SdkError<ConverseError>) -> ModelError {
    let Some(service) = error.as_service_error() else {
        return match error {
            SdkError::ResponseError(_) => ModelError::Unreadable(shorten(&DisplayErrorContext(error).to_string())),
            SdkError::ConstructionFailure(_) => {
                ModelError::Misconfigured(shorten(&DisplayErrorContext(error).to_string()))
            }
            _ => ModelError::Disconnected(shorten(&DisplayErrorContext(error).to_string())),
        };
    };
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let message = service.message().or_else(|| service.code()).unwrap_or("no reason given");
    match service {
        ConverseError::ThrottlingException(_) => ModelError::from_status(429, None, message),
        ConverseError::ModelTimeoutException(_)
        | ConverseError::ModelNotReadyException(_)
        | ConverseError::InternalServerException(_)
        | ConverseError::ModelErrorException(_)
        | ConverseError::ServiceUnavailableException(_) => {
            ModelError::Unavailable { status, retry_after: None, message: shorten(message) }
        }
        _ => ModelError::from_status(status, None, message),
    }
}
