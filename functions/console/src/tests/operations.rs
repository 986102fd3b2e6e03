//! Going on, pausing, dead letters.

use domain::dead_letters::{DeadLetter, DeadLetterQueue, DeadLetters};
use domain::role::Role;
use domain::workflow::Event;
use insta::assert_snapshot;
use serde_json::json;

use super::{Answer, Call};
use crate::testing::{HOSTILE, Memory, Story};

fn memory() -> Memory {
    Memory::with([
        Story::begin("FL-1", "Keep sessions").planned().approved().broken(),
        Story::begin("FL-2", "Show the status").planned(),
        Story::begin("FL-3", HOSTILE).planned().broken(),
    ])
}

fn id(memory: &Memory, title: &str) -> String {
    let rows = memory.0.lock().unwrap();
    let found = rows.stories.values().find(|story| story.workflow.ticket.title == title);
    found.unwrap().workflow.id.to_string()
}

fn done(memory: &Memory) -> Vec<String> {
    memory.0.lock().unwrap().operations.clone()
}

/// Sends a form of a page with the page's own token, by an admin.
async fn send(memory: &Memory, page: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
    let session = memory.session_for("ann", Role::Admin);
    let token = Call::get(page).session(&session).to(memory).await;
    // The token of the form that goes there: those of one page may differ.
    let form = token.body.split("<form").find(|form| form.contains(&format!("{to}\""))).unwrap();
    let token = form.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    let fields: Vec<_> = [("token", token)].into_iter().chain(fields.iter().copied()).collect();
    Call::form(to, &fields).session(&session).to(memory).await
}

#[tokio::test]
async fn the_page_says_what_failed_and_what_can_be_done() {
    let memory = memory();
    memory.0.lock().unwrap().dead_letters = DeadLetterQueue::ALL
        .map(|queue| {
            let letter =
                DeadLetter { id: "m-1".to_owned(), sent_at: None, about: HOSTILE.to_owned(), workflow_id: None };
            let full = matches!(queue, DeadLetterQueue::Email | DeadLetterQueue::Stream);
            DeadLetters { queue, number: u64::from(full), letters: if full { vec![letter] } else { vec![] } }
        })
        .to_vec();
    let answer = Call::get("/operations").session(&memory.session_for("ann", Role::Admin)).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("<img") && !answer.body.contains("<script"));
    assert_snapshot!("operations", answer.page_without_tokens());
    // Who shows a token reads the same without the forms.
    let read = Call::get("/operations").with_token().to(&memory).await;
    assert!(read.body.contains("Keep sessions") && !read.body.contains("<form"));
}

#[tokio::test]
async fn a_sweeper_that_does_not_answer_leaves_the_rest_of_the_page() {
    let memory = memory();
    memory.0.lock().unwrap().no_sweeper = true;
    let answer = Call::get("/operations").session(&memory.session_for("ann", Role::Admin)).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("could not be looked at") && answer.body.contains("Keep sessions"));
}

#[tokio::test]
async fn an_ended_workflow_goes_on_from_where_an_admin_says() {
    let memory = memory();
    let page = format!("/workflows/{}", id(&memory, "Keep sessions"));
    let retry = format!("{page}/retry");
    let bad = send(&memory, &page, &retry, &[("from", "publish")]).await;
    assert_eq!((bad.status.as_u16(), done(&memory)), (409, vec![]));
    assert_eq!(send(&memory, &page, &retry, &[("from", "nowhere")]).await.status, 400);
    let long = "x".repeat(2_001);
    assert_eq!(send(&memory, &page, &retry, &[("from", "run"), ("words", &long)]).await.status, 400);
    let good = send(&memory, &page, &retry, &[("from", "plan"), ("words", "Smaller, please")]).await;
    assert_eq!(good.status, 303);
    assert_eq!(done(&memory), ["ann (console) resumed from plan"]);
    {
        let rows = memory.0.lock().unwrap();
        let workflow = rows.stories.values().map(|story| &story.workflow).find(|it| it.resumed.is_some()).unwrap();
        assert!(workflow.plan_feedback.as_ref().unwrap().contains("Smaller, please"));
    }
    let shown = Call::get(&page).session(&memory.session_for("ann", Role::Admin)).to(&memory).await;
    assert!(!shown.body.contains("/retry\""), "it lives: there is nothing to go on with");
}

