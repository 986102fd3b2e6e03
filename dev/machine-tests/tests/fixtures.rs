//! The files in `statemachine/fixtures` are what the domain's step types write and read.
//!
//! A waiting execution of the release before still sends and expects what these files hold: a change that alters an
//! existing one breaks it. New files and new optional fields are fine.
//! `UPDATE_FIXTURES=1 cargo test -p machine-tests --test fixtures` writes them anew.

use std::collections::BTreeSet;
use std::fs;

use domain::steps::{
    AmendOutput, ApprovalStep, CollectOutput, EditOutput, MergeOutput, PlanOutput, PrepareOutput, PublishOutput,
    PublishStep, SlotOutput, WorkflowStep,
};
use machine_tests::samples::{self, variant, variants};
use serde::Serialize;

#[test]
fn every_fixture_is_what_its_type_writes_and_reads() {
    let folder = machine_tests::root().join("statemachine/fixtures");
    let mut known = BTreeSet::new();
    for sample in samples::all() {
        let file = folder.join(format!("{}.json", sample.name));
        let text = format!("{}\n", serde_json::to_string_pretty(&sample.json).unwrap());
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let stored = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(stored, text, "{}", sample.name);
        assert_eq!((sample.round_trip)(&stored).unwrap(), sample.json, "{}", sample.name);
        assert!(known.insert(format!("{}.json", sample.name)), "two samples are called {}", sample.name);
    }
    let present: BTreeSet<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(present, known);
}

#[test]
fn there_is_an_example_of_every_variant() {
    fn names<T: Serialize>(examples: impl IntoIterator<Item = T>) -> BTreeSet<String> {
        examples.into_iter().map(|example| variant(&samples::json(&example))).collect()
    }
    assert_eq!(variants::<PlanOutput>("outcome"), names(samples::PLAN_OUTPUTS));
    assert_eq!(variants::<SlotOutput>("outcome"), names(samples::SLOT_OUTPUTS));
    assert_eq!(variants::<PublishOutput>("outcome"), names(samples::PUBLISH_OUTPUTS));
    assert_eq!(variants::<MergeOutput>("outcome"), names(samples::MERGE_OUTPUTS));
    assert_eq!(variants::<PrepareOutput>("outcome"), names(samples::prepare_outputs()));
    assert_eq!(variants::<CollectOutput>("outcome"), names(samples::collect_outputs()));
    assert_eq!(variants::<AmendOutput>("outcome"), names(samples::AMEND_OUTPUTS));
    assert_eq!(variants::<EditOutput>("outcome"), names(samples::edit_outputs()));
    assert_eq!(variants::<WorkflowStep>("step"), names(samples::workflow_steps()));
    assert_eq!(variants::<ApprovalStep>("step"), BTreeSet::from(["open".to_owned()]));
    assert_eq!(variants::<PublishStep>("step").len(), 3);
}
