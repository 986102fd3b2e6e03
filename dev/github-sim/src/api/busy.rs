//! How long calls kept the simulator busy.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time in which at least one API call was being answered.
#[derive(Debug, Default)]
pub(crate) struct Busy(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    open: u32,
    since: Option<Instant>,
    before: Duration,
}

/// A call that is being answered until this is dropped.
pub(super) struct Open<'a>(&'a Busy);

impl Busy {
    pub(super) fn enter(&self) -> Open<'_> {
        let mut times = self.times();
        times.open += 1;
        times.since.get_or_insert_with(Instant::now);
        Open(self)
    }

    pub(crate) fn total(&self) -> Duration {
        let times = self.times();
        times.before + times.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut times = self.0.times();
        times.open -= 1;
        if times.open == 0
            && let Some(since) = times.since.take()
        {
            times.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_at_the_same_time_count_once() {
        let busy = Busy::default();
        assert_eq!(busy.total(), Duration::ZERO);
        let start = Instant::now();
        let (one, two) = (busy.enter(), busy.enter());
        drop(one);
        assert!(busy.times().since.is_some(), "the second is still open");
        drop(two);
        let total = busy.total();
        assert!(total > Duration::ZERO && total <= start.elapsed());
        assert_eq!(busy.total(), total, "nothing is added while nothing is open");
    }
}
