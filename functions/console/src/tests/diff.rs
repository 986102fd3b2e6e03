//! A change line by line.

use domain::Digest;
use domain::role::Role;
use insta::{assert_json_snapshot, assert_snapshot};

use super::{Answer, Call};
use crate::testing::{Memory, Story};

fn memory() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned().approved().published()])
}

async fn get(memory: &Memory, end: &str) -> Answer {
    let id = memory.0.lock().unwrap().stories.keys().next().unwrap().clone();
    let prefix = if end.starts_with("/api") { "/api/workflows" } else { "/workflows" };
    let rest = end.trim_start_matches("/api");
    Call::get(&format!("{prefix}/{id}{rest}")).with_token().to(memory).await
}

#[tokio::test]
async fn every_line_is_shown_with_its_numbers_and_what_allows_the_file() {
    let answer = get(&memory(), "/diff").await;
    assert_eq!(answer.status, 200);
    for bad in ["<script", "\u{202e}"] {
        assert!(!answer.body.contains(bad), "{bad}");
    }
    assert!(answer.body.contains("⟨U+202E⟩"), "what turns the direction is shown");
    assert_snapshot!("diff", answer.page());
}

#[tokio::test]
async fn an_attempt_is_chosen_and_what_is_not_there_is_not_found() {
    let memory = memory();
    assert_eq!(get(&memory, "/diff?attempt=1").await.body, get(&memory, "/diff").await.body);
    for end in ["/diff?attempt=2", "/api/diff?attempt=2"] {
        assert_eq!(get(&memory, end).await.status, 404, "{end}");
    }
    for end in ["/api/diff?attempt=x", "/api/diff?attempts=1"] {
        assert_eq!(get(&memory, end).await.status, 400, "{end}");
    }
}

/// The audit trail tells of a digest; anything else in its place is nobody's change.
#[tokio::test]
async fn a_diff_that_is_not_the_one_that_was_checked_is_not_shown() {
    let memory = memory();
    for story in memory.0.lock().unwrap().stories.values_mut() {
        for entry in &mut story.trail {
            if let domain::workflow::Event::ChangesVerified { diff, .. } = &mut entry.event {
                *diff = Some(Digest::of("another"));
            }
        }
    }
    let page = get(&memory, "/diff").await;
    assert!(page.body.contains("not at hand") && !page.body.contains("alive"));
    assert_eq!(get(&memory, "/api/diff").await.status, 404);
    let path = format!("/approvals/{}", memory.link_for("ann", 1));
    let gate = Call::get(&path).session(&memory.session_for("ann", Role::Approver)).to(&memory).await.body;
    assert!(gate.contains("read them at the pull request") && !gate.contains("alive"));
}

#[tokio::test]
async fn a_script_reads_the_lines() {
    assert_json_snapshot!("diff_api", get(&memory(), "/api/diff").await.json());
}
