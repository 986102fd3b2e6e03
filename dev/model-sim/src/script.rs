//! The script file `model.jsonl`: one line, one model response.
//!
//! ```json
//! {"for":"plan","respond":[{"text":"Let me look."},{"tool":"read_file","input":{"path":"src/a.js"}}],"usage":{"input":900,"output":40}}
//! {"for":"plan","status":529}
//! {"for":"code","respond":[{"tool":"bash","input":{"command":"npm test"}}],"delay_ms":250}
//! {"for":"code","respond":[{"text":"Again."}],"repeat":true}
//! ```
//!
//! | field | meaning | default |
//! |---|---|---|
//! | `for` | the consumer: `plan` or `code` | required |
//! | `respond` | the answer's blocks, in order: `{"text"}` or `{"tool","input"}` | required when `status` is 200, unless `stall` |
//! | `usage` | tokens: `input`, `output`, `cache_read`, `cache_write` | lengths / 4; no cache |
//! | `delay_ms` | wait before the first byte | 0 |
//! | `status` | an HTTP status other than 200 answers the provider's error body, with the text of `respond` as message | 200 |
//! | `headers` | extra response headers of an error, such as `retry-after` | none |
//! | `stop` | `end_turn`, `tool_use`, `max_tokens` or `refusal` | `tool_use` with a tool, else `end_turn` |
//! | `repeat` | serve this line for ever | false |
//! | `stall` | send the first half of the answer, then nothing more until the client hangs up | false |
//! | `cut` | send the first half of the answer, then break the connection | false |
//!
//! Blank lines are skipped; an unknown field is an error. Strings are sent as they are: there are no placeholders.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who asks: the planner or the coding agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consumer {
    /// The planner: its tool list has `submit_spec`.
    Plan,
    /// The coding agent: everybody else.
    Code,
}

impl Consumer {
    /// Every consumer, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Plan, Self::Code];

    /// The tool that tells the planner from the coding agent.
    pub const PLAN_TOOL: &str = "submit_spec";

    /// The consumer behind a request that offers these tools.
    pub fn of_tools<'a>(mut names: impl Iterator<Item = &'a str>) -> Self {
        if names.any(|name| name == Self::PLAN_TOOL) { Self::Plan } else { Self::Code }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Code => "code",
        })
    }
}

/// One block of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawBlock")]
pub enum Block {
    /// Words.
    Text(String),
    /// A tool call.
    Tool {
        /// The tool's name.
        name: String,
        /// Its arguments.
        input: Map<String, Value>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBlock {
    text: Option<String>,
    tool: Option<String>,
    input: Option<Map<String, Value>>,
}

impl TryFrom<RawBlock> for Block {
    type Error = &'static str;

    fn try_from(raw: RawBlock) -> Result<Self, Self::Error> {
        match (raw.text, raw.tool, raw.input) {
            (Some(text), None, None) => Ok(Self::Text(text)),
            (None, Some(name), input) => Ok(Self::Tool { name, input: input.unwrap_or_default() }),
            _ => Err(r#"a block is either {"text": "…"} or {"tool": "NAME", "input": {…}}"#),
        }
    }
}

/// Scripted token counts; what is absent is derived from lengths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedUsage {
    /// Uncached input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// Input tokens read from the provider's cache.
    #[serde(default)]
    pub cache_read: u64,
    /// Input tokens written to the provider's cache.
    #[serde(default)]
    pub cache_write: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The model had finished.
    EndTurn,
    /// The model waits for tool results.
    ToolUse,
    /// The output limit was reached.
    MaxTokens,
    /// The model refused.
    Refusal,
}

/// One scripted response.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Who gets it.
    #[serde(rename = "for")]
    pub consumer: Consumer,
    /// The answer's blocks.
    pub respond: Option<Vec<Block>>,
    /// Token counts.
    #[serde(default)]
    pub usage: ScriptedUsage,
    /// Milliseconds before the first byte.
    #[serde(default)]
    pub delay_ms: u64,
    /// HTTP status.
    #[serde(default = "ok_status")]
    pub status: u16,
    /// Extra response headers of an error.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Why the answer ends; derived when absent.
    pub stop: Option<Stop>,
    /// Serve this line for ever.
    #[serde(default)]
    pub repeat: bool,
    /// Begin, then fall silent.
    #[serde(default)]
    pub stall: bool,
    /// Begin, then break the connection.
    #[serde(default)]
    pub cut: bool,
}

fn ok_status() -> u16 {
    200
}

impl Line {
    /// Whether this line answers an HTTP error.
    pub fn is_error(&self) -> bool {
        self.status != 200
    }

