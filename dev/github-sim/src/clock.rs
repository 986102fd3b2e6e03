//! The simulator's clock: the system's, or one that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A shared clock with whole-second resolution, as GitHub's timestamps have.
///
/// Clones share the same offset, so a test that keeps a clone can move the simulator's time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: the system clock.
    fixed: Option<Timestamp>,
    offset_seconds: AtomicI64,
}

impl Clock {
    /// A clock that follows the system time.
    pub fn system() -> Self {
        Self(Arc::new(Inner { fixed: None, offset_seconds: AtomicI64::new(0) }))
    }

    /// A clock that stands still at `start` until it is advanced.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Inner { fixed: Some(start), offset_seconds: AtomicI64::new(0) }))
    }

    /// The present moment, in whole seconds.
    pub fn now(&self) -> Timestamp {
        let base = self.0.fixed.unwrap_or_else(Timestamp::now);
        let offset = SignedDuration::from_secs(self.0.offset_seconds.load(Ordering::Relaxed));
        let moved = base.saturating_add(offset).unwrap_or(base);
        Timestamp::from_second(moved.as_second()).unwrap_or(moved)
    }

    /// Moves the clock forward (or back, when negative) by a number of seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.offset_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let start: Timestamp = "2026-01-01T00:00:00.75Z".parse().unwrap();
        let clock = Clock::manual(start);
        let shared = clock.clone();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        shared.advance(3600);
        assert_eq!(clock.now().to_string(), "2026-01-01T01:00:00Z");
    }
}
