//! A SPEC that was sent back.

use domain::budget::Budget;
use domain::failure::FailureKind;
use domain::gate::{GateKind, GateStatus, Verdict};
use domain::ids::{Revision, WorkflowId};
use domain::steps::PlanOutput;
use domain::workflow::Event;
use testkit::sample;

use crate::studio::{Studio, TURN, submits};

/// A reviewer sends the first SPEC back.
async fn sent_back(studio: &Studio) -> WorkflowId {
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    studio.plan(&id).await.unwrap();
    let gate = sample::gate(&studio.world.workflow(&id).await);
    let (kind, status, verdict) = (GateKind::Spec, GateStatus::RevisionRequested, Verdict::Revise);
    let opened =
        Event::GateOpened { gate: gate.id.clone(), kind, subject_digest: gate.subject_digest, due_at: gate.due_at };
    let comment = Some("Change the test as well.".to_owned());
    let decided = Event::GateDecided { gate: gate.id, kind, status, verdict, comment };
    studio.world.tell(&id, [opened, decided]).await;
    id
}

#[tokio::test]
async fn a_revision_knows_the_comment_and_the_spec_before_it() {
    let studio = Studio::start().await;
    let id = sent_back(&studio).await;
    studio.script(&[submits("Longer sessions, tested", "test/app.test.js")]);
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    let prompt = studio.prompt();
    for word in
        ["Change the test as well.", "# The SPEC of the revision before", "They last.", "at most 19 model calls"]
    {
        assert!(prompt.contains(word), "{word}: {prompt}");
    }

    let workflow = studio.world.workflow(&id).await;
    assert_eq!((workflow.revision, workflow.ledger.plan), (Revision::new(2), TURN.plus(TURN)));
    let (first, second) = (studio.stored(&id, 1).await.unwrap(), studio.stored(&id, 2).await.unwrap());
    assert_eq!((first.text.title.as_str(), second.text.title.as_str()), ("Longer sessions", "Longer sessions, tested"));
    assert_eq!((first.revision, second.revision), (Revision::FIRST, Revision::new(2)));
    assert_eq!(workflow.spec.unwrap().digest, second.digest().unwrap());
    assert!(studio.markdown(&id, 2).await.unwrap().contains("test/app.test.js"));
}

#[tokio::test]
async fn a_revision_knows_what_changed_since_in_the_files_of_the_spec_before_it() {
    let studio = Studio::start().await;
    let id = sent_back(&studio).await;
    studio.host.push("main", "src/app.js", "const TTL = 45;\n").await;
    studio.host.push("main", "test/app.test.js", "// more tests\n").await;
    studio.script(&[submits("Longer sessions, tested", "test/app.test.js")]);
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    let prompt = studio.prompt();
    for word in
        ["# What happened since to the files that it names", "--- src/app.js", "-const TTL = 30;", "+const TTL = 45;"]
    {
        assert!(prompt.contains(word), "{word}: {prompt}");
    }
    assert!(!prompt.contains("--- test/app.test.js"), "the SPEC before does not name it");
}

#[tokio::test]
async fn all_revisions_share_one_budget() {
    let mut studio = Studio::start().await;
    let id = sent_back(&studio).await;
    let before = studio.world.everything().await;
    studio.context.config.budget = Budget { max_turns: 1, ..studio.context.config.budget };
    let failure = studio.plan(&id).await.unwrap_err();
    assert_eq!((failure.kind, studio.asked().len()), (FailureKind::BudgetExceeded, 1), "{failure}");
    let after = studio.world.workflow(&id).await;
    assert_eq!((after.spec, after.ledger.plan, studio.stored(&id, 2).await), (None, TURN, None));
    assert_ne!(studio.world.everything().await, before, "that it began is written down");

    studio.context.config.budget.max_turns = 2;
    studio.script(&[submits("Longer sessions, tested", "test/app.test.js")]);
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
}
