//! An approver's edit of the SPEC at the gate.

use domain::Digest;
use domain::gate::GateKind;
use domain::ids::Revision;
use domain::spec::{ChecklistItem, DraftFile, FileAction, Spec, SpecDraft, VerifiedBy};
use domain::steps::{EditOutput, WorkflowStep};
use domain::workflow::Workflow;
use store::keys::objects;
use testkit::sample::{by, ticket};

use crate::desk::{Desk, SCOPE};

async fn asked(desk: &Desk) -> (Workflow, Spec) {
    let workflow = desk.world.planned(&ticket("FL-1"), &desk.host.first, SCOPE).await;
    desk.world.open(&workflow, GateKind::Spec).await;
    (desk.world.workflow(&workflow.id).await, stored(desk, &workflow, 1).await)
}

async fn stored(desk: &Desk, workflow: &Workflow, revision: u32) -> Spec {
    let key = objects::spec_json(&workflow.id, Revision::new(revision));
    serde_json::from_slice(&desk.world.objects.get(&key, 1 << 20).await.unwrap()).unwrap()
}

fn draft(spec: &Spec) -> SpecDraft {
    let check = ChecklistItem { text: "It works".to_owned(), verified_by: VerifiedBy::Person };
    let mut draft = SpecDraft { verification_checklist: vec![check], ..SpecDraft::from(spec) };
    for prose in [&mut draft.problem_statement, &mut draft.proposed_solution, &mut draft.testing_strategy] {
        "Said by ann.".clone_into(prose);
    }
    draft.implementation_plan = vec!["Change it.".to_owned()];
    draft
}

async fn edit(desk: &Desk, workflow: &Workflow, name: &str, of: Digest, draft: SpecDraft) -> EditOutput {
    let (workflow_id, draft, by) = (workflow.id.clone(), Box::new(draft), by(name));
    desk.step(WorkflowStep::EditSpec { workflow_id, of, draft, by }).await.unwrap()
}

#[tokio::test]
async fn an_edit_is_checked_against_the_base_commit_stored_and_audited() {
    let desk = Desk::start().await;
    let (workflow, spec) = asked(&desk).await;
    let of = spec.digest().unwrap();
    let mut wanted = draft(&spec);
    wanted.files.push(DraftFile {
        path: "README.md".to_owned(),
        action: FileAction::Modify,
        reason: "It says 30 seconds".to_owned(),
    });
    let EditOutput::Stored { revision, spec_digest } = edit(&desk, &workflow, "ann", of, wanted).await else {
        panic!("the edit was not stored")
    };
    assert_eq!(revision.get(), 2);
    let kept = stored(&desk, &workflow, 2).await;
    assert_eq!((kept.digest().unwrap(), kept.files.len()), (spec_digest, 2));
    let after = desk.world.workflow(&workflow.id).await;
    assert_eq!((after.revision.get(), after.spec.unwrap().digest), (1, of), "nothing is approved");
    assert_eq!(after.edit.unwrap().by, testkit::sample::person("ann"));
    assert_eq!(desk.world.trail(&workflow.id).await.last().unwrap(), "spec_edited");
}

#[tokio::test]
async fn an_edit_that_breaks_the_rules_stores_nothing_and_says_each() {
    let desk = Desk::start().await;
    let (workflow, spec) = asked(&desk).await;
    let before = desk.world.everything().await;
    let mut bad = draft(&spec);
    bad.files[0].path = "src/nowhere.js".to_owned();
    bad.title = String::new();
    let answer = edit(&desk, &workflow, "ann", spec.digest().unwrap(), bad).await;
    let EditOutput::Refused { problems } = answer else { panic!("{answer:?}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    let answer = edit(&desk, &workflow, "ann", Digest::of("another"), draft(&spec)).await;
    assert_eq!(answer, EditOutput::NotAsked);
    assert_eq!(desk.world.everything().await, before);
}

#[tokio::test]
async fn edits_of_two_people_have_numbers_of_their_own() {
    let desk = Desk::start().await;
    let (workflow, spec) = asked(&desk).await;
    let of = spec.digest().unwrap();
    let titled = |title: &str| SpecDraft { title: title.to_owned(), ..draft(&spec) };
    let (ann, bob) = tokio::join!(
        edit(&desk, &workflow, "ann", of, titled("Of ann")),
        edit(&desk, &workflow, "bob", of, titled("Of bob")),
    );
    let mut numbers = Vec::new();
    for (answer, title) in [(ann, "Of ann"), (bob, "Of bob")] {
        // One may have come too late: then it has to be sent again.
        let answer = if answer == EditOutput::NotAsked {
            edit(&desk, &workflow, "bob", of, titled(title)).await
        } else {
            answer
        };
        let EditOutput::Stored { revision, spec_digest } = answer else { panic!("{answer:?}") };
        let kept = stored(&desk, &workflow, revision.get()).await;
        assert_eq!((kept.text.title.as_str(), kept.digest().unwrap()), (title, spec_digest));
        numbers.push(revision);
    }
    assert_ne!(numbers[0], numbers[1]);
}
