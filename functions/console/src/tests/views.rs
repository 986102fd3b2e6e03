use domain::view_token::{View, ViewKey};
use insta::assert_snapshot;

use super::Call;
use crate::testing::{HOSTILE, Memory, Story};

fn key() -> ViewKey {
    ViewKey::derive("view")
}

fn stories() -> [Story; 3] {
    [
        Story::begin("FL-1", "Keep sessions").planned().approved().published(),
        Story::begin("FL-2", "Show the status").planned(),
        Story::begin("FL-3", "Share utilities"),
    ]
}

#[tokio::test]
async fn a_workflow_is_shown_to_whoever_has_its_link() {
    let [story, ..] = stories();
    let memory = Memory::with([story.clone()]);
    let token = key().token(View::Workflow(&story.workflow.id));
    let answer = Call::get(&format!("/workflows/{}?view={token}", story.workflow.id)).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert_snapshot!("workflow", answer.page().replace(&token, "TOKEN"));
}

#[tokio::test]
async fn the_list_is_grouped_and_keeps_the_readers_right() {
    let memory = Memory::with(stories());
    let token = key().token(View::All);
    let answer = Call::get(&format!("/?view={token}")).to(&memory).await;
    assert_snapshot!("list", answer.page().replace(&token, "TOKEN"));
    let address = answer.body.split("href=\"https://pi.example/live").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(Call::get(address).to(&memory).await.status, 200, "{address}");
}

#[tokio::test]
async fn without_the_right_nothing_is_told_apart() {
    let [one, two, _] = stories();
    let memory = Memory::with([one.clone(), two.clone()]);
    let (one, two) = (one.workflow.id, two.workflow.id);
    let unknown = one.as_str().replace("-1", "-2");
    let token = key().token(View::Workflow(&two));
    let mut bodies = Vec::new();
    for path in [
        format!("/workflows/{one}"),
        format!("/workflows/{one}?view={token}"),
        format!("/workflows/{one}/logs?view={token}"),
        format!("/workflows/{unknown}"),
        "/workflows/nonsense".to_owned(),
        format!("/?view={token}"),
        "/".to_owned(),
    ] {
        let answer = Call::get(&path).to(&memory).await;
        assert_eq!(answer.status, 401, "{path}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(Call::get(&format!("/workflows/{unknown}")).with_token().to(&memory).await.status, 404);
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
    let busy = Call::get("/").to(&memory).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "2"));
}
