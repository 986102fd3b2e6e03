use domain::role::Role;
use insta::assert_snapshot;

use super::Call;
use crate::testing::{HOSTILE, Memory, Story};

fn stories() -> [Story; 3] {
    [
        Story::begin("FL-1", "Keep sessions").planned().approved().published(),
        Story::begin("FL-2", "Show the status").planned(),
        Story::begin("FL-3", "Share utilities"),
    ]
}

#[tokio::test]
async fn a_workflow_is_shown_to_a_viewer() {
    let [story, ..] = stories();
    let memory = Memory::with([story.clone()]);
    let session = memory.session_for("ann", Role::Viewer);
    let path = format!("/workflows/{}", story.workflow.id);
    let answer = Call::get(&path).session(&session).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert_snapshot!("workflow", answer.page());
    let with = async |role| Call::get(&path).session(&memory.session_for("ann", role)).to(&memory).await.body;
    let (approver, admin) = (with(Role::Approver).await, with(Role::Admin).await);
    assert!(approver.contains("Decide here") && !answer.body.contains("Decide here"));
    assert!(admin.contains("Stop it") && !approver.contains("Stop it"));
}

#[tokio::test]
async fn without_the_right_nothing_is_told_apart() {
    let [one, ..] = stories();
    let memory = Memory::with([one.clone()]);
    let one = one.workflow.id;
    let unknown = one.as_str().replace("-1", "-2");
    for path in ["/".to_owned(), format!("/workflows/{one}"), format!("/workflows/{unknown}/logs?after=x")] {
        let answer = Call::get(&path).to(&memory).await;
        let back = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
        assert_eq!(answer.status, 303, "{path}");
        assert_eq!(answer.header("location"), format!("https://pi.example/live/account/sign-in?return={back}"));
    }
    assert_eq!(Call::get(&format!("/workflows/{unknown}")).with_token().to(&memory).await.status, 404);
    assert_eq!(Call::get("/workflows/nonsense").with_token().to(&memory).await.status, 404);
    assert_eq!(Call::get(&format!("/workflows/{one}")).with_token().to(&memory).await.status, 200);
}

#[tokio::test]
async fn progress_is_shown_page_by_page() {
    let [story, ..] = stories();
    let memory = Memory::with([story.clone()]);
    let path = format!("/workflows/{}/logs", story.workflow.id);
    let answer = Call::get(&path).with_token().to(&memory).await;
    assert!(answer.body.contains("src/&lt;b&gt;.js") && answer.body.contains("refused or failed"));
    let rest = Call::get(&format!("{path}?after=LOG%230001%23agent%230000000003")).with_token().to(&memory).await;
    assert!(!rest.body.contains("refused or failed"));
}

#[tokio::test]
async fn a_changed_trail_shows() {
    let [mut story, ..] = stories();
    story.trail[2].at = crate::testing::now();
    let memory = Memory::with([story.clone()]);
    let answer = Call::get(&format!("/workflows/{}", story.workflow.id)).with_token().to(&memory).await;
    assert!(answer.body.contains("The audit trail cannot be trusted") && answer.body.contains("entry 3"));
}

#[tokio::test]
async fn hostile_words_do_nothing_on_any_page() {
    let story = Story::begin("FL-1", HOSTILE).planned().approved().published();
    let memory = Memory::with([story.clone()]);
    for path in ["/".to_owned(), format!("/workflows/{}", story.workflow.id)] {
        let answer = Call::get(&path).with_token().to(&memory).await;
        for bad in ["<img", "<script", "\"javascript:", "\u{202e}", "<b>unused"] {
            assert!(!answer.body.contains(bad), "{path}: {bad}");
        }
    }
}

#[tokio::test]
async fn a_busy_system_and_unknown_places_are_told_as_pages() {
    let memory = Memory::with([]);
    let nowhere = Call::get("/somewhere").to(&memory).await;
    assert_eq!((nowhere.status.as_u16(), nowhere.header("content-type")), (404, "text/html; charset=utf-8"));
    memory.0.lock().unwrap().down = true;
    let busy = Call::get("/").with_token().to(&memory).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "2"));
}
