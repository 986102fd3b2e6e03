//! Events of the code host: what counts is what GitHub answers.

use domain::WorkflowState;
use domain::gate::{Gate, GateKind, GateStatus, Roster};
use domain::ids::{CommitSha, TaskToken};
use domain::person::Person;
use domain::steps::ApprovalStep;
use domain::workflow::Workflow;
use github::{Host, NewPull};
use github_sim::MergeMethod;
use testkit::sample::{at, ticket};
use testkit::{CodeHost, Functions};

use crate::inbox::Inbox;

/// A workflow that waits for a decision on a real pull request.
async fn waiting(inbox: &Inbox) -> (Workflow, u64) {
    let head = inbox.host.push("fix", "src/app.js", "two\n").await;
    let number = open_pull(&inbox.host).await;
    let scope = [("src/app.js", domain::spec::FileAction::Modify)];
    let approved = inbox.world.approved(&ticket("FL-1"), &inbox.host.first, &scope).await;
    let workflow = inbox.world.publish(&approved, number, &head).await;
    let (workflow_id, task_token) = (workflow.id.clone(), TaskToken::new("token"));
    let step = ApprovalStep::Open { workflow_id, kind: GateKind::Pr, task_token };
    let gates = inbox.world.gates_function(&inbox.world.aws);
    approvals::handle(&gates, serde_json::to_value(step).unwrap(), at(0)).await.unwrap();
    (workflow, number)
}

async fn open_pull(host: &CodeHost) -> u64 {
    let github = Host::new(&host.api_url()).unwrap().with_token(CodeHost::TOKEN.into()).unwrap();
    let new = NewPull { title: "Fix".to_owned(), body: String::new(), head: "fix".to_owned(), base: "main".to_owned() };
    github.repo(&"acme/web".parse().unwrap()).create_pull(&new).await.unwrap();
    let pulls = github.repo(&"acme/web".parse().unwrap()).pulls_from("fix").await.unwrap();
    pulls[0].number
}

async fn status(inbox: &Inbox, workflow: &Workflow) -> GateStatus {
    let id = GateKind::Pr.gate_id(&workflow.id, 1).unwrap();
    inbox.world.gates.gate(&id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_hint_decides_nothing_that_github_does_not_confirm() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Pending, "it is open");
    assert!(inbox.functions.calls(Functions::APPROVALS).is_empty());

    let merged = inbox.host.sim.merge(&inbox.host.name, number, Some("alice"), MergeMethod::Merge).await.unwrap();
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Pending, "the first delivery was handled");
    inbox.hint(2, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Approved);
    let after = inbox.world.workflow(&workflow.id).await;
    let merge_sha: CommitSha = merged.as_str().parse().unwrap();
    assert_eq!((after.state, after.pr.unwrap().merge_sha), (WorkflowState::Merged, Some(merge_sha)));

    inbox.hint(3, number).await;
    assert_eq!(inbox.functions.calls(Functions::APPROVALS).len(), 1, "nothing waits any more");
}

#[tokio::test]
async fn a_merge_of_another_head_than_the_tested_one_is_no_approval() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    inbox.host.push("fix", "src/backdoor.js", "evil\n").await;
    inbox.host.sim.merge(&inbox.host.name, number, Some("alice"), MergeMethod::Merge).await.unwrap();
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Rejected);
    assert_eq!(inbox.world.workflow(&workflow.id).await.state, WorkflowState::PrClosed);
}

#[tokio::test]
async fn a_closed_pull_request_ends_the_workflow() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    inbox.host.sim.close(&inbox.host.name, number, Some("alice")).await.unwrap();
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Rejected);
    assert_eq!(inbox.world.workflow(&workflow.id).await.state, WorkflowState::PrClosed);
}

#[tokio::test]
async fn only_a_members_review_sends_the_change_back() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    let review = async |name: &str, event: &str| {
        inbox.host.sim.review(&inbox.host.name, number, Some(name), event, "Not like this").await.unwrap();
    };
    review("eve", "REQUEST_CHANGES").await;
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Pending, "eve is nobody here");

    review("alice", "REQUEST_CHANGES").await;
    inbox.hint(2, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::RevisionRequested);
    let after = inbox.world.workflow(&workflow.id).await;
    assert_eq!((after.state, after.review_rounds), (WorkflowState::Executing, 1));
    assert!(after.run_feedback.unwrap().contains("Not like this"));
}

#[tokio::test]
async fn what_a_review_says_about_lines_goes_to_the_agent_too() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    let place = ("src/app.js", 1);
    inbox.host.sim.review_line(&inbox.host.name, number, Some("alice"), place, "Why two?").await.unwrap();
    inbox.hint(1, number).await;
    let after = inbox.world.workflow(&workflow.id).await;
    let feedback = after.run_feedback.unwrap();
    assert!(feedback.contains("On src/app.js, line 1:\nWhy two?"), "{feedback}");
}

#[tokio::test]
async fn an_approving_review_counts_for_who_is_asked_and_for_nobody_else() {
    let inbox = Inbox::start().await;
    let (workflow, number) = waiting(&inbox).await;
    let approve = async |name: &str| {
        inbox.host.sim.review(&inbox.host.name, number, Some(name), "APPROVE", "Good").await.unwrap();
    };
    approve("alice").await;
    inbox.hint(1, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Pending, "alice is a member, but not asked");

    let id = GateKind::Pr.gate_id(&workflow.id, 1).unwrap();
    let gate = inbox.world.gates.gate(&id).await.unwrap().unwrap();
    let alice = Person { github_id: Some(inbox.host.sim.user_id("alice")), ..Person::from_email("alice@acme.example") };
    let mut asked = Gate { version: gate.version + 1, roster: Roster::Repository, ..gate.clone() };
    asked.approvers.push(alice);
    inbox.world.gates.write(inbox.world.gates.change_writes(&gate, &asked).unwrap()).await.unwrap();
    approve("eve").await;
    inbox.hint(2, number).await;
    assert_eq!(status(&inbox, &workflow).await, GateStatus::Approved);
    let decision = inbox.world.gates.gate(&id).await.unwrap().unwrap().decision.unwrap();
    assert_eq!(decision.by.label(), "alice (github)");
    assert_eq!(inbox.functions.calls(Functions::APPROVALS).len(), 1);
}

#[tokio::test]
async fn a_hint_on_somebody_elses_pull_request_asks_nobody() {
    let inbox = Inbox::start().await;
    inbox.hint(1, 99).await;
    assert!(inbox.host.sim.calls().is_empty());
    assert!(inbox.functions.calls(Functions::GITHUB_AUTH).is_empty());
}