    /// Whether no whole answer comes of this line. A client's retry then gets the next line, not this one again.
    pub fn is_fault(&self) -> bool {
        self.is_error() || self.stall || self.cut
    }

    /// All text blocks as one string.
    pub fn text(&self) -> String {
        let blocks = self.respond.iter().flatten();
        blocks.filter_map(|block| if let Block::Text(text) = block { Some(text.as_str()) } else { None }).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !(self.status == 200 || (400..=599).contains(&self.status)) {
            return Err(format!("`status` is {}; it must be 200 or an error from 400 to 599", self.status));
        }
        if !self.is_error() && !self.stall && self.respond.is_none() {
            return Err("`respond` is missing; only an error or a stalled line can do without it".to_owned());
        }
        if self.is_error() && (self.stall || self.cut) {
            return Err("`stall` and `cut` go with status 200 only".to_owned());
        }
        if self.stall && self.cut {
            return Err("`stall` and `cut` exclude each other".to_owned());
        }
        if !self.is_error() && !self.headers.is_empty() {
            return Err("`headers` go with an error status only".to_owned());
        }
        for (name, value) in &self.headers {
            let name_ok = axum::http::HeaderName::try_from(name.as_str()).is_ok();
            if !name_ok || axum::http::HeaderValue::try_from(value.as_str()).is_err() {
                return Err(format!("`headers`: {name:?} is not a valid HTTP header"));
            }
        }
        Ok(())
    }
}

/// A line and its number in the file, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedLine {
    /// The number in the file.
    pub number: usize,
    /// What to answer.
    pub line: Line,
}

/// A script that was read and checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    plan: Vec<NumberedLine>,
    code: Vec<NumberedLine>,
}

/// A script that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the script: {reason}")]
pub struct ScriptError {
    /// The line's number in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Script {
    /// Reads a `model.jsonl`.
    ///
    /// # Errors
    /// The first line that is not valid JSON, breaks a rule of the format, or can never be reached because an
    /// earlier line of the same consumer repeats for ever.
    pub fn parse(jsonl: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (index, text) in jsonl.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let number = index + 1;
            let fail = |reason: String| ScriptError { line: number, reason };
            let line = read_line(text).map_err(fail)?;
            line.check().map_err(fail)?;
            let lines = match line.consumer {
                Consumer::Plan => &mut script.plan,
                Consumer::Code => &mut script.code,
            };
            if let Some(last) = lines.last().filter(|last| last.line.repeat) {
                return Err(fail(format!("it is never reached: line {} repeats for ever", last.number)));
            }
            lines.push(NumberedLine { number, line });
        }
        Ok(script)
    }

    /// The lines of one consumer, in order.
    pub fn lines(&self, consumer: Consumer) -> &[NumberedLine] {
        match consumer {
            Consumer::Plan => &self.plan,
            Consumer::Code => &self.code,
        }
    }
}

