//! A few races. `cargo xtask races` runs hundreds.

use std::sync::Arc;

use testkit::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_race_has_one_winner_everywhere() {
    let world = Arc::new(World::start().await);
    let tally = gate_races::run(&world, 4).await.unwrap();
    assert_eq!((tally.races, tally.won.values().sum::<u32>()), (4, 4));
}
