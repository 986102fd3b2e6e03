//! Repositories that cannot be read.

use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::steps::PlanOutput;
use domain::ticket::Ticket;
use github::{Host, RetryPolicy};
use github_sim::{Fault, Outcome, When};
use serde_json::json;
use testkit::Functions;

use crate::studio::{GATES, Studio, asked, submits};

/// Plans a ticket for which no model may be asked.
async fn refused(studio: &Studio, ticket: &Ticket) -> (WorkflowId, Failure) {
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.world.begin(ticket).await.id;
    let failure = studio.plan(&id).await.unwrap_err();
    assert!(studio.asked().is_empty(), "{failure}");
    studio.nothing_is_planned(&id, 1).await;
    (id, failure)
}

#[tokio::test]
async fn who_decides_there_and_what_raises_the_risk_stand_in_the_workflow() {
    let studio = Studio::start().await;
    let approvals = "[approvals]\napprovers = [\"dora@acme.example github:7\"]\npr = 2\n";
    studio.host.push("main", ".pi-tickets.toml", &format!("{GATES}{approvals}")).await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    studio.plan(&id).await.unwrap();
    let workflow = studio.world.workflow(&id).await;
    let facts = workflow.facts.unwrap();
    assert_eq!((facts.files, facts.protected_files, facts.new_dependencies), (1, 0, 0));
    assert_eq!(
        (workflow.approvals.approvers[0].github_id, workflow.approvals.pr.map(std::num::NonZeroU32::get)),
        (Some(7), Some(2))
    );
}

#[tokio::test]
async fn what_a_ticket_names_wrongly_is_said() {
    let unknown = Ticket { repository: "acme/none".parse().unwrap(), ..asked() };
    let branch = Ticket { base_branch: "develop".to_owned(), ..asked() };
    for (ticket, kind, word) in
        [(unknown, FailureKind::RepositoryUnavailable, "acme/none"), (branch, FailureKind::InvalidInput, "develop")]
    {
        let (_, failure) = refused(&Studio::start().await, &ticket).await;
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(word), "{failure}");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_said() {
    let studio = Studio::start().await;
    studio.host.push("main", ".pi-tickets.toml", "gate = 3\n").await;
    let (id, failure) = refused(&studio, &asked()).await;
    assert_eq!(failure.kind, FailureKind::InvalidInput, "{failure}");
    assert!(failure.message.contains("then retry"), "{failure}");

    let mended = studio.host.push("main", ".pi-tickets.toml", GATES).await;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    assert_eq!(studio.stored(&id, 1).await.unwrap().base_commit, mended, "the branch's new head was read");
}

#[tokio::test]
async fn a_token_that_cannot_be_had_keeps_its_reason() {
    for kind in [FailureKind::RepositoryUnavailable, FailureKind::Transient] {
        let studio = Studio::start().await;
        studio.functions.on(Functions::GITHUB_AUTH, move |_| async move { Err(Failure::new(kind, "not installed")) });
        let (_, failure) = refused(&studio, &asked()).await;
        assert_eq!((failure.kind, studio.host.sim.calls().len()), (kind, 0), "{failure}");
        assert!(failure.message.contains("not installed"), "{failure}");
    }
}

#[tokio::test]
async fn a_github_that_is_down_is_worth_another_try() {
    let mut studio = Studio::start().await;
    let once = RetryPolicy { repeats: 0, ..RetryPolicy::default() };
    studio.context.host = Host::new(&studio.host.api_url()).unwrap().with_retry(once);
    let down = Outcome::Answer { status: 502, headers: [].into(), body: json!({}) };
    studio.host.sim.inject(Fault {
        method: None,
        path: "*".to_owned(),
        times: 1,
        skip: 0,
        delay_ms: 0,
        when: When::Before,
        outcome: down,
        fired: 0,
    });
    let (id, failure) = refused(&studio, &asked()).await;
    assert_eq!(failure.kind, FailureKind::Transient, "{failure}");
    studio.plan(&id).await.unwrap();

    studio.context.host = Host::new("http://127.0.0.1:1").unwrap().with_retry(once);
    let other = studio.world.begin(&Ticket { key: domain::TicketKey::flux_lens("FL-2"), ..asked() }).await.id;
    let failure = studio.plan(&other).await.unwrap_err();
    assert_eq!((failure.kind, studio.asked().len()), (FailureKind::Transient, 1), "nothing answers there: {failure}");
}
