//! Deciding in the terminal, while the browser may be faster.

use std::io::BufRead as _;
use std::sync::mpsc::{Receiver, channel};

use anyhow::Result;

use crate::scenario::{Ask, Choice, Decider, DecisionLine, GateName, Via};
use crate::ui::{say, warn};

/// Asks a person at the terminal.
pub(super) struct Prompt {
    lines: Receiver<String>,
    state: State,
    cancels: bool,
}

enum State {
    /// Nothing was asked.
    Idle,
    /// A choice is awaited.
    Choosing,
    /// A comment is awaited.
    Commenting(Choice),
    /// The decision was handed over.
    Done,
}

impl Prompt {
    /// Starts to read lines from standard input: once, for all scenarios.
    pub(super) fn new() -> Self {
        let (sender, lines) = channel();
        // Ends with the program: a blocking read cannot be called off.
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self::over(lines)
    }

    fn over(lines: Receiver<String>) -> Self {
        Self { lines, state: State::Idle, cancels: false }
    }

    /// Begins a scenario. Its own decisions are not used, but for a run that is to be cancelled.
    pub(super) fn begin(&mut self, decisions: &[DecisionLine]) {
        self.state = State::Idle;
        self.cancels = decisions.iter().any(|line| line.gate == GateName::Run);
    }

    fn choose(&mut self, gate: GateName, line: &str) -> Option<DecisionLine> {
        let choice = match (line.trim().to_lowercase().as_str(), gate) {
            ("a" | "approve", _) => Choice::Approve,
            ("r" | "revise", GateName::Spec) => Choice::Revise,
            ("r" | "revise", _) => Choice::RequestChanges,
            ("x" | "reject", GateName::Spec) => Choice::Reject,
            ("x" | "reject", _) => Choice::Close,
            _ => {
                ask();
                return None;
            }
        };
        if choice == Choice::Approve {
            self.state = State::Done;
            return Some(decision(gate, choice, None));
        }
        say("  why? (one line)");
        self.state = State::Commenting(choice);
        None
    }
}

fn ask() {
    say("  your decision: [a]pprove, [r]evise, [x] reject (or decide in the browser)");
}

fn decision(gate: GateName, decision: Choice, comment: Option<String>) -> DecisionLine {
    DecisionLine { gate, decision, comment, via: Via::Link }
}

impl Decider for Prompt {
    fn decision(&mut self, gate: GateName, _: &Ask) -> Option<DecisionLine> {
        if matches!(self.state, State::Idle) {
            // What was typed before the question is no answer to it.
            while self.lines.try_recv().is_ok() {}
            ask();
            self.state = State::Choosing;
        }
        let line = self.lines.try_recv().ok()?;
        match self.state {
            State::Idle | State::Choosing => self.choose(gate, &line),
            State::Commenting(_) if line.trim().is_empty() => {
                say("  a comment is needed");
                None
            }
            State::Commenting(choice) => {
                self.state = State::Done;
                Some(decision(gate, choice, Some(line)))
            }
            State::Done => None,
        }
    }

    fn closed(&mut self) {
        if !matches!(self.state, State::Idle | State::Done) {
            say("  decided elsewhere");
        }
        self.state = State::Idle;
    }

    fn refused(&mut self, error: anyhow::Error) -> Result<()> {
        warn(format_args!("{error:#}"));
        self.state = State::Idle;
        Ok(())
    }

    fn left(&self) -> Vec<DecisionLine> {
        Vec::new()
    }

    fn cancels_run(&mut self) -> bool {
        std::mem::take(&mut self.cancels)
    }

    /// Whoever wants that does it in the console.
    fn goes_on(&mut self) -> Option<DecisionLine> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    fn prompt() -> (Sender<String>, Prompt, Ask) {
        let (sender, lines) = channel();
        let gate = "wf-0123456789abcdef0123-1.spec.1".parse().unwrap();
        (sender, Prompt::over(lines), Ask { gate, pull: None, link: None })
    }

    #[test]
    fn what_was_typed_before_the_question_is_no_answer() {
        let (sender, mut prompt, ask) = prompt();
        sender.send("a".to_owned()).unwrap();
        assert_eq!(prompt.decision(GateName::Spec, &ask), None);
        sender.send("A ".to_owned()).unwrap();
        assert_eq!(prompt.decision(GateName::Spec, &ask).unwrap().decision, Choice::Approve);
    }

    #[test]
    fn a_revision_needs_words_and_a_gate_that_closes_ends_the_question() {
        let (sender, mut prompt, ask) = prompt();
        assert_eq!(prompt.decision(GateName::Pr, &ask), None);
        for line in ["perhaps", "r", " "] {
            sender.send(line.to_owned()).unwrap();
            assert_eq!(prompt.decision(GateName::Pr, &ask), None);
        }
        sender.send("Shorter".to_owned()).unwrap();
        let made = prompt.decision(GateName::Pr, &ask).unwrap();
        assert_eq!((made.decision, made.comment.as_deref()), (Choice::RequestChanges, Some("Shorter")));
        prompt.closed();
        assert!(matches!(prompt.state, State::Idle));
    }
}
