//! The home page.

use domain::role::{Role, Scope};
use domain::slot::{SlotPool, Waiter};
use domain::ticket::Priority;
use insta::assert_snapshot;

use super::Call;
use crate::testing::{Memory, Story};

fn stories() -> Vec<Story> {
    vec![
        Story::begin("FL-1", "Keep sessions").planned().approved().published(),
        Story::begin("FL-2", "Show the status").planned(),
        Story::begin("FL-3", "Share utilities"),
        Story::begin("FL-4", "Count visitors").planned().approved().published().merged(),
    ]
}

#[tokio::test]
async fn what_waits_what_runs_and_what_was_done_is_shown() {
    let memory = Memory::with(stories());
    let waiter = Waiter {
        workflow_id: Story::begin("FL-3", "").workflow.id,
        priority: Priority::High,
        since: "2026-11-22T09:30:00Z".parse().unwrap(),
    };
    memory.0.lock().unwrap().queue.push((SlotPool::Plan, waiter));
    let answer = Call::get("/").session(&memory.session_for("ann", Role::Approver)).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert_snapshot!("home", answer.page());
}

#[tokio::test]
async fn everybody_has_an_inbox_of_their_own() {
    let memory = Memory::with(stories());
    let page =
        async |name: &str| Call::get("/").session(&memory.session_for(name, Role::Approver)).to(&memory).await.body;
    let (ann, eve) = (page("ann").await, page("eve").await);
    assert!(ann.contains("May this plan be built?") && ann.contains("May pull request 5 be merged?"));
    assert!(eve.contains("Nothing waits for you.") && !eve.contains("May "));
    assert!(eve.contains("Show the status"), "it is to be seen that it waits for others");
    // A viewer is led to the page that they may see.
    let viewer = Call::get("/").session(&memory.session_for("ann", Role::Viewer)).to(&memory).await.body;
    assert!(ann.contains("/gate\"") && !viewer.contains("/gate\""));
}

/// What the page reads is written in the documentation: docs/console.md.
#[tokio::test]
async fn the_number_of_reads_does_not_grow() {
    let mut reads = Vec::new();
    for gates in [1, 60] {
        let memory = Memory::with((0..gates).map(|n| Story::begin(&format!("FL-{n}"), "Keep sessions").planned()));
        let cookie = memory.session_for("ann", Role::Approver);
        let body = Call::get("/").session(&cookie).to(&memory).await.body;
        assert!(body.contains(&format!("Waiting for me <span class=\"soft\">{gates}</span>")), "{body}");
        let mut of_page = std::mem::take(&mut memory.0.lock().unwrap().reads);
        of_page.sort();
        reads.push(of_page);
    }
    assert_eq!(reads[0], reads[1]);
    let of = |what: &str| reads[0].iter().filter(|read| read.starts_with(what)).count();
    assert_eq!((of("inbox"), of("summaries"), of("queue"), of("expenses"), reads[0].len()), (2, 17, 2, 1, 22));
}

#[tokio::test]
async fn a_long_inbox_has_pages_on_which_everything_is_once() {
    let memory = Memory::with((0..60).map(|n| Story::begin(&format!("FL-{n}"), "Keep sessions").planned()));
    let cookie = memory.session_for("ann", Role::Approver);
    let (mut path, mut seen) = ("/".to_owned(), Vec::new());
    for _ in 0..10 {
        let body = Call::get(&path).session(&cookie).to(&memory).await.body;
        let gates = body.split("/gate\"").map(|before| before.rsplit_once("/workflows/").map(|(_, id)| id.to_owned()));
        let mut gates: Vec<_> = gates.flatten().collect();
        gates.pop();
        seen.extend(gates);
        let Some((_, rest)) = body.split_once("/?after=") else { break };
        path = format!("/?after={}", rest.split('"').next().unwrap());
    }
    let number = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((number, seen.len()), (60, 60));
    assert_eq!(Call::get("/?after=x").session(&cookie).to(&memory).await.status, 404);
}

#[tokio::test]
async fn the_navigation_leads_where_one_may_go() {
    let memory = Memory::with([]);
    let links = async |call: Call| {
        let body = call.to(&memory).await.body;
        let nav = body.split_once("<nav").unwrap().1.split_once("</nav>").unwrap().0.to_owned();
        ["Home", "Analytics", "Operations", "Account"].map(|name| nav.contains(&format!(">{name}</a>")))
    };
    let as_role = |role| Call::get("/").session(&memory.session_for("ann", role));
    assert_eq!(links(as_role(Role::Viewer)).await, [true, true, false, true]);
    assert_eq!(links(as_role(Role::Admin)).await, [true, true, true, true]);
    let token = memory.token_with("ann", [Scope::Read].into_iter().collect(), |_| {});
    assert_eq!(links(Call::get("/").bearer(&token)).await, [true, true, false, false]);
}
