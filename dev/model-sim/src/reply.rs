//! A whole answer, before it takes a protocol's shape.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::protocol::Ask;
use crate::registry::Turn;
use crate::script::{Block, Line, Stop};
use crate::text::tokens;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Names this answer, the same on a retry: 24 hex digits.
    pub id: String,
    /// The model id of the request.
    pub model: String,
    /// The blocks, in order.
    pub blocks: Vec<ReplyBlock>,
    /// Why it ends.
    pub stop: Stop,
    /// Token counts.
    pub usage: Usage,
}

/// A block of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyBlock {
    /// Words.
    Text(String),
    /// A tool call.
    Tool {
        /// Names the call, the same on a retry: 24 hex digits.
        id: String,
        /// The tool.
        name: String,
        /// Its arguments.
        input: Map<String, Value>,
    },
}

/// Token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Uncached input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write: u64,
}

impl Usage {
    /// All input tokens.
    pub fn all_input(self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }
}

impl Reply {
    /// The answer that `turn` gives to `ask`.
    pub fn new(turn: &Turn, ask: &Ask) -> Self {
        let line = &turn.line.line;
        let scripted = line.respond.iter().flatten();
        let blocks: Vec<_> = scripted
            .enumerate()
            .map(|(index, block)| match block {
                Block::Text(text) => ReplyBlock::Text(text.clone()),
                Block::Tool { name, input } => {
                    let id = id(turn, ask, &format!("block {index}"));
                    ReplyBlock::Tool { id, name: name.clone(), input: input.clone() }
                }
            })
            .collect();
        let stop = line.stop.unwrap_or_else(|| {
            let calls = blocks.iter().any(|block| matches!(block, ReplyBlock::Tool { .. }));
            if calls { Stop::ToolUse } else { Stop::EndTurn }
        });
        Self { id: id(turn, ask, "message"), model: ask.model.clone(), usage: usage(line, ask), blocks, stop }
    }
}

fn id(turn: &Turn, ask: &Ask, what: &str) -> String {
    let seed = format!("{}\0{}\0{}\0{what}", turn.key, ask.consumer, turn.number);
    hex::encode(&Sha256::digest(seed)[..12])
}

fn usage(line: &Line, ask: &Ask) -> Usage {
    let output = || {
        let blocks = line.respond.iter().flatten().map(|block| match block {
            Block::Text(text) => text.chars().count(),
            Block::Tool { name, input } => name.len() + Value::Object(input.clone()).to_string().chars().count(),
        });
        tokens(blocks.sum())
    };
    Usage {
        input: line.usage.input.unwrap_or_else(|| tokens(ask.chars)),
        output: line.usage.output.unwrap_or_else(output),
        cache_read: line.usage.cache_read,
        cache_write: line.usage.cache_write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn replies(jsonl: &str, rests: &[&str]) -> Vec<Reply> {
        let mut registry = Registry::default();
        registry.register("one", "FL-1", jsonl).unwrap();
        let ask = |rest: &str| Ask { opening: "FL-1".into(), digest: rest.into(), chars: 41, ..Ask::default() };
        rests.iter().map(|rest| Reply::new(&registry.take(&ask(rest)).unwrap(), &ask(rest))).collect()
    }

    const CALL: &str = r#"{"for":"code","respond":[{"tool":"read","input":{"path":"a"}},{"tool":"read","input":{"path":"b"}}],"repeat":true}"#;

    #[test]
    fn ids_are_the_same_on_a_retry_and_differ_otherwise() {
        let replies = replies(CALL, &["", "", "next"]);
        assert_eq!(replies[0], replies[1]);
        let mut ids: Vec<_> = replies
            .iter()
            .skip(1)
            .flat_map(|reply| &reply.blocks)
            .map(|block| match block {
                ReplyBlock::Tool { id, .. } => id.clone(),
                ReplyBlock::Text(_) => unreachable!("the script has tool calls only"),
            })
            .collect();
        ids.extend([replies[1].id.clone(), replies[2].id.clone()]);
        assert!(ids.iter().all(|id| id.len() == 24));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }

    #[test]
    fn tokens_and_stop_are_derived_unless_scripted() {
        let reply = &replies(CALL, &[""])[0];
        assert_eq!(reply.usage, Usage { input: 11, output: 8, cache_read: 0, cache_write: 0 });
        assert_eq!(reply.stop, Stop::ToolUse);
        let scripted =
            r#"{"for":"code","respond":[{"text":"abcd"}],"stop":"max_tokens","usage":{"input":5,"cache_read":2}}"#;
        let reply = &replies(scripted, &[""])[0];
        assert_eq!(reply.usage, Usage { input: 5, output: 1, cache_read: 2, cache_write: 0 });
        assert_eq!((reply.stop, reply.usage.all_input()), (Stop::MaxTokens, 7));
    }
}
