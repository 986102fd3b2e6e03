use std::collections::BTreeSet;

use super::*;
use crate::Digest;
use crate::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use crate::path::ProtectedPaths;
use crate::spec::{Amendment, ChecklistItem, FileAction, VerifiedBy};

fn draft() -> SpecDraft {
    SpecDraft {
        title: "Keep sessions".to_owned(),
        problem_statement: "They end.".to_owned(),
        proposed_solution: "They last.".to_owned(),
        files: vec![DraftFile { path: "src/a.js".to_owned(), action: FileAction::Modify, reason: "why".to_owned() }],
        implementation_plan: vec!["Change it.".to_owned()],
        testing_strategy: "Suite.".to_owned(),
        verification_checklist: vec![ChecklistItem { text: "Works".to_owned(), verified_by: VerifiedBy::Person }],
        risks: vec![],
        new_dependencies: vec![],
        confidence: 0.9,
        estimated_usd: 0.2,
        estimated_minutes: 3,
    }
}

fn within<T>(revision: Revision, then: impl FnOnce(SpecContext<'_>) -> T) -> T {
    let ticket = TicketKey::flux_lens("1");
    let workflow_id = WorkflowId::derive(&ticket, Generation::FIRST);
    let base_paths: BTreeSet<String> = ["src/a.js", "src/b.js"].map(str::to_owned).into();
    then(SpecContext {
        workflow_id: &workflow_id,
        revision,
        ticket: &ticket,
        ticket_digest: Digest::of("t"),
        base_commit: &"a".repeat(40).parse().unwrap(),
        base_paths: &base_paths,
        gates: &[],
        protected: &ProtectedPaths::default(),
        allow_workflow_files: false,
    })
}

fn original() -> Spec {
    within(Revision::FIRST, |context| validate(draft(), context).unwrap())
}

fn edited(of: &Spec, draft: SpecDraft) -> Result<Edited, Vec<String>> {
    within(Revision::new(2), |context| edit(of, draft, context))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn an_edit_names_what_it_changed_and_is_another_spec() {
    let of = original();
    let mut draft = SpecDraft::from(&of);
    draft.files.push(DraftFile { path: "src/b.js".to_owned(), action: FileAction::Delete, reason: "dead".to_owned() });
    draft.testing_strategy = "One more test.".to_owned();
    let Edited { spec, changed } = edited(&of, draft).unwrap();
    assert_eq!(changed, [Section::Files, Section::Testing]);
    assert_eq!((spec.revision.get(), spec.files.len(), &spec.base_commit), (2, 2, &of.base_commit));
    assert_ne!(spec.digest().unwrap(), of.digest().unwrap());
}

#[test]
fn an_edit_keeps_the_rules_of_a_plan() {
    let of = original();
    let mut bad = SpecDraft::from(&of);
    bad.files[0].path = "../etc/passwd".to_owned();
    bad.testing_strategy.clear();
    assert_eq!(edited(&of, bad).unwrap_err().len(), 2);
    let nothing = edited(&of, SpecDraft::from(&of)).unwrap_err();
    assert!(nothing[0].contains("changes nothing"), "{nothing:?}");
}

#[test]
fn the_planners_own_figures_stay() {
    let of = original();
    let draft = SpecDraft { title: "Other".to_owned(), confidence: 1.0, estimated_usd: 0.0, ..SpecDraft::from(&of) };
    let text = edited(&of, draft).unwrap().spec.text;
    assert_eq!((text.confidence, text.estimated_usd), (0.9, 0.2));
}

#[test]
fn an_amendment_stays_one_for_the_files_that_are_left() {
    let mut of = original();
    of.amendment = Some(Amendment {
        of: Revision::FIRST,
        of_base_commit: of.base_commit.clone(),
        asked_in: Attempt::FIRST,
        added: vec!["src/a.js".parse().unwrap(), "src/b.js".parse().unwrap()],
        agent_reason: "needed".to_owned(),
    });
    let draft = SpecDraft { title: "Other".to_owned(), ..SpecDraft::from(&of) };
    let added = edited(&of, draft).unwrap().spec.amendment.unwrap().added;
    assert_eq!(added, ["src/a.js".parse().unwrap()]);
}
