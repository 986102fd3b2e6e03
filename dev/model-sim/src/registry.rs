//! Which script, consumer and line a request gets.
//!
//! All consumers share one provider key, so a script is chosen by content: each has a `match` string that stands in
//! the prompts of its ticket, such as `ticket: FL-123`. It is looked for as a whole word first in the opening of the
//! conversation (system prompt and first user message), then in all of it: what a tool read from a repository cannot
//! outvote the task itself.
//!
//! Within a script, lines are consumed in order per consumer. A request with the same conversation as the one that
//! was answered last is a retry (a genuine next turn always has a longer history), so it is served the same line
//! again, tool call ids included. A line that was a fault (an error, a stall, a cut) is spent by one request: the
//! retry gets the next line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::protocol::Ask;
use crate::script::{Consumer, NumberedLine, Script, ScriptError};
use crate::text::contains_word;

/// The scripts that are live.
#[derive(Debug, Default)]
pub struct Registry {
    scripts: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    marker: String,
    script: Script,
    cursors: [Cursor; 2],
}

#[derive(Debug, Default)]
struct Cursor {
    used: usize,
    turns: u64,
    /// The last whole answer and the digest of the conversation that it answered.
    served: Option<(String, Turn)>,
}

/// The line that answers a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The script's key.
    pub key: String,
    /// The line.
    pub line: Arc<NumberedLine>,
    /// Counts the answers that this consumer got, from 1; a retry keeps its number.
    pub number: u64,
    /// Whether this repeats the previous answer.
    pub retry: bool,
}

/// Why a script was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The file is wrong.
    #[error("{0}")]
    Script(#[from] ScriptError),
    /// Every request would match.
    #[error("`match` is blank; give a string that stands in this script's prompts and in no other's")]
    BlankMatch,
    /// Two scripts could not be told apart.
    #[error("`match` {marker:?} is already used by the script {other:?}; remove that one or choose another string")]
    SameMatch {
        /// The string.
        marker: String,
        /// The script that has it.
        other: String,
    },
}

/// Why no line answers a request. Each is the client's mistake or the script's, never the network's: do not retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No script is meant.
    #[error(
        "no script matches this request: none of {known} occurs in its system prompt or messages. Register a script whose `match` does"
    )]
    NoMatch {
        /// The registered strings.
        known: String,
    },
    /// More than one script is meant.
    #[error("several scripts match this request: {matching}. Give each a `match` that stands in its own prompts only")]
    Ambiguous {
        /// Their keys and strings.
        matching: String,
    },
    /// The script is used up.
    #[error(
        "the script {key:?} has run out for the consumer {consumer:?}: all {lines} of its lines were used. Add a line for this turn, or see why the consumer asks once more"
    )]
    RunOut {
        /// The script.
        key: String,
        /// The consumer, as the script names it.
        consumer: String,
        /// How many lines it had, all of them used.
        lines: usize,
    },
}

impl Refusal {
    /// The script that refused, when one was chosen.
    pub fn script(&self) -> Option<&str> {
        if let Self::RunOut { key, .. } = self { Some(key) } else { None }
    }
}

/// How far a consumer is in a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerStatus {
    /// Lines in the script.
    pub lines: usize,
    /// Lines that are spent.
    pub used: usize,
    /// Lines that are left; a repeating line is never spent.
    pub remaining: usize,
    /// Answers given, without retries.
    pub turns: u64,
}

/// The state of one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptStatus {
    /// Its key.
    pub key: String,
    /// The string that selects it.
    #[serde(rename = "match")]
    pub marker: String,
    /// Per consumer.
    pub consumers: BTreeMap<Consumer, ConsumerStatus>,
}

impl Registry {
    /// Registers a script, or replaces the one under this key and starts it anew.
    ///
    /// # Errors
    /// See [`RegisterError`]; the registry is then unchanged.
    pub fn register(&mut self, key: &str, marker: &str, jsonl: &str) -> Result<ScriptStatus, RegisterError> {
        let marker = marker.trim();
        if marker.is_empty() {
            return Err(RegisterError::BlankMatch);
        }
        if let Some((other, _)) = self.scripts.iter().find(|(other, entry)| *other != key && entry.marker == marker) {
            return Err(RegisterError::SameMatch { marker: marker.to_owned(), other: other.clone() });
        }
        let script = Script::parse(jsonl)?;
        let entry = Entry { marker: marker.to_owned(), script, cursors: <[Cursor; 2]>::default() };
        let status = entry.status(key);
        self.scripts.insert(key.to_owned(), entry);
        Ok(status)
    }

