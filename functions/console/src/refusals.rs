//! What was refused is written down: each refusal, up to a number a minute, and how many more there were.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use domain::person::Person;
use domain::refusal::AccessRefusal;

use crate::backend::Backend;
use crate::secret_text;

/// So many refusals are written down in a minute by one process; a flood is counted.
const PER_MINUTE: u32 = 60;

/// Writes refusals down.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    /// Minutes since 1970.
    since: i64,
    written: u32,
    unlisted: u64,
}

impl Refusals {
    /// Whether this one is written down; then also how many before it were not.
    fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.as_second().div_euclid(60);
        if state.since != minute {
            (state.since, state.written) = (minute, 0);
        }
        if state.written >= PER_MINUTE {
            state.unlisted += 1;
            return None;
        }
        state.written += 1;
        Some(std::mem::take(&mut state.unlisted))
    }

    /// Notes a refusal. One that cannot be written down is in the log, and is refused all the same.
    pub(crate) async fn note<B: Backend>(
        &self,
        backend: &B,
        at: Timestamp,
        what: String,
        why: &'static str,
        by: Option<Person>,
    ) {
        tracing::warn!(what, why, "refused");
        let Some(unlisted) = self.admit(at) else { return };
        let refusal = AccessRefusal { at, what, why: why.to_owned(), by, unlisted };
        let written = match secret_text::distinct() {
            Ok(distinct) => backend.put_refusal(&refusal, distinct).await.map_err(|error| error.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        if let Err(error) = written {
            tracing::error!(error, "a refusal could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_the_count_is_told() {
        let refusals = Refusals::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let admitted: Vec<_> = (0..PER_MINUTE + 5).filter_map(|_| refusals.admit(at(1))).collect();
        assert_eq!(admitted, vec![0; PER_MINUTE as usize]);
        assert_eq!((refusals.admit(at(59)), refusals.admit(at(60)), refusals.admit(at(61))), (None, Some(6), Some(0)));
    }
}
