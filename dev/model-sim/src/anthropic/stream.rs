//! A streamed message, event by event.

use serde_json::{Value, json};

use super::{envelope, stop_reason, tool_id, usage};
use crate::protocol::Frame;
use crate::reply::{Reply, ReplyBlock};
use crate::text::pieces;

/// The events of a streamed answer: `message_start`, `ping`, per block start, deltas and stop, `message_delta`,
/// `message_stop`.
pub fn frames(reply: &Reply) -> Vec<Frame> {
    let mut frames = vec![
        frame("message_start", json!({"type": "message_start", "message": envelope(reply)})),
        frame("ping", json!({"type": "ping"})),
    ];
    for (index, block) in reply.blocks.iter().enumerate() {
        let (start, deltas) = parts(block);
        let start = json!({"type": "content_block_start", "index": index, "content_block": start});
        frames.push(frame("content_block_start", start));
        frames.extend(deltas.into_iter().map(|delta| {
            frame("content_block_delta", json!({"type": "content_block_delta", "index": index, "delta": delta}))
        }));
        frames.push(frame("content_block_stop", json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(reply.stop), "stop_sequence": null},
        "usage": usage(reply.usage, reply.usage.output),
    });
    frames.push(frame("message_delta", delta));
    frames.push(frame("message_stop", json!({"type": "message_stop"})));
    frames
}

fn frame(event: &'static str, data: Value) -> Frame {
    Frame { event: Some(event), data: data.to_string() }
}

/// A block's opening and its deltas.
fn parts(block: &ReplyBlock) -> (Value, Vec<Value>) {
    match block {
        ReplyBlock::Text(text) => {
            let deltas = pieces(text).into_iter().map(|text| json!({"type": "text_delta", "text": text}));
            (json!({"type": "text", "text": ""}), deltas.collect())
        }
        ReplyBlock::Tool { id, name, input } => {
            let start = json!({"type": "tool_use", "id": tool_id(id), "name": name, "input": {}});
            // The real stream opens a call's arguments with an empty fragment.
            let fragments = std::iter::once(String::new()).chain(pieces(&json!(input).to_string()));
            let deltas = fragments.map(|json| json!({"type": "input_json_delta", "partial_json": json}));
            (start, deltas.collect())
        }
    }
}
