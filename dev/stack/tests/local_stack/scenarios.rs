//! Every shipped scenario comes out as it says.

use crate::world::{World, shipped};

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_scenario_ends_as_expected() {
    let mut rest = shipped();
    let (mut wrong, mut number) = (Vec::new(), 0);
    while let Some(first) = rest.first() {
        let parameters = first.parameters.clone();
        let (now, later): (Vec<_>, Vec<_>) = rest.into_iter().partition(|s| s.parameters == parameters);
        number += 1;
        let world = World::start(&format!("shipped-{number}"), &parameters).await;
        for scenario in now {
            let played = world.play(&scenario).await;
            let times = played.result.durations_ms;
            println!("{:<26} {:<14} {:>6} ms {times:?}", scenario.name, played.result.state.as_str(), times.total);
            wrong.extend(played.differences.iter().map(|difference| format!("{}: {difference}", scenario.name)));
        }
        world.stop().await;
        rest = later;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
