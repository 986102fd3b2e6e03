//! The `notifier` function.
