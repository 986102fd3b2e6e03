//! The home page over rows.

use domain::failure::{Failure, FailureKind};
use domain::gate::GateKind;
use domain::workflow::Event;
use testkit::sample::{sha, ticket};

use crate::site::Site;

#[tokio::test]
async fn everybody_sees_what_waits_for_them() {
    let site = Site::start().await;
    let spec = site.waiting().await;
    let published = site.world.published(&ticket("FL-2"), &sha("b")).await;
    site.world.open(&published, GateKind::Pr).await;
    let failed = site.world.begin(&ticket("FL-3")).await;
    site.world.tell(&failed.id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;

    let (ann, vic) = (site.sign_in("ann").await, site.sign_in("vic").await);
    let page = site.visit_as(&ann, "/").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for words in
        ["Waiting for me <span class=\"soft\">2</span>", "May this plan be built?", "May pull request 5 be merged?"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(page.body.contains("Keep sessions for 30 minutes") && page.body.contains(">broke<"), "{}", page.body);
    let other = site.visit_as(&vic, "/").await;
    assert!(other.body.contains("Nothing waits for you.") && other.body.contains(spec.workflow_id.as_str()));

    let pending = site.get("/api/approvals/pending?limit=1").await.json();
    assert_eq!((&pending["total"], pending["gates"].as_array().unwrap().len()), (&serde_json::json!(2), 1));
    let rest = format!("/api/approvals/pending?cursor={}", pending["cursor"].as_str().unwrap());
    let rest = site.get(&rest).await.json();
    assert_eq!(rest["gates"].as_array().unwrap().len(), 1);
    assert_ne!(rest["gates"][0]["id"], pending["gates"][0]["id"]);
    let figures = site.get("/api/analytics?days=7").await.json();
    assert_eq!(figures["success"]["whole"], 1);
}
