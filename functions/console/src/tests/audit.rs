use domain::audit::export::read;
use domain::audit::{Anchor, AuditEntry, FoundAnchor, StoredAnchor};
use insta::assert_snapshot;

use super::Call;
use crate::testing::{HOSTILE, Memory, Story};

/// A workflow whose entries are anchored as they are now, but for the last.
fn anchored(mut story: Story) -> Story {
    let anchor = |entry: &AuditEntry| {
        let AuditEntry { workflow_id, seq, hash, at, .. } = entry.clone();
        StoredAnchor { seq, found: FoundAnchor::Anchor(Anchor { workflow_id, seq, hash, at }) }
    };
    story.anchors = story.trail.iter().take(story.trail.len() - 1).map(anchor).collect();
    story
}

fn planned() -> Story {
    anchored(Story::begin("FL-1", "Keep sessions").planned())
}

async fn page(story: &Story) -> super::Answer {
    Call::get(&format!("/workflows/{}/audit", story.workflow.id)).with_token().to(&Memory::with([story.clone()])).await
}

#[tokio::test]
async fn a_trail_is_shown_with_its_anchors() {
    let answer = page(&planned()).await;
    assert_eq!(answer.status, 200);
    assert_snapshot!("audit", answer.page());
}

#[tokio::test]
async fn the_first_bad_entry_is_marked_and_what_is_wrong_is_said() {
    let mut story = planned();
    story.trail[2].at = crate::testing::now();
    let answer = page(&story).await;
    assert_snapshot!("audit_broken", answer.page());
}

#[tokio::test]
async fn a_trail_that_was_written_anew_is_shown_where_it_differs_from_its_anchors() {
    let honest = planned();
    let mut story = Story::begin("FL-1", "Another story").planned();
    assert_ne!(story.trail[2].hash, honest.trail[2].hash);
    assert!(!page(&story).await.body.contains("cannot be trusted"), "without anchors nobody knows");
    story.anchors.clone_from(&honest.anchors);
    let answer = page(&story).await;
    assert!(answer.body.contains("from entry 1 on: it is not the entry that was anchored"), "{}", answer.page());
    story.trail = vec![];
    assert!(page(&story).await.body.contains("from entry 1 on: it is missing"));
}

#[tokio::test]
async fn a_trail_is_exported_and_can_be_checked_from_that() {
    let story = planned();
    let memory = Memory::with([story.clone()]);
    let path = format!("/api/workflows/{}/audit", story.workflow.id);
    let answer = Call::get(&path).with_token().to(&memory).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/jsonl; charset=utf-8"));
    let name = format!("attachment; filename=\"audit-{}.jsonl\"", story.workflow.id);
    assert_eq!(answer.header("content-disposition"), name);
    assert_eq!(answer.body.lines().count(), 1 + story.trail.len());
    let exported = read(answer.body.as_bytes()).unwrap();
    let standing = exported[0].verify().unwrap();
    assert_eq!((standing.entries, standing.anchored), (story.trail.len() as u64, story.trail.len() as u64 - 1));
    assert_eq!(Call::get(&path).to(&memory).await.status, 401);
    let unknown = "/api/workflows/wf-00000000000000000000-1/audit";
    assert_eq!(Call::get(unknown).with_token().to(&memory).await.status, 404);
    assert_eq!(Call::get(unknown.strip_prefix("/api").unwrap()).with_token().to(&memory).await.status, 404);
    assert_eq!(Call::get(path.strip_prefix("/api").unwrap()).to(&memory).await.status, 303);
}

#[tokio::test]
async fn hostile_words_do_nothing_here_either() {
    let story = Story::begin("FL-1", HOSTILE).planned();
    let cancel = domain::workflow::Event::CancelRequested { reason: HOSTILE.to_owned() };
    let answer = page(&anchored(story.by(domain::person::Actor::system(HOSTILE), cancel))).await;
    for bad in ["<img", "<script", "\u{202e}"] {
        assert!(!answer.body.contains(bad), "{bad}");
    }
}