fn read_line(text: &str) -> Result<Line, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let line = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // The reader counts lines from the start of this one: only the column says something.
        let what = error.inner().to_string().replace(" at line 1 column ", " at column ");
        match error.path().to_string().as_str() {
            "." | "?" => what,
            path => format!("`{path}`: {what}"),
        }
    })?;
    json.end().map_err(|_| "there is something after the JSON object".to_owned())?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_lines_per_consumer_with_their_file_numbers() {
        let script = Script::parse(concat!(
            r#"{"for":"plan","respond":[{"text":"a"},{"tool":"read_file","input":{"path":"x"}}],"usage":{"input":7}}"#,
            "\n\n",
            r#"{"for":"code","status":529,"headers":{"retry-after":"1"}}"#,
            "\n",
            r#"{"for":"plan","respond":[],"repeat":true}"#,
        ))
        .unwrap();
        let plan = script.lines(Consumer::Plan);
        assert_eq!(plan.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(plan[0].line.usage.input, Some(7));
        assert_eq!(plan[0].line.text(), "a");
        let input = json!({"path": "x"}).as_object().unwrap().clone();
        assert_eq!(plan[0].line.respond.as_ref().unwrap()[1], Block::Tool { name: "read_file".into(), input });
        let code = script.lines(Consumer::Code);
        assert_eq!((code[0].number, code[0].line.status), (3, 529));
    }

    fn error(jsonl: &str) -> String {
        Script::parse(jsonl).unwrap_err().to_string()
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        assert_snapshot!(error(r#"{"for":"plan","respond":[]} {}"#), @"line 1 of the script: there is something after the JSON object");
        assert_snapshot!(error("\n{\"for\":\"plan\""), @"line 2 of the script: EOF while parsing an object at column 13");
        assert_snapshot!(error(r#"{"for":"review","respond":[]}"#), @"line 1 of the script: `for`: unknown variant `review`, expected `plan` or `code` at column 15");
        assert_snapshot!(error(r#"{"for":"plan","respond":[{"text":"a","tool":"b"}]}"#), @r#"line 1 of the script: `respond[0]`: a block is either {"text": "…"} or {"tool": "NAME", "input": {…}} at column 49"#);
        assert_snapshot!(error(r#"{"for":"plan"}"#), @"line 1 of the script: `respond` is missing; only an error or a stalled line can do without it");
        assert_snapshot!(error(r#"{"for":"plan","status":302}"#), @"line 1 of the script: `status` is 302; it must be 200 or an error from 400 to 599");
        assert_snapshot!(error(r#"{"for":"plan","respond":[],"delay":3}"#), @"line 1 of the script: `delay`: unknown field `delay`, expected one of `for`, `respond`, `usage`, `delay_ms`, `status`, `headers`, `stop`, `repeat`, `stall`, `cut` at column 34");
        assert_snapshot!(error("{\"for\":\"code\",\"status\":500,\"repeat\":true}\n{\"for\":\"code\",\"status\":500}"), @"line 2 of the script: it is never reached: line 1 repeats for ever");
        assert_snapshot!(error(r#"{"for":"code","status":500,"headers":{"a b":"1"}}"#), @r#"line 1 of the script: `headers`: "a b" is not a valid HTTP header"#);
    }

    #[test]
    fn the_shipped_scenarios_have_valid_scripts() {
        let scenarios = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios")).unwrap();
        let scripts = scenarios.map(|entry| entry.unwrap().path().join("model.jsonl")).filter(|path| path.exists());
        let checked = scripts.map(|path| {
            let script = Script::parse(&std::fs::read_to_string(&path).unwrap());
            assert!(script.is_ok_and(|script| !script.plan.is_empty()), "{}", path.display());
        });
        assert_ne!(checked.count(), 0);
    }

    #[test]
    fn the_planner_is_known_by_its_tool() {
        assert_eq!(Consumer::of_tools(["read_file", "submit_spec"].into_iter()), Consumer::Plan);
        assert_eq!(Consumer::of_tools(["read", "bash", "edit", "write"].into_iter()), Consumer::Code);
        assert_eq!(Consumer::of_tools(std::iter::empty()), Consumer::Code);
    }
}
