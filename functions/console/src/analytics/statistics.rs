//! Figures from numbers. Pure functions.

use serde::Serialize;
use utoipa::ToSchema;

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A part of a whole, and between what the true rate probably lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct Share {
    /// How many of them.
    pub(crate) part: usize,
    /// Of how many.
    pub(crate) whole: usize,
    /// The rate, 0 to 1; `null` of none.
    pub(crate) rate: Option<f64>,
    /// Lower end of its 95 % confidence interval (Wilson); `null` of none.
    pub(crate) low: Option<f64>,
    /// Upper end.
    pub(crate) high: Option<f64>,
}

impl Share {
    /// Of `whole`, so many. What is more than the whole counts as the whole.
    pub(crate) fn of(part: usize, whole: usize) -> Self {
        let part = part.min(whole);
        if whole == 0 {
            return Self { part, whole, rate: None, low: None, high: None };
        }
        let (p, n) = (float(part) / float(whole), float(whole));
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let (middle, scale) = (p + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
        // Rounding must not leave the rate outside of its own interval.
        let (low, high) = (((middle - spread) / scale).clamp(0.0, p), ((middle + spread) / scale).clamp(p, 1.0));
        Self { part, whole, rate: Some(p), low: Some(low), high: Some(high) }
    }

    /// How many of these are so.
    pub(crate) fn count<T>(all: impl IntoIterator<Item = T>, is: impl Fn(&T) -> bool) -> Self {
        let (mut part, mut whole) = (0, 0);
        for one in all {
            whole += 1;
            part += usize::from(is(&one));
        }
        Self::of(part, whole)
    }
}

/// How durations spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Spread {
    /// Of how many.
    pub(crate) number: usize,
    /// Half took no longer, milliseconds; `null` of none.
    pub(crate) median_ms: Option<u64>,
    /// Nine of ten took no longer, milliseconds.
    pub(crate) p90_ms: Option<u64>,
}

impl Spread {
    /// Of durations in milliseconds.
    pub(crate) fn of(durations: impl IntoIterator<Item = u64>) -> Self {
        let mut all: Vec<u64> = durations.into_iter().collect();
        all.sort_unstable();
        Self { number: all.len(), median_ms: percentile(&all, 50), p90_ms: percentile(&all, 90) }
    }
}

/// The smallest of sorted values that at least `percent` of them do not exceed.
pub(crate) fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts of at most a few thousand")]
fn float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // R: prop.test(x, n, correct = FALSE)$conf.int
        let cases = [
            (0, 10, 0.0, 0.277_53),
            (5, 10, 0.236_59, 0.763_41),
            (10, 10, 0.722_47, 1.0),
            (81, 263, 0.255_29, 0.366_21),
        ];
        for (part, whole, low, high) in cases {
            let rate = Share::of(part, whole);
            let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 0.000_01;
            assert!(near(rate.low, low) && near(rate.high, high), "{rate:?}");
        }
        assert_eq!(Share::of(3, 0), Share { part: 0, whole: 0, rate: None, low: None, high: None });
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile::<u64>(&[], 50), None);
        assert_eq!(
            [0, 1, 50, 51, 75, 100].map(|percent| percentile(&[10, 20], percent)),
            [10, 10, 10, 20, 20, 20].map(Some)
        );
        assert_eq!(Spread::of([5, 1, 9]), Spread { number: 3, median_ms: Some(5), p90_ms: Some(9) });
    }

    proptest! {
        #[test]
        fn a_rate_is_within_its_interval(part in 0_usize..5_000, more in 0_usize..5_000) {
            let whole = part + more;
            let rate = Share::of(part, whole);
            if let (Some(rate), Some(low), Some(high)) = (rate.rate, rate.low, rate.high) {
                prop_assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0);
            } else {
                prop_assert_eq!(whole, 0);
            }
        }

        /// The other part's rate has the mirrored interval, and ten times as many give a narrower one.
        #[test]
        fn intervals_are_symmetric_and_narrow(part in 0_usize..500, more in 1_usize..500) {
            let (rate, other) = (Share::of(part, part + more), Share::of(more, part + more));
            prop_assert!((rate.low.unwrap() - (1.0 - other.high.unwrap())).abs() < 1e-9);
            let many = Share::of(part * 10, (part + more) * 10);
            prop_assert!(many.high.unwrap() - many.low.unwrap() < rate.high.unwrap() - rate.low.unwrap());
        }

        #[test]
        fn a_percentile_is_not_exceeded_by_so_many(mut all in proptest::collection::vec(0_u64..1_000, 1..60), percent in 1_usize..=100) {
            all.sort_unstable();
            let found = percentile(&all, percent).unwrap();
            let within = all.iter().filter(|value| **value <= found).count();
            let below = all.iter().filter(|value| **value < found).count();
            prop_assert!(within * 100 >= percent * all.len());
            prop_assert!(below * 100 < percent * all.len());
        }
    }
}
