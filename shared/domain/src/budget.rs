//! Tokens and money: what was used, what it cost, what is left.

use serde::{Deserialize, Serialize};

/// What model calls used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// Input tokens that were not read from a cache, with those written to one.
    pub input_tokens: u64,
    /// Input tokens read from a cache.
    pub cached_input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Model calls that were answered.
    pub turns: u64,
    /// Cost in millionths of a US dollar: whole numbers add up without error.
    pub micro_usd: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            turns: self.turns.saturating_add(other.turns),
            micro_usd: self.micro_usd.saturating_add(other.micro_usd),
        }
    }

    /// Every token, cached or not.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.cached_input_tokens).saturating_add(self.output_tokens)
    }

    /// Cost in US dollars, for people.
    #[expect(clippy::cast_precision_loss, reason = "a display figure; budgets compare whole micro-dollars")]
    pub fn usd(&self) -> f64 {
        self.micro_usd as f64 / 1e6
    }
}

/// Price of a model, in millionths of a US dollar per million tokens (so 3 dollars per million are 3,000,000).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Input.
    pub input: u64,
    /// Input read from a cache.
    pub cached_input: u64,
    /// Output.
    pub output: u64,
}

impl Prices {
    /// The usage of one model call, with its cost, rounded up.
    pub fn call(&self, input_tokens: u64, cached_input_tokens: u64, output_tokens: u64) -> Usage {
        let cost = u128::from(input_tokens) * u128::from(self.input)
            + u128::from(cached_input_tokens) * u128::from(self.cached_input)
            + u128::from(output_tokens) * u128::from(self.output);
        Usage {
            input_tokens,
            cached_input_tokens,
            output_tokens,
            turns: 1,
            micro_usd: u64::try_from(cost.div_ceil(1_000_000)).unwrap_or(u64::MAX),
        }
    }
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Tokens of all sorts.
    pub max_tokens: u64,
    /// Millionths of a US dollar.
    pub max_micro_usd: u64,
    /// Model calls.
    pub max_turns: u64,
}

impl Budget {
    /// Which limit `usage` has reached, in words, if any.
    pub fn exceeded_by(&self, usage: &Usage) -> Option<String> {
        if usage.total_tokens() >= self.max_tokens {
            Some(format!("{} of {} tokens used", usage.total_tokens(), self.max_tokens))
        } else if usage.micro_usd >= self.max_micro_usd {
            Some(format!(
                "${:.2} of ${:.2} spent",
                usage.usd(),
                Usage { micro_usd: self.max_micro_usd, ..Usage::default() }.usd()
            ))
        } else if usage.turns >= self.max_turns {
            Some(format!("{} of {} model calls made", usage.turns, self.max_turns))
        } else {
            None
        }
    }

    /// What is left after `usage`.
    #[must_use]
    pub fn minus(&self, usage: &Usage) -> Self {
        Self {
            max_tokens: self.max_tokens.saturating_sub(usage.total_tokens()),
            max_micro_usd: self.max_micro_usd.saturating_sub(usage.micro_usd),
            max_turns: self.max_turns.saturating_sub(usage.turns),
        }
    }
}

/// Dollars in millionths; a negative or absurd figure becomes the nearest sensible one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
pub fn micro_usd(usd: f64) -> u64 {
    (usd.clamp(0.0, 1e9) * 1e6).round() as u64
}

/// What a ticket has used, by phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ledger {
    /// Planning, all revisions.
    pub plan: Usage,
    /// First attempts of the agent.
    pub build: Usage,
    /// Attempts after failed verification or QA.
    pub repair: Usage,
    /// Attempts after a review asked for changes.
    pub review: Usage,
}

/// A phase of a ticket with its own budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Planning.
    Plan,
    /// First attempt.
    Build,
    /// Attempt after failed verification or QA.
    Repair,
    /// Attempt after a review asked for changes.
    Review,
}

impl Ledger {
    /// What all of the agent's attempts used; planning has a budget of its own.
    pub fn runs(&self) -> Usage {
        self.build.plus(self.repair).plus(self.review)
    }

    /// Everything together.
    pub fn total(&self) -> Usage {
        self.plan.plus(self.build).plus(self.repair).plus(self.review)
    }

    /// One phase.
    pub fn phase(&self, phase: Phase) -> &Usage {
        match phase {
            Phase::Plan => &self.plan,
            Phase::Build => &self.build,
            Phase::Repair => &self.repair,
            Phase::Review => &self.review,
        }
    }

    /// Adds to one phase.
    pub fn add(&mut self, phase: Phase, usage: Usage) {
        let entry = match phase {
            Phase::Plan => &mut self.plan,
            Phase::Build => &mut self.build,
            Phase::Repair => &mut self.repair,
            Phase::Review => &mut self.review,
        };
        *entry = entry.plus(usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_rounded_up_and_adds_up() {
        let prices = Prices { input: 3_000_000, cached_input: 300_000, output: 15_000_000 };
        let one = prices.call(1_000, 0, 100);
        assert_eq!(one.micro_usd, 4_500);
        assert_eq!(prices.call(1, 0, 0).micro_usd, 3);
        assert_eq!(prices.call(0, 1, 0).micro_usd, 1, "0.3 is rounded up");
        assert_eq!(one.plus(one).micro_usd, 9_000);
    }

    #[test]
    fn each_limit_is_seen() {
        let budget = Budget { max_tokens: 100, max_micro_usd: 50, max_turns: 3 };
        let usage = Usage { input_tokens: 10, turns: 1, micro_usd: 5, ..Usage::default() };
        assert_eq!(budget.exceeded_by(&usage), None);
        for (over, word) in [
            (Usage { output_tokens: 90, ..usage }, "tokens"),
            (Usage { micro_usd: 50, ..usage }, "spent"),
            (Usage { turns: 3, ..usage }, "model calls"),
        ] {
            assert!(budget.exceeded_by(&over).is_some_and(|text| text.contains(word)), "{word}");
        }
    }
}
