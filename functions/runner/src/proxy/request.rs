//! What an agent may ask of a model.
//!
//! Whoever runs code in the sandbox can talk to the proxy. A provider's own tools (web fetch, code execution, remote
//! tool servers) and contents given by address would let that code reach the internet through the provider, so a request
//! may hold text, inline images and ordinary function tools, for the one model of this run.

use serde_json::{Value, json};

use super::protocol::Protocol;

/// Largest request, in bytes.
pub const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// Why a request was not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Features that a request may switch on by the `anthropic-beta` header: they change the form of the answer or the
/// size of the context, nothing else.
const ALLOWED_BETAS: &[&str] =
    &["interleaved-thinking-", "fine-grained-tool-streaming-", "context-1m-", "extended-cache-ttl-", "prompt-caching-"];

const ANTHROPIC_FIELDS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "stop_sequences",
    "thinking",
    "metadata",
    "output_config",
];

const OPENAI_FIELDS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "tools",
    "tool_choice",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "stop",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "seed",
    "store",
    "prompt_cache_key",
    "prompt_cache_retention",
    "verbosity",
];

/// Checks a request and makes it count: usage is always reported.
///
/// # Errors
/// Says what is not allowed.
pub fn check(protocol: Protocol, model: &str, body: &[u8]) -> Result<Value, Refused> {
    let mut body: Value =
        serde_json::from_slice(body).map_err(|error| Refused(format!("the body is not JSON: {error}")))?;
    let fields = body.as_object().ok_or_else(|| Refused("the body is not an object".to_owned()))?;
    let allowed = match protocol {
        Protocol::Anthropic => ANTHROPIC_FIELDS,
        Protocol::Openai => OPENAI_FIELDS,
    };
    if let Some(name) = fields.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(Refused(format!("the field `{}` is not allowed here", name.escape_debug())));
    }
    if body["model"] != model {
        return Err(Refused(format!("only the model `{model}` is available in this run")));
    }
    if body["stream"] != true {
        return Err(Refused("only streaming requests are accepted".to_owned()));
    }
    check_tools(protocol, &body["tools"])?;
    check_content(&body["messages"])?;
    check_content(&body["system"])?;
    if protocol == Protocol::Openai {
        body["stream_options"] = json!({"include_usage": true});
        body["store"] = json!(false);
    }
    Ok(body)
}

fn check_tools(protocol: Protocol, tools: &Value) -> Result<(), Refused> {
    for tool in tools.as_array().into_iter().flatten() {
        let kind = tool.get("type").and_then(Value::as_str);
        let ordinary = match protocol {
            Protocol::Anthropic => matches!(kind, None | Some("custom")),
            Protocol::Openai => kind == Some("function"),
        };
        if !ordinary {
            let kind = kind.unwrap_or("?").escape_debug();
            return Err(Refused(format!("tools of type `{kind}` run outside the sandbox and are not allowed")));
        }
    }
    Ok(())
}

/// Contents by address or by file id would be fetched by the provider. Arguments and schemas are not contents.
fn check_content(value: &Value) -> Result<(), Refused> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_content),
        Value::Object(fields) => {
            if let Some(source) = fields.get("source").filter(|source| source.is_object())
                && !matches!(source["type"].as_str(), Some("base64" | "text" | "content"))
            {
                return Err(Refused("contents must be inline, not an address or a file id".to_owned()));
            }
            let image = fields.get("image_url").map(|image| image.get("url").unwrap_or(image));
            if image.is_some_and(|url| !url.as_str().is_some_and(|url| url.starts_with("data:"))) {
                return Err(Refused("images must be inline, not an address".to_owned()));
            }
            if fields.contains_key("file") || fields.contains_key("file_id") {
                return Err(Refused("files of the provider are not available".to_owned()));
            }
            let nested = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "input" | "arguments"));
            nested.map(|(_, field)| field).try_for_each(check_content)
        }
        _ => Ok(()),
    }
}

/// The features of an `anthropic-beta` header that are passed on.
pub fn allowed_betas(header: &str) -> Vec<String> {
    let names = header.split(',').map(str::trim);
    names.filter(|name| ALLOWED_BETAS.iter().any(|allowed| name.starts_with(allowed))).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anthropic(change: impl FnOnce(&mut Value)) -> Result<Value, String> {
        let mut body = json!({
            "model": "m", "max_tokens": 5, "stream": true,
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "x"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                {"type": "tool_use", "id": "1", "name": "write", "input": {"source": {"type": "url"}, "file": 1}},
            ]}],
            "tools": [{"name": "write", "input_schema": {"properties": {"file": {}}}}],
        });
        change(&mut body);
        check(Protocol::Anthropic, "m", body.to_string().as_bytes()).map_err(|refused| refused.to_string())
    }

    #[test]
    fn an_ordinary_request_passes_unchanged() {
        let body = anthropic(|_| {}).unwrap();
        assert_eq!(body["messages"][0]["content"][2]["input"]["file"], 1);
    }

    #[test]
    fn ways_out_through_the_provider_are_closed() {
        for (change, reason) in [
            (
                (|b: &mut Value| b["tools"][0] = json!({"type": "web_fetch_20250910", "name": "f"})) as fn(&mut Value),
                "web_fetch",
            ),
            (|b| b["mcp_servers"] = json!([{"url": "https://x"}]), "mcp_servers"),
            (|b| b["container"] = json!("x"), "container"),
            (|b| b["messages"][0]["content"][1]["source"] = json!({"type": "url", "url": "https://x"}), "inline"),
            (|b| b["messages"][0]["content"][1]["source"] = json!({"type": "file", "file_id": "x"}), "inline"),
            (|b| b["model"] = json!("dearer"), "only the model `m`"),
            (|b| b["stream"] = json!(false), "streaming"),
            (|b| *b = json!([]), "not an object"),
        ] {
            let refused = anthropic(change).unwrap_err();
            assert!(refused.contains(reason), "{reason}: {refused}");
        }
    }

    #[test]
    fn openai_requests_always_report_usage_and_are_never_stored() {
        let body = json!({"model": "m", "stream": true, "messages": [], "stream_options": {"include_usage": false}, "store": true});
        let checked = check(Protocol::Openai, "m", body.to_string().as_bytes()).unwrap();
        assert_eq!((&checked["stream_options"]["include_usage"], &checked["store"]), (&json!(true), &json!(false)));
        let image = |url: &str| json!({"model": "m", "stream": true, "messages": [{"content": [{"type": "image_url", "image_url": {"url": url}}]}]});
        assert!(check(Protocol::Openai, "m", image("https://x").to_string().as_bytes()).is_err());
        assert!(check(Protocol::Openai, "m", image("data:image/png;base64,AA==").to_string().as_bytes()).is_ok());
        let search = json!({"model": "m", "stream": true, "messages": [], "web_search_options": {}});
        assert!(check(Protocol::Openai, "m", search.to_string().as_bytes()).is_err());
    }

    #[test]
    fn only_harmless_betas_are_passed_on() {
        let found = allowed_betas("interleaved-thinking-2025-05-14, web-fetch-2025-09-10,mcp-client-2025-04-04");
        assert_eq!(found, ["interleaved-thinking-2025-05-14"]);
    }
}
