//! One item's failure keeps no other waiting.

use std::fmt::Display;

use domain::failure::Failure;
use futures::{StreamExt as _, stream};

/// Items that are worked on at once.
const AT_ONCE: usize = 8;

/// Works on every item and returns what came of those that went well, in no order. A failure is logged with its item;
/// the first one is kept in `failure`.
pub(crate) async fn each<I: Display, T>(
    items: impl IntoIterator<Item = I>,
    failure: &mut Option<Failure>,
    work: impl AsyncFn(&I) -> Result<T, Failure>,
) -> Vec<T> {
    let work = &work;
    let results = stream::iter(items)
        .map(|item| async move {
            let result = work(&item).await;
            (item, result)
        })
        .buffer_unordered(AT_ONCE);
    let mut done = Vec::new();
    let mut results = std::pin::pin!(results);
    while let Some((item, result)) = results.next().await {
        match result {
            Ok(result) => done.push(result),
            Err(error) => {
                tracing::error!(%item, kind = %error.kind, %error, "the sweep could not mend this; it will try again");
                failure.get_or_insert(error);
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use domain::failure::FailureKind;

    use super::*;

    #[tokio::test]
    async fn the_others_are_worked_on_too() {
        let mut failure = None;
        let work = async |item: &u32| match item {
            2 => Err(Failure::new(FailureKind::Internal, "two")),
            item => Ok(item * 10),
        };
        let mut done = each(1..=20, &mut failure, work).await;
        done.sort_unstable();
        assert_eq!(done, (1..=20).filter(|item| *item != 2).map(|item| item * 10).collect::<Vec<_>>());
        assert_eq!(failure.unwrap().to_string(), Failure::new(FailureKind::Internal, "two").to_string());
    }
}
