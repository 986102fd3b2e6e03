//! Reading and checking a request: what the real service refuses is refused here, too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protocol::{ApiError, Ask};

const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// 400 for what the real service refuses: a missing field, an unknown role, a tool call without its result or a
/// result without its call.
pub fn read(body: &Value) -> Result<Ask, ApiError> {
    if body.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(ApiError::invalid("model", "you must provide a model parameter"));
    }
    let tools = tools(body)?;
    check_messages(body)?;
    Ok(Ask::read(body, &tools))
}

fn tools(body: &Value) -> Result<Vec<&str>, ApiError> {
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools
        .enumerate()
        .map(|(index, tool)| {
            tool.pointer("/function/name").or_else(|| tool.pointer("/custom/name")).and_then(Value::as_str).ok_or_else(
                || {
                    let param = format!("tools[{index}].function.name");
                    ApiError::invalid(&param, format!("Missing required parameter: '{param}'."))
                },
            )
        })
        .collect()
}

fn check_messages(body: &Value) -> Result<(), ApiError> {
    let Some(messages) = body.get("messages").and_then(Value::as_array) else {
        return Err(ApiError::invalid("messages", "Missing required parameter: 'messages'."));
    };
    if messages.is_empty() {
        let what =
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(ApiError::invalid("messages", what));
    }
    let mut open_calls: BTreeSet<&str> = BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if !ROLES.contains(&role) {
            let param = format!("messages[{index}].role");
            let what = format!("Invalid value: '{role}'. Supported values are: '{}'.", ROLES.join("', '"));
            return Err(ApiError::invalid(&param, what));
        }
        if role == "tool" {
            let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
            if !open_calls.remove(id) {
                let what = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                return Err(ApiError::invalid(&format!("messages.[{index}].role"), what));
            }
            continue;
        }
        check_answered(&open_calls, index)?;
        open_calls = call_ids(message);
    }
    check_answered(&open_calls, messages.len())
}

fn check_answered(open_calls: &BTreeSet<&str>, index: usize) -> Result<(), ApiError> {
    if open_calls.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = open_calls.iter().copied().collect();
    let what = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        ids.join(", ")
    );
    Err(ApiError::invalid(&format!("messages.[{index}].role"), what))
}

fn call_ids(message: &Value) -> BTreeSet<&str> {
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    calls.filter_map(|call| call.get("id").and_then(Value::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::script::Consumer;

    fn request(messages: Value) -> Value {
        json!({"model": "m", "messages": messages})
    }

    #[test]
    fn reads_opening_rest_and_consumer() {
        let mut body = request(json!([
            {"role": "system", "content": "System"},
            {"role": "user", "content": [{"type": "text", "text": "Task"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"a\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "file"},
        ]));
        body["stream_options"] = json!({"include_usage": true});
        let ask = read(&body).unwrap();
        assert_eq!(ask.opening, "System\nTask\n");
        assert!(ask.rest.contains("file"));
        assert_eq!((ask.consumer, ask.include_usage), (Consumer::Code, true));
        body["tools"] = json!([{"type": "function", "function": {"name": "submit_spec"}}]);
        assert_eq!(read(&body).unwrap().consumer, Consumer::Plan);
    }

    #[test]
    fn refuses_what_the_service_refuses() {
        let param = |body: Value| read(&body).unwrap_err().param.unwrap();
        assert_eq!(param(json!({"messages": []})), "model");
        assert_eq!(param(json!({"model": "m"})), "messages");
        assert_eq!(param(request(json!([]))), "messages");
        assert_eq!(param(request(json!([{"role": "robot", "content": "x"}]))), "messages[0].role");
        let call = json!({"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "a", "arguments": "{}"}}]});
        let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "r"});
        let user = json!({"role": "user", "content": "x"});
        assert!(read(&request(json!([user, call, result]))).is_ok());
        assert_eq!(param(request(json!([user, call, user]))), "messages.[2].role");
        assert_eq!(param(request(json!([user, call]))), "messages.[2].role");
        assert_eq!(param(request(json!([user, result]))), "messages.[1].role");
        let mut tools = request(json!([user]));
        tools["tools"] = json!([{"type": "function", "function": {}}]);
        assert_eq!(param(tools), "tools[0].function.name");
    }
}
