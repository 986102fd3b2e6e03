//! The bucket of anchors.

use domain::audit::{Anchor, FoundAnchor, StoredAnchor};
use domain::ids::WorkflowId;
use domain::{Digest, Timestamp};
use store::{Anchored, Objects, keys};
use testkit::World;
use testkit::sample::now;

fn id(n: u8) -> WorkflowId {
    format!("wf-00000000000000000000-{n}").parse().unwrap()
}

fn anchor(n: u8, seq: u64) -> Anchor {
    Anchor { workflow_id: id(n), seq, hash: Digest::of([n]), at: now() }
}

fn found(anchor: Anchor) -> StoredAnchor {
    StoredAnchor { seq: anchor.seq, found: FoundAnchor::Anchor(anchor) }
}

#[tokio::test]
async fn an_anchor_is_written_once_and_stays() {
    let world = World::start().await;
    let anchors = world.anchors(&world.audit_bucket().await);
    for seq in [1, 2, 12] {
        assert_eq!(anchors.put(&anchor(1, seq)).await.unwrap(), Anchored::Written);
    }
    assert_eq!(anchors.put(&anchor(1, 2)).await.unwrap(), Anchored::Known);
    let other = Anchor { hash: Digest::of("other"), ..anchor(1, 2) };
    assert_eq!(anchors.put(&other).await.unwrap(), Anchored::Differs);
    let later = Anchor { at: Timestamp::UNIX_EPOCH, ..anchor(1, 2) };
    assert_eq!(anchors.put(&later).await.unwrap(), Anchored::Differs);
    assert_eq!(anchors.of(&id(1)).await.unwrap(), [1, 2, 12].map(|seq| found(anchor(1, seq))));
    assert_eq!(anchors.of(&id(2)).await.unwrap(), []);
    anchors.put(&anchor(3, 1)).await.unwrap();
    assert_eq!(anchors.workflows().await.unwrap(), [id(1), id(3)]);
}

#[tokio::test]
async fn what_the_lock_does_not_prevent_shows() {
    let world = World::start().await;
    let bucket = world.audit_bucket().await;
    let (anchors, s3) = (world.anchors(&bucket), Objects::client(&world.aws));
    for seq in [1, 2, 3] {
        anchors.put(&anchor(1, seq)).await.unwrap();
    }
    let versions = s3.list_object_versions().bucket(&bucket).send().await.unwrap().versions.unwrap();
    for version in versions {
        let call = s3.delete_object().bucket(&bucket).key(version.key.unwrap()).version_id(version.version_id.unwrap());
        let refused = call.bypass_governance_retention(true).send().await.unwrap_err();
        assert!(format!("{refused:?}").contains("AccessDenied"), "{refused:?}");
    }
    // Root may write a newer version over one, and mark one as deleted.
    let forged = Anchor { hash: Digest::of("forged"), ..anchor(1, 2) };
    let put = s3.put_object().bucket(&bucket).key(keys::anchors::anchor(&id(1), 2));
    put.body(serde_json::to_vec(&forged).unwrap().into()).send().await.unwrap();
    let put = s3.put_object().bucket(&bucket).key(keys::anchors::anchor(&id(1), 4));
    put.body(b"nonsense".to_vec().into()).send().await.unwrap();
    s3.delete_object().bucket(&bucket).key(keys::anchors::anchor(&id(1), 3)).send().await.unwrap();
    let all = anchors.of(&id(1)).await.unwrap();
    let at = |seq| all.iter().filter(|anchor| anchor.seq == seq).collect::<Vec<_>>();
    assert_eq!(at(1), [&found(anchor(1, 1))]);
    assert!(at(2).len() == 2 && at(2).contains(&&found(anchor(1, 2))) && at(2).contains(&&found(forged)), "{all:?}");
    assert!(at(3).len() == 2 && at(3).contains(&&found(anchor(1, 3))), "{all:?}");
    let disturbed = |anchor: &&StoredAnchor| matches!(anchor.found, FoundAnchor::Disturbed(_));
    assert_eq!((at(3).into_iter().filter(disturbed).count(), at(4).into_iter().filter(disturbed).count()), (1, 1));
}