#[tokio::test]
async fn a_form_from_elsewhere_starts_nothing() {
    let memory = memory();
    let retry = format!("/workflows/{}/retry", id(&memory, "Keep sessions"));
    let session = memory.session_for("ann", Role::Admin);
    for (path, fields) in [
        (retry.as_str(), vec![("from", "run")]),
        ("/operations/pause", vec![("pool", "plan"), ("wish", "rest")]),
        ("/operations/dead-letters", vec![("queue", "email")]),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([("token", "0")]).collect();
        let answer = Call::form(path, &fields).session(&session).to(&memory).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
    assert_eq!(done(&memory), [""; 0]);
}

#[tokio::test]
async fn a_pool_rests_and_goes_on() {
    let memory = memory();
    let post = "/operations/pause";
    let rest = [("pool", "plan"), ("wish", "rest"), ("reason", "The provider is away")];
    assert_eq!(send(&memory, "/operations", post, &rest).await.status, 303);
    let page = Call::get("/operations").session(&memory.session_for("ann", Role::Admin)).to(&memory).await.body;
    assert!(page.contains("The provider is away") && page.contains("Let planning go on"), "{page}");
    let home = Call::get("/").session(&memory.session_for("bob", Role::Viewer)).to(&memory).await.body;
    assert!(home.contains("Planning rests") && home.contains("The provider is away"));
    assert_eq!(send(&memory, "/operations", post, &[("pool", "plan"), ("wish", "dance")]).await.status, 400);
    assert_eq!(send(&memory, "/operations", post, &[("pool", "plan"), ("wish", "go-on")]).await.status, 303);
    assert_eq!(done(&memory), ["plan rests: true", "plan rests: false"]);
}

#[tokio::test]
async fn dead_letters_are_handed_back() {
    let memory = memory();
    let full = DeadLetters { queue: DeadLetterQueue::Email, number: 3, letters: vec![] };
    memory.0.lock().unwrap().dead_letters = vec![full];
    let answer = send(&memory, "/operations", "/operations/dead-letters", &[("queue", "email")]).await;
    assert_eq!(answer.header("location"), "https://pi.example/live/operations?moved=3");
    assert_eq!(done(&memory), ["email handed back"]);
    let page = Call::get("/operations?moved=3").session(&memory.session_for("ann", Role::Admin)).to(&memory).await;
    assert!(page.body.contains("3 dead letters were handed back."));
}

#[tokio::test]
async fn a_script_has_a_workflow_go_on() {
    let memory = memory();
    let id = id(&memory, "Keep sessions");
    let shown = Call::get(&format!("/api/workflows/{id}")).with_token().to(&memory).await.json();
    assert_eq!(shown["resume_points"], json!(["run", "plan"]));
    let path = format!("/api/workflows/{id}/retry");
    let unknown = Call::json(&path, &json!({"from": "nowhere"})).with_token().to(&memory).await;
    assert_eq!(unknown.status, 400);
    let answer = Call::json(&path, &json!({"reason": "again"})).with_token().to(&memory).await;
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), &body["state"], &body["reason"]), (202, &json!("SPEC_APPROVED"), &json!(null)));
    let again = Call::raw(&path, "").with_token().to(&memory).await;
    assert_eq!(again.status, 409);
    let gone = "/api/workflows/wf-00000000000000000000-1/retry";
    assert_eq!(Call::json(gone, &json!({})).with_token().to(&memory).await.status, 404);
    let story = Story::begin("FL-9", "x").then(Event::CancelRequested { reason: String::new() }).then(Event::Cancelled);
    assert_eq!(story.workflow.resume_points(), []);
}
