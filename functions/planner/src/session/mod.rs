//! The conversation: bounded in turns, tokens, cost and time, and in what it forgives.

use std::time::Instant;

use domain::budget::{Budget, Usage};
use domain::failure::{Failure, FailureKind};
use models::{Conversation, Model, Reply, Stop, ToolResult, Turn};

use crate::repository::Base;
use crate::text::{cut, line};
use crate::tools::{self, Answer, Outcome, SubmitContext};

/// How often a SPEC is sent back with what is wrong with it.
const MAX_REJECTIONS: u32 = 3;
/// How many answers without a tool call in a row are answered with a reminder.
const MAX_REMINDERS: u32 = 2;
/// Calls of one answer that are made.
const MAX_CALLS: usize = 32;
/// Results of one answer, bytes, all calls together.
const MAX_RESULTS_BYTES: usize = 4 * tools::MAX_RESULT_BYTES;

/// A planning.
pub(crate) struct Session<'a> {
    pub(crate) model: &'a Model,
    pub(crate) base: &'a Base,
    pub(crate) submit: SubmitContext<'a>,
    pub(crate) budget: Budget,
    pub(crate) deadline: Instant,
}

/// How a planning ended, and what it cost, however it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) answer: Result<Answer, Failure>,
    pub(crate) usage: Usage,
}

/// What has happened so far.
#[derive(Default)]
struct Tally {
    usage: Usage,
    rejections: u32,
    /// Answers without a tool call, in a row.
    silent: u32,
}

impl Session<'_> {
    /// Talks with the model until it answers or a limit is reached.
    pub(crate) async fn run(&self, prompt: String) -> Ended {
        let mut tally = Tally::default();
        let answer = self.converse(prompt, &mut tally).await;
        Ended { answer, usage: tally.usage }
    }

    async fn converse(&self, prompt: String, tally: &mut Tally) -> Result<Answer, Failure> {
        let mut conversation = Conversation::new(crate::prompt::SYSTEM, tools::definitions(), prompt);
        loop {
            if let Some(limit) = self.budget.exceeded_by(&tally.usage) {
                return Err(exhausted(&limit));
            }
            if Instant::now() >= self.deadline {
                return Err(exhausted("the time of one planning is over"));
            }
            let reply = self.model.turn(&conversation, self.deadline).await?;
            tally.usage = tally.usage.plus(reply.usage);
            log(&reply, tally);
            let next = match self.react(&reply, tally)? {
                Reaction::Answer(answer) => return Ok(answer),
                Reaction::Say(turn) => turn,
            };
            conversation.push(Turn::Model(reply.turn));
            conversation.push(next);
        }
    }

    fn react(&self, reply: &Reply, tally: &mut Tally) -> Result<Reaction, Failure> {
        if reply.tool_calls().is_empty() {
            return remind(reply, tally).map(Reaction::Say);
        }
        tally.silent = 0;
        let mut results = Vec::new();
        let mut bytes = 0;
        for (index, call) in reply.tool_calls().iter().enumerate() {
            let outcome = if index >= MAX_CALLS || bytes >= MAX_RESULTS_BYTES {
                Outcome::Error("Error: too much was asked for at once; this call was not made. Repeat it.".to_owned())
            } else {
                tools::call(call, self.base, self.submit)
            };
            let (content, is_error) = match outcome {
                Outcome::Done(answer) => return Ok(Reaction::Answer(answer)),
                Outcome::Result(text) => (text, false),
                Outcome::Error(text) => (text, true),
                Outcome::Rejected(text) => {
                    tally.rejections += 1;
                    if tally.rejections > MAX_REJECTIONS {
                        return Err(nonsense(&format!(
                            "its SPEC was sent back {MAX_REJECTIONS} times and is still not acceptable. {}",
                            cut(&text, 1_500)
                        )));
                    }
                    (text, true)
                }
            };
            bytes += content.len();
            results.push(ToolResult { call_id: call.id.clone(), name: call.name.clone(), content, is_error });
        }
        if let (Some(last), Some(warning)) = (results.last_mut(), self.warning(&tally.usage)) {
            last.content.push_str(&warning);
        }
        Ok(Reaction::Say(Turn::Tools(results)))
    }

    /// A word to the model when little is left.
    fn warning(&self, usage: &Usage) -> Option<String> {
        let left = self.budget.minus(usage);
        let scarce = left.max_turns <= 3
            || left.max_tokens < self.budget.max_tokens / 4
            || left.max_micro_usd < self.budget.max_micro_usd / 4;
        (scarce && left.max_turns > 0).then(|| {
            format!(
                "\n\n[Your budget is nearly spent: {} model calls and {} tokens are left. Call submit_spec now with \
                 what you know.]",
                left.max_turns, left.max_tokens
            )
        })
    }
}

enum Reaction {
    Answer(Answer),
    Say(Turn),
}

/// What is said to an answer without a tool call.
fn remind(reply: &Reply, tally: &mut Tally) -> Result<Turn, Failure> {
    if reply.stop == Stop::Refused {
        return Err(nonsense(&format!("it refused to go on: {}", cut(&line(reply.text()), 500))));
    }
    tally.silent += 1;
    if tally.silent > MAX_REMINDERS {
        return Err(nonsense(&format!(
            "it answered {} times in a row without calling a tool, last: {}",
            tally.silent,
            cut(&line(reply.text()), 500)
        )));
    }
    let cause = if reply.stop == Stop::MaxTokens { "Your answer was cut off at the output limit. " } else { "" };
    Ok(Turn::User(format!(
        "{cause}Your answer called no tool, so nobody has seen it. Go on: read with list_files, read_file or \
         search_text, or end with submit_spec or decline_ticket."
    )))
}

fn nonsense(reason: &str) -> Failure {
    Failure::new(FailureKind::ModelNonsense, format!("the model wrote no usable SPEC: {reason}"))
}

fn exhausted(limit: &str) -> Failure {
    Failure::new(FailureKind::BudgetExceeded, format!("planning ended without a SPEC: {limit}"))
}

fn log(reply: &Reply, tally: &Tally) {
    let tools: Vec<&str> = reply.tool_calls().iter().map(|call| call.name.as_str()).collect();
    tracing::info!(
        turn = tally.usage.turns,
        ?tools,
        stop = ?reply.stop,
        input_tokens = reply.usage.input_tokens,
        cached_input_tokens = reply.usage.cached_input_tokens,
        output_tokens = reply.usage.output_tokens,
        micro_usd = reply.usage.micro_usd,
        "the model answered"
    );
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
