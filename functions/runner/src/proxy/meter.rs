//! Counting what the model costs, while it answers.

use std::sync::Arc;

use domain::budget::{Budget, Prices, Usage};
use tokio::sync::watch;

/// Tokens of one model call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTokens {
    /// Input that was not read from a cache, with what was written to one.
    pub input: u64,
    /// Input read from a cache.
    pub cached_input: u64,
    /// Output.
    pub output: u64,
}

/// What is known about the run's model calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeterState {
    /// All calls that ended.
    pub usage: Usage,
    /// Which limit was reached; set once a call was refused or cut.
    pub cut_off: Option<String>,
    /// The last call's failure, cleared by the next success.
    pub failure: Option<String>,
}

/// Adds up a run's model calls against its budget. Clones share one count.
#[derive(Debug, Clone)]
pub struct Meter {
    prices: Prices,
    budget: Budget,
    state: Arc<watch::Sender<MeterState>>,
}

impl Meter {
    /// Starts at nothing.
    pub fn new(prices: Prices, budget: Budget) -> Self {
        Self { prices, budget, state: Arc::new(watch::Sender::new(MeterState::default())) }
    }

    /// The state now.
    pub fn state(&self) -> MeterState {
        self.state.borrow().clone()
    }

    /// Follows the state.
    pub fn subscribe(&self) -> watch::Receiver<MeterState> {
        self.state.subscribe()
    }

    /// Begins a call, or says which limit is reached.
    ///
    /// # Errors
    /// The budget is used up; the text names the limit.
    pub fn begin(&self, request_bytes: u64) -> Result<Call, String> {
        // A statement of its own: the state must not be borrowed any more when it is changed.
        let limit = self.budget.exceeded_by(&self.state.borrow().usage);
        if let Some(limit) = limit {
            self.cut_off(&limit);
            return Err(limit);
        }
        Ok(Call {
            meter: self.clone(),
            estimated_input: request_bytes.div_ceil(4),
            reported: None,
            uncounted_bytes: 0,
            begun: false,
        })
    }

    /// Records that the provider did not answer.
    pub fn failed(&self, message: &str) {
        self.state.send_modify(|state| state.failure = Some(message.to_owned()));
    }

    fn cut_off(&self, limit: &str) {
        self.state.send_modify(|state| state.cut_off = Some(limit.to_owned()));
    }

    fn settle(&self, tokens: CallTokens) {
        let call = self.prices.call(tokens.input, tokens.cached_input, tokens.output);
        self.state.send_modify(|state| state.usage = state.usage.plus(call));
    }

    /// Which token or money limit is reached with a running call. The number of calls does not count here: the last
    /// call that was allowed may finish.
    fn limit_with(&self, tokens: CallTokens) -> Option<String> {
        let call = self.prices.call(tokens.input, tokens.cached_input, tokens.output);
        let budget = Budget { max_turns: u64::MAX, ..self.budget };
        budget.exceeded_by(&self.state.borrow().usage.plus(call))
    }
}

/// A running call. It is charged when it is dropped, however it ended, if the provider had begun to answer.
#[derive(Debug)]
pub struct Call {
    meter: Meter,
    estimated_input: u64,
    reported: Option<CallTokens>,
    uncounted_bytes: u64,
    begun: bool,
}

impl Call {
    /// The provider has begun to answer: from now on the call costs money.
    pub fn answered(&mut self) {
        self.begun = true;
        self.meter.state.send_modify(|state| state.failure = None);
    }

    /// Takes in what one event of the answer reported: the provider's own count if it has one, and the bytes of text.
    /// Says which limit is now reached, if one is.
    pub fn add(&mut self, reported: Option<CallTokens>, output_bytes: u64) -> Option<String> {
        match reported {
            Some(count) => (self.reported, self.uncounted_bytes) = (Some(count), output_bytes),
            None => self.uncounted_bytes += output_bytes,
        }
        let limit = self.meter.limit_with(self.tokens())?;
        self.meter.cut_off(&limit);
        Some(limit)
    }

    /// The provider's latest count, and an estimate (four bytes a token) of what came after it. Most providers count
    /// the output only at the end; without the estimate a call that is cut would be free.
    fn tokens(&self) -> CallTokens {
        let counted = self.reported.unwrap_or(CallTokens { input: self.estimated_input, cached_input: 0, output: 0 });
        CallTokens { output: counted.output + self.uncounted_bytes.div_ceil(4), ..counted }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.begun {
            self.meter.settle(self.tokens());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(max_tokens: u64, max_micro_usd: u64, max_turns: u64) -> Meter {
        let prices = Prices { input: 3_000_000, cached_input: 300_000, output: 15_000_000 };
        Meter::new(prices, Budget { max_tokens, max_micro_usd, max_turns })
    }

    fn tokens(input: u64, cached_input: u64, output: u64) -> CallTokens {
        CallTokens { input, cached_input, output }
    }

    #[test]
    fn a_call_is_charged_as_reported() {
        let meter = meter(10_000, 1_000_000, 10);
        let mut call = meter.begin(4_000).unwrap();
        call.answered();
        assert_eq!(call.add(Some(tokens(100, 50, 1)), 0), None);
        assert_eq!(call.add(None, 400), None);
        assert_eq!(call.add(Some(tokens(100, 50, 20)), 0), None);
        drop(call);
        let usage = meter.state().usage;
        assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.turns), (100, 50, 20, 1));
        assert_eq!(usage.micro_usd, 300 + 15 + 300);
    }

    #[test]
    fn a_call_without_a_count_is_estimated_and_one_without_an_answer_is_free() {
        let meter = meter(10_000, 1_000_000, 10);
        let mut call = meter.begin(4_000).unwrap();
        call.answered();
        call.add(None, 41);
        drop(call);
        assert_eq!((meter.state().usage.input_tokens, meter.state().usage.output_tokens), (1_000, 11));
        drop(meter.begin(4_000).unwrap());
        assert_eq!(meter.state().usage.turns, 1);
    }

    #[test]
    fn the_cut_comes_while_the_answer_runs() {
        let meter = meter(200, 1_000_000, 10);
        let mut call = meter.begin(4).unwrap();
        call.answered();
        assert_eq!(call.add(Some(tokens(100, 0, 1)), 0), None);
        assert_eq!(call.add(None, 392), None);
        assert_eq!(call.add(None, 4).as_deref(), Some("200 of 200 tokens used"));
        drop(call);
        assert_eq!(meter.begin(4).unwrap_err(), "200 of 200 tokens used");
        assert_eq!(meter.state().cut_off.as_deref(), Some("200 of 200 tokens used"));
    }

    #[test]
    fn money_and_calls_are_limits_too() {
        let money = meter(1_000_000, 1_500, 10);
        let mut call = money.begin(4).unwrap();
        call.answered();
        assert!(call.add(Some(tokens(1, 0, 100)), 0).unwrap().starts_with("$0.00 of $0.00"));

        let calls = meter(1_000_000, 1_000_000, 1);
        let mut call = calls.begin(4).unwrap();
        call.answered();
        assert_eq!(call.add(Some(tokens(1, 0, 1)), 0), None, "the last call may finish");
        drop(call);
        assert_eq!(calls.begin(4).unwrap_err(), "1 of 1 model calls made");
    }
}
