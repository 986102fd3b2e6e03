//! Refusals.

use domain::refusal::AccessRefusal;
use testkit::World;
use testkit::sample::{at, person};

#[tokio::test]
async fn refusals_are_added_and_found_by_their_day() {
    let world = World::start().await;
    let refusal = |second, why: &str| AccessRefusal {
        at: at(second),
        what: "GET /".to_owned(),
        why: why.to_owned(),
        by: (second > 0).then(|| person("ann")),
        unlisted: 3,
    };
    let (first, second) = (refusal(0, "unknown token"), refusal(1, "the session is over"));
    world.store.put_refusal(&first, 1).await.unwrap();
    world.store.put_refusal(&first, 2).await.unwrap();
    world.store.put_refusal(&second, 1).await.unwrap();
    assert!(world.store.put_refusal(&second, 1).await.is_err(), "a row stays as it is");
    let day = AccessRefusal::day(at(0));
    assert_eq!(world.store.refusals(&day, 10).await.unwrap(), [second, first.clone(), first]);
    assert_eq!(world.store.refusals(&day, 1).await.unwrap().len(), 1);
    assert!(world.store.refusals("2020-01-01", 10).await.unwrap().is_empty());
}
