//! Reading and checking a request: what the real service refuses is refused here, too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protocol::{ApiError, Ask};
use crate::text;

/// Reads the body of `POST /v1/messages`.
///
/// # Errors
/// 400 for what the real service refuses: a missing field, an unknown role, an empty message, a tool call without
/// its result or a result without its call.
pub fn read(body: &Value) -> Result<Ask, ApiError> {
    if body.get("max_tokens").and_then(Value::as_u64).unwrap_or(0) == 0 {
        return Err(ApiError::invalid("max_tokens", "max_tokens: Field required, an integer of at least 1"));
    }
    read_counted(body)
}

/// Answers `POST /v1/messages/count_tokens`.
///
/// # Errors
/// As [`read`], except that it needs no `max_tokens`.
pub fn count_tokens(body: &Value) -> Result<u64, ApiError> {
    Ok(text::tokens(read_counted(body)?.chars))
}

fn read_counted(body: &Value) -> Result<Ask, ApiError> {
    if body.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(ApiError::invalid("model", "model: Field required"));
    }
    let tools = tools(body)?;
    check_messages(body)?;
    Ok(Ask::read(body, &tools))
}

fn tools(body: &Value) -> Result<Vec<&str>, ApiError> {
    let mut names = Vec::new();
    let Some(tools) = body.get("tools") else {
        return Ok(names);
    };
    let tools = tools.as_array().ok_or_else(|| ApiError::invalid("tools", "tools: Input should be a valid list"))?;
    for (index, tool) in tools.iter().enumerate() {
        let name = tool.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| ApiError::invalid("tools", format!("tools.{index}.name: Field required")))?;
        if names.contains(&name) {
            return Err(ApiError::invalid("tools", "tools: Tool names must be unique."));
        }
        let built_in = tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "custom");
        let schema_kind = tool.pointer("/input_schema/type").and_then(Value::as_str);
        if !built_in && schema_kind != Some("object") {
            let what = format!("tools.{index}.custom.input_schema.type: Input should be 'object'");
            return Err(ApiError::invalid("tools", what));
        }
        names.push(name);
    }
    Ok(names)
}

fn check_messages(body: &Value) -> Result<(), ApiError> {
    let fail = |message: String| Err(ApiError::invalid("messages", message));
    let Some(messages) = body.get("messages").and_then(Value::as_array) else {
        return fail("messages: Field required".to_owned());
    };
    if messages.is_empty() {
        return fail("messages: at least one message is required".to_owned());
    }
    let mut open_calls = BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str);
        if !matches!(role, Some("user" | "assistant")) {
            return fail(format!("messages.{index}.role: Input should be 'user' or 'assistant'"));
        }
        let content = message.get("content").unwrap_or(&Value::Null);
        let empty = match content {
            Value::String(text) => text.is_empty(),
            Value::Array(blocks) => blocks.is_empty(),
            _ => return fail(format!("messages.{index}.content: Field required")),
        };
        if empty && !(role == Some("assistant") && index + 1 == messages.len()) {
            return fail(format!(
                "messages.{index}: all messages must have non-empty content except for the optional final assistant message"
            ));
        }
        let results = ids(content, "tool_result", "tool_use_id");
        if let Some(unknown) = results.difference(&open_calls).next() {
            return fail(format!(
                "messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {unknown}. Each \
                 `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        if let Some(open) = open_calls.difference(&results).next() {
            return fail(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {open}. Each \
                 `tool_use` block must have a corresponding `tool_result` block in the next message.",
                index - 1
            ));
        }
        open_calls = ids(content, "tool_use", "id");
    }
    Ok(())
}

/// The ids of a message's blocks of one type.
fn ids<'a>(content: &'a Value, kind: &str, field: &str) -> BTreeSet<&'a str> {
    let blocks = content.as_array().into_iter().flatten();
    let blocks = blocks.filter(|block| block.get("type").and_then(Value::as_str) == Some(kind));
    blocks.filter_map(|block| block.get(field).and_then(Value::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::script::Consumer;

    fn request(messages: Value) -> Value {
        json!({"model": "m", "max_tokens": 10, "messages": messages})
    }

    fn refusal(body: Value) -> String {
        let error = read(&body).unwrap_err();
        assert_eq!(error.status, 400);
        error.message
    }

    #[test]
    fn reads_opening_rest_and_consumer() {
        let mut body = request(json!([
            {"role": "user", "content": "Task"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "file"}]},
        ]));
        body["system"] = json!([{"type": "text", "text": "System"}]);
        body["stream"] = json!(true);
        body["tools"] = json!([{"name": "submit_spec", "description": "d", "input_schema": {"type": "object"}}]);
        let ask = read(&body).unwrap();
        assert_eq!((ask.opening.as_str(), ask.rest.as_str()), ("System\nTask\n", "read\na\nfile\n"));
        assert_eq!((ask.consumer, ask.stream, ask.model.as_str()), (Consumer::Plan, true, "m"));
        let longer = read(&{
            let mut longer = body.clone();
            longer["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "ok"}));
            longer
        });
        assert_ne!(longer.unwrap().digest, ask.digest);
        body["stream"] = json!(false);
        assert_eq!(read(&body).unwrap().digest, ask.digest, "the conversation is the same");
        assert!(count_tokens(&body).unwrap() > 5);
    }

    #[test]
    fn refuses_what_the_service_refuses() {
        let hello = json!([{"role": "user", "content": "hello"}]);
        let mut no_max = request(hello.clone());
        no_max["max_tokens"] = Value::Null;
        assert!(refusal(no_max).starts_with("max_tokens: "));
        let mut no_model = request(hello.clone());
        no_model["model"] = Value::Null;
        assert_eq!(refusal(no_model), "model: Field required");
        assert_eq!(refusal(request(json!([]))), "messages: at least one message is required");
        let system = json!([{"role": "system", "content": "x"}]);
        assert!(refusal(request(system)).starts_with("messages.0.role: "));
        let empty = json!([{"role": "user", "content": ""}, {"role": "user", "content": "x"}]);
        assert!(refusal(request(empty)).contains("non-empty content"));
        let mut tool = request(hello);
        tool["tools"] = json!([{"name": "a", "input_schema": {}}]);
        assert!(refusal(tool).starts_with("tools.0.custom.input_schema.type"));
    }

    #[test]
    fn calls_and_results_must_pair() {
        let call =
            json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}]});
        let result =
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}]});
        let user = json!({"role": "user", "content": "x"});
        assert!(read(&request(json!([user, call, result]))).is_ok());
        assert!(refusal(request(json!([user, call, user]))).contains("without `tool_result` blocks"));
        assert!(refusal(request(json!([user, result]))).contains("unexpected `tool_use_id`"));
    }
}
