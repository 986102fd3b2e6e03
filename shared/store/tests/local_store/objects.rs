//! The bucket.

use domain::Digest;
use domain::ids::Attempt;
use futures::future::join_all;
use store::{StoreError, change_set, keys};
use testkit::World;
use testkit::archive::{File, pack};
use testkit::sample::{sha, ticket};

#[tokio::test]
async fn an_object_over_the_limit_is_not_read() {
    let world = World::start().await;
    world.objects.put("a/b", *b"12345", "text/plain").await.unwrap();
    assert_eq!(world.objects.get("a/b", 5).await.unwrap(), b"12345");
    let large = world.objects.get("a/b", 4).await;
    assert!(matches!(large, Err(StoreError::TooLarge { limit: 4, .. })), "{large:?}");
    assert!(matches!(world.objects.try_get("a/b", 4).await, Err(StoreError::TooLarge { .. })));
    assert!(matches!(world.objects.get("a/c", 5).await, Err(StoreError::NotFound(_))));
    assert_eq!(world.objects.try_get("a/c", 5).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_that_write_a_new_object_the_first_one_stays() {
    let world = World::start().await;
    assert!(world.objects.put_new("a/b", *b"first", "text/plain").await.unwrap());
    assert!(!world.objects.put_new("a/b", *b"second", "text/plain").await.unwrap());
    assert_eq!(world.objects.get("a/b", 10).await.unwrap(), b"first");
    let writes = ["x", "y", "z"].map(|text| world.objects.put_new("a/c", text, "text/plain"));
    let made = join_all(writes).await.into_iter().filter(|made| matches!(made, Ok(true))).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_change_set_comes_back_as_it_was_packed() {
    let world = World::start().await;
    let id = world.begin(&ticket("FL-1")).await.id;
    let file = File { path: "src/app.js", text: "two\n", existed: true };
    let bytes = pack(&id, Attempt::FIRST, &sha("a"), &[file]);
    let key = keys::objects::changes(&id, Attempt::FIRST);
    world.objects.put(&key, bytes.clone(), "application/zstd").await.unwrap();
    let read = change_set::read(&world.objects.get(&key, 1 << 20).await.unwrap()).unwrap();
    assert_eq!(read.digest, Digest::of(&bytes));
    assert_eq!(read.manifest.workflow_id, id);
    assert_eq!(read.contents[&Digest::of("two\n")], b"two\n");
}
