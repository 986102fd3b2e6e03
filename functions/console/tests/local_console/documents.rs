//! SPECs and QA reports: what is shown is what was proposed and collected.

use domain::gate::GateKind;
use domain::ids::Revision;
use domain::spec::FileAction;
use store::keys::objects;
use testkit::sample::{self, sha, ticket};

use crate::site::{Site, api};

#[tokio::test]
async fn the_proposed_spec_is_shown_and_no_other() {
    let site = Site::start().await;
    let workflow = site.planned("FL-1").await;
    let path = api(&workflow.id, "/spec");
    let answer = site.get(&path).await.json();
    assert_eq!((&answer["spec"]["files"][0]["path"], &answer["approved"]), (&"src/app.js".into(), &false.into()));
    assert_eq!(answer["digest"], workflow.spec.unwrap().digest.to_string());

    let other = sample::spec(&site.world.workflow(&workflow.id).await, &sha("b"), &[("evil.js", FileAction::Create)]);
    let key = objects::spec_json(&workflow.id, Revision::FIRST);
    site.world.objects.put(&key, serde_json::to_vec(&other).unwrap(), "application/json").await.unwrap();
    assert_eq!(site.get(&path).await.status, 404);
    let page = site.get(&format!("/workflows/{}", workflow.id)).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("evil.js"));
}

/// A sandbox has an address to write its report to.
#[tokio::test]
async fn a_qa_report_that_was_changed_after_it_was_collected_hides_itself_and_nothing_else() {
    let site = Site::start().await;
    let workflow = site.world.published(&ticket("FL-1"), &sha("b")).await;
    site.world.open(&workflow, GateKind::Pr).await;
    let path = format!("/workflows/{}", workflow.id);
    let shown = site.get(&path).await;
    assert!(shown.body.contains("unit tests") && shown.body.contains("/pull/5"), "{}", shown.body);

    let mut better = sample::qa(&workflow);
    better.gates[0].name = "every test".to_owned();
    let key = objects::qa_json(&workflow.id, workflow.attempt);
    for changed in [serde_json::to_vec(&better).unwrap(), b"{".to_vec(), vec![b' '; 5 << 20]] {
        site.world.objects.put(&key, changed, "application/json").await.unwrap();
        let page = site.get(&path).await;
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("/pull/5") && !page.body.contains("every test") && !page.body.contains("unit tests")
        );
    }
}
