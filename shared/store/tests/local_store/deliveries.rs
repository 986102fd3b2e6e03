//! Deliveries count once.

use domain::Digest;
use domain::ids::DeliveryId;
use futures::future::join_all;
use store::{DeliveryClaim, DeliveryConflict};
use testkit::World;
use testkit::sample::{at, now};

#[tokio::test]
async fn a_delivery_is_handled_once() {
    let world = World::start().await;
    let id: DeliveryId = "flux-lens:1".parse().unwrap();
    let body = Digest::of("body");
    let claim = async |second, body| world.store.claim_delivery(&id, body, at(second)).await.unwrap();

    let claims = join_all((0..8).map(|_| claim(0, body))).await;
    assert_eq!(claims.iter().filter(|claim| **claim == Ok(DeliveryClaim::Handle)).count(), 1);
    assert_eq!(claims.iter().filter(|claim| **claim == Ok(DeliveryClaim::Busy)).count(), 7);

    assert_eq!(claim(60, body).await, Ok(DeliveryClaim::Busy), "until the lease is over");
    assert_eq!(claim(61, Digest::of("other")).await, Err(DeliveryConflict), "one id, two bodies");
    assert_eq!(claim(61, body).await, Ok(DeliveryClaim::Handle), "the first handler died");

    world.store.release_delivery(&id).await.unwrap();
    assert_eq!(claim(62, body).await, Ok(DeliveryClaim::Handle), "the second gave it back");

    world.store.finish_delivery(&id).await.unwrap();
    assert_eq!(claim(1_000_000, body).await, Ok(DeliveryClaim::Done));
    assert_eq!(claim(1_000_000, Digest::of("other")).await, Err(DeliveryConflict));
}

#[tokio::test]
async fn only_a_claimed_delivery_can_be_finished() {
    let world = World::start().await;
    let id: DeliveryId = "flux-lens:1".parse().unwrap();
    assert!(world.store.finish_delivery(&id).await.is_err());
    assert!(world.store.release_delivery(&id).await.is_err());
    assert_eq!(world.everything().await, "");
    let claim = world.store.claim_delivery(&id, Digest::of("body"), now()).await.unwrap();
    assert_eq!(claim, Ok(DeliveryClaim::Handle));
}