    /// Removes a script; says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        self.scripts.remove(key).is_some()
    }

    /// Forgets what was served last, so that the next request takes a new line even if it repeats the conversation
    /// (a run that begins again). Says whether there is such a script.
    pub fn forget(&mut self, key: &str) -> bool {
        self.scripts
            .get_mut(key)
            .map(|entry| entry.cursors.iter_mut().for_each(|cursor| cursor.served = None))
            .is_some()
    }

    /// The state of one script.
    pub fn status(&self, key: &str) -> Option<ScriptStatus> {
        self.scripts.get(key).map(|entry| entry.status(key))
    }

    /// The state of all scripts.
    pub fn statuses(&self) -> Vec<ScriptStatus> {
        self.scripts.iter().map(|(key, entry)| entry.status(key)).collect()
    }

    /// Chooses and consumes the line that answers `ask`.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is then consumed.
    pub fn take(&mut self, ask: &Ask) -> Result<Turn, Refusal> {
        for text in [&ask.opening, &ask.rest] {
            let matching = self.scripts.iter_mut().filter(|(_, entry)| contains_word(text, &entry.marker));
            match matching.collect::<Vec<_>>().as_mut_slice() {
                [] => {}
                [(key, entry)] => {
                    let lines = entry.script.lines(ask.consumer);
                    return entry.cursors[ask.consumer as usize].take(key, lines, ask);
                }
                several => {
                    let matching = several.iter().map(|(key, entry)| (*key, &**entry));
                    return Err(Refusal::Ambiguous { matching: list(matching) });
                }
            }
        }
        let none = self.scripts.is_empty();
        let known = if none { "the 0 registered scripts".to_owned() } else { list(self.scripts.iter()) };
        Err(Refusal::NoMatch { known })
    }
}

fn list<'a>(scripts: impl Iterator<Item = (&'a String, &'a Entry)>) -> String {
    let mut words = String::new();
    for (key, entry) in scripts {
        let comma = if words.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        write!(words, "{comma}{:?} (script {key:?})", entry.marker).ok();
    }
    words
}

impl Entry {
    fn status(&self, key: &str) -> ScriptStatus {
        let consumers = Consumer::ALL.into_iter().map(|consumer| {
            let lines = self.script.lines(consumer).len();
            let Cursor { used, turns, .. } = self.cursors[consumer as usize];
            (consumer, ConsumerStatus { lines, used, remaining: lines - used, turns })
        });
        ScriptStatus { key: key.to_owned(), marker: self.marker.clone(), consumers: consumers.collect() }
    }
}

