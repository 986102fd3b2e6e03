//! A streamed completion, chunk by chunk.

use serde_json::{Value, json};

use super::{call, calls, envelope, finish_reason, text, usage};
use crate::protocol::Frame;
use crate::reply::Reply;
use crate::script::Stop;
use crate::text::pieces;

/// The chunks of a streamed answer: the role, text deltas, per tool call its head and fragments of its arguments, the
/// finish reason, the token counts when asked for, `[DONE]`.
pub fn frames(reply: &Reply, created: i64, include_usage: bool) -> Vec<Frame> {
    let speaks = reply.blocks.iter().any(|block| text(block).is_some());
    let mut deltas = vec![json!({"role": "assistant", "content": speaks.then_some(""), "refusal": null})];
    let words = if reply.stop == Stop::Refusal { "refusal" } else { "content" };
    let texts = reply.blocks.iter().filter_map(text).flat_map(pieces);
    deltas.extend(texts.map(|piece| json!({words: piece})));
    for (index, (id, name, arguments)) in calls(reply).enumerate() {
        let mut head = call(&id, name, "");
        head["index"] = json!(index);
        deltas.push(json!({"tool_calls": [head]}));
        let fragments = pieces(&arguments).into_iter();
        deltas.extend(
            fragments.map(|arguments| json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})),
        );
    }
    let chunk = |choices: Value, counts: Option<Value>| {
        let mut chunk = envelope(reply, created, "chat.completion.chunk");
        chunk.insert("choices".into(), choices);
        if include_usage {
            chunk.insert("usage".into(), counts.unwrap_or(Value::Null));
        }
        frame(Value::Object(chunk).to_string())
    };
    let choice = |delta: Value, finish: Option<&str>| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]), None)
    };
    let mut frames: Vec<_> = deltas.into_iter().map(|delta| choice(delta, None)).collect();
    frames.push(choice(json!({}), Some(finish_reason(reply.stop))));
    if include_usage {
        frames.push(chunk(json!([]), Some(usage(reply.usage))));
    }
    frames.push(frame("[DONE]".to_owned()));
    frames
}

fn frame(data: String) -> Frame {
    Frame { event: None, data }
}