impl Cursor {
    fn take(&mut self, key: &str, lines: &[NumberedLine], ask: &Ask) -> Result<Turn, Refusal> {
        if let Some((digest, served)) = &self.served
            && *digest == ask.digest
        {
            return Ok(Turn { retry: true, ..served.clone() });
        }
        let Some(line) = lines.get(self.used) else {
            let consumer = ask.consumer.to_string();
            return Err(Refusal::RunOut { key: key.to_owned(), consumer, lines: lines.len() });
        };
        if !line.line.repeat {
            self.used += 1;
        }
        self.turns += 1;
        let turn = Turn { key: key.to_owned(), line: Arc::new(line.clone()), number: self.turns, retry: false };
        self.served = (!line.line.is_fault()).then(|| (ask.digest.clone(), turn.clone()));
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn ask(consumer: Consumer, opening: &str, rest: &str) -> Ask {
        Ask {
            consumer,
            opening: opening.to_owned(),
            rest: rest.to_owned(),
            digest: format!("{opening}|{rest}"),
            ..Ask::default()
        }
    }

    fn registry(jsonl: &str) -> Registry {
        let mut registry = Registry::default();
        registry.register("one", "ticket: FL-1", jsonl).unwrap();
        registry
    }

    /// Takes a line for the planner of ticket FL-1 and shows its number in the file, its turn, and whether it is a retry.
    fn plan(registry: &mut Registry, rest: &str) -> (usize, u64, bool) {
        let turn = registry.take(&ask(Consumer::Plan, "ticket: FL-1", rest)).unwrap();
        (turn.line.number, turn.number, turn.retry)
    }

    const TWO_EACH: &str = r#"{"for":"plan","respond":[{"text":"p1"}]}
{"for":"code","respond":[{"text":"c1"}]}
{"for":"plan","respond":[{"text":"p2"}]}
{"for":"code","respond":[{"text":"c2"}]}"#;

    #[test]
    fn consumers_advance_on_their_own() {
        let mut registry = registry(TWO_EACH);
        assert_eq!(plan(&mut registry, ""), (1, 1, false));
        let code = registry.take(&ask(Consumer::Code, "ticket: FL-1", "")).unwrap();
        assert_eq!(code.line.line.text(), "c1");
        assert_eq!(plan(&mut registry, "more"), (3, 2, false));
        let status = registry.status("one").unwrap();
        assert_eq!(status.consumers[&Consumer::Plan], ConsumerStatus { lines: 2, used: 2, remaining: 0, turns: 2 });
        assert_eq!(status.consumers[&Consumer::Code], ConsumerStatus { lines: 2, used: 1, remaining: 1, turns: 1 });
    }

    #[test]
    fn the_same_conversation_is_a_retry_and_a_longer_one_is_not() {
        let mut registry = registry(TWO_EACH);
        assert_eq!(plan(&mut registry, ""), (1, 1, false));
        assert_eq!(plan(&mut registry, ""), (1, 1, true));
        assert_eq!(plan(&mut registry, ""), (1, 1, true));
        assert_eq!(plan(&mut registry, "more"), (3, 2, false));
        assert_eq!(plan(&mut registry, "more"), (3, 2, true), "the last line is served again, too");
    }

    #[test]
    fn only_the_last_conversation_is_a_retry_so_that_a_run_can_begin_again() {
        let mut registry = registry(TWO_EACH);
        assert_eq!(plan(&mut registry, ""), (1, 1, false));
        registry.forget("one");
        assert_eq!(plan(&mut registry, ""), (3, 2, false));
    }

    #[test]
    fn a_fault_is_spent_by_one_request() {
        let mut registry = registry(
            r#"{"for":"plan","status":529}
{"for":"plan","respond":[{"text":"a"}],"cut":true}
{"for":"plan","stall":true}
{"for":"plan","respond":[{"text":"b"}]}"#,
        );
        let served = [(); 5].map(|()| plan(&mut registry, ""));
        assert_eq!(served, [(1, 1, false), (2, 2, false), (3, 3, false), (4, 4, false), (4, 4, true)]);
    }

    #[test]
    fn a_repeating_line_is_never_spent() {
        let mut registry = registry(r#"{"for":"plan","respond":[{"text":"on"}],"repeat":true}"#);
        let served = ["", "1", "1", "2"].map(|rest| plan(&mut registry, rest));
        assert_eq!(served, [(1, 1, false), (1, 2, false), (1, 2, true), (1, 3, false)]);
        assert_eq!(registry.status("one").unwrap().consumers[&Consumer::Plan].remaining, 1);
    }

    #[test]
    fn the_opening_outvotes_what_tools_read_later() {
        let mut registry = registry(TWO_EACH);
        registry.register("two", "ticket: FL-2", TWO_EACH).unwrap();
        let turn = registry.take(&ask(Consumer::Plan, "ticket: FL-2", "a file that names ticket: FL-1")).unwrap();
        assert_eq!(turn.key, "two");
        let turn = registry.take(&ask(Consumer::Plan, "summarize", "… ticket: FL-1 …")).unwrap();
        assert_eq!(turn.key, "one");
    }

    #[test]
    fn a_prefix_of_another_ticket_is_no_match() {
        let mut registry = registry(TWO_EACH);
        registry.register("twelve", "ticket: FL-12", TWO_EACH).unwrap();
        assert_eq!(registry.take(&ask(Consumer::Plan, "ticket: FL-12", "")).unwrap().key, "twelve");
        assert_eq!(registry.take(&ask(Consumer::Plan, "ticket: FL-1", "")).unwrap().key, "one");
    }

    #[test]
    fn a_refusal_says_why_and_consumes_nothing() {
        let mut registry = registry(r#"{"for":"plan","respond":[]}"#);
        registry.register("two", "ticket: FL-2", "").unwrap();
        let mut refusal = |opening: &str| registry.take(&ask(Consumer::Plan, opening, "")).unwrap_err().to_string();
        assert_snapshot!(refusal("hello"), @r#"no script matches this request: none of "ticket: FL-1" (script "one"), "ticket: FL-2" (script "two") occurs in its system prompt or messages. Register a script whose `match` does"#);
        assert_snapshot!(refusal("ticket: FL-1 like ticket: FL-2"), @r#"several scripts match this request: "ticket: FL-1" (script "one"), "ticket: FL-2" (script "two"). Give each a `match` that stands in its own prompts only"#);
        assert_snapshot!(refusal("ticket: FL-2"), @r#"the script "two" has run out for the consumer "plan": all 0 of its lines were used. Add a line for this turn, or see why the consumer asks once more"#);
        assert_eq!(registry.status("one").unwrap().consumers[&Consumer::Plan].used, 0);
        assert_snapshot!(Registry::default().take(&ask(Consumer::Plan, "", "")).unwrap_err(), @"no script matches this request: none of the 0 registered scripts occurs in its system prompt or messages. Register a script whose `match` does");
    }

    #[test]
    fn two_scripts_need_different_strings() {
        let mut registry = registry(TWO_EACH);
        assert_snapshot!(registry.register("two", " ticket: FL-1", "").unwrap_err(), @r#"`match` "ticket: FL-1" is already used by the script "one"; remove that one or choose another string"#);
        assert_snapshot!(registry.register("two", " ", "").unwrap_err(), @"`match` is blank; give a string that stands in this script's prompts and in no other's");
        assert_eq!(plan(&mut registry, ""), (1, 1, false));
        registry.register("one", "ticket: FL-1", TWO_EACH).unwrap();
        assert_eq!(plan(&mut registry, "more"), (1, 1, false), "registering again starts anew");
    }
}
