//! Decisions by a link from a mail.

use domain::gate::requests::{LinkRequest, MintedLink};
use domain::gate::{Gate, GateStatus};
use domain::person::Actor;
use testkit::Functions;
use testkit::sample::{at, person};

use crate::site::{Answer, Site};

/// The path of a fresh link for an approver.
async fn link(site: &Site, gate: &Gate, name: &str) -> String {
    let request = LinkRequest::Mint { gate: gate.id.clone(), recipient: person(name) };
    let invoker = site.functions.invoker(&site.world.aws);
    let minted: MintedLink = invoker.call(Functions::LINKS, &request).await.unwrap();
    format!("/approvals/{}", minted.link_id)
}

/// The value of a hidden field.
fn hidden(page: &Answer, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    page.body.split_once(&mark).unwrap().1.split('"').next().unwrap().to_owned()
}

/// Fills in the form of a page.
async fn fill(site: &Site, who: &str, path: &str, page: &Answer, decision: &str, comment: &str) -> Answer {
    let (subject, nonce) = (hidden(page, "subject"), hidden(page, "nonce"));
    let fields = [("decision", decision), ("comment", comment), ("subject", &*subject), ("nonce", &*nonce)];
    site.submit(who, path, &fields).await
}

#[tokio::test]
async fn a_link_shows_its_plan_and_only_its_form_decides() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let (ann, bob) = (link(&site, &gate, "ann").await, link(&site, &gate, "bob").await);
    let (is_ann, is_bob) = (site.sign_in("ann").await, site.sign_in("bob").await);
    let before = site.world.everything().await;
    let page = site.visit_as(&is_ann, &ann).await;
    assert!(page.body.contains("src/app.js") && page.body.contains("ann@acme.example"), "{}", page.body);
    let foreign = [("decision", "approve"), ("subject", &*hidden(&page, "subject")), ("nonce", "0")];
    assert_eq!(site.submit(&is_ann, &ann, &foreign).await.status, 409);
    assert_eq!(fill(&site, &is_bob, &bob, &page, "approve", "").await.status, 409, "ann's form on bob's link");
    assert_eq!(fill(&site, &is_bob, &ann, &page, "approve", "").await.status, 404, "bob with ann's link");
    assert_eq!(fill(&site, "", &ann, &page, "approve", "").await.status, 401, "nobody with ann's link");
    assert_eq!(site.world.everything().await, before, "looking decides nothing");
    assert!(site.functions.calls(Functions::APPROVALS).is_empty());

    assert_eq!(fill(&site, &is_ann, &ann, &page, "approve", "Go on").await.status, 303);
    let decided = site.world.gates.gate(&gate.id).await.unwrap().unwrap();
    let decision = decided.decision.unwrap();
    assert_eq!((decided.status, decision.comment.as_deref()), (GateStatus::Approved, Some("Go on")));
    assert_eq!(decision.by.label(), "ann@acme.example (link)");
    let Actor::Person { person, .. } = decision.by else { panic!("a person decided") };
    assert_eq!(person.emails().collect::<Vec<_>>(), ["ann@acme.example", "ann@home.example"]);
    for path in [ann, bob] {
        let page = site.visit(&path).await;
        assert!(page.body.contains("the plan was approved") && !page.body.contains("<form"), "{}", page.body);
    }
}

#[tokio::test]
async fn who_comes_second_sees_what_was_decided() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let (ann, bob) = (link(&site, &gate, "ann").await, link(&site, &gate, "bob").await);
    let (is_ann, is_bob) = (site.sign_in("ann").await, site.sign_in("bob").await);
    let (first, second) = (site.visit_as(&is_ann, &ann).await, site.visit_as(&is_bob, &bob).await);
    assert_eq!(fill(&site, &is_ann, &ann, &first, "reject", "Too broad").await.status, 303);
    assert_eq!(fill(&site, &is_bob, &bob, &second, "approve", "").await.status, 303, "the page says the rest");
    let decided = site.world.gates.gate(&gate.id).await.unwrap().unwrap();
    assert_eq!(decided.status, GateStatus::Rejected);
    assert_eq!(site.world.trail(&gate.workflow_id).await.iter().filter(|event| *event == "gate_decided").count(), 1);
}

#[tokio::test]
async fn a_refusal_is_shown_with_the_words_that_were_written() {
    let site = Site::start().await;
    let gate = site.waiting().await;
    let rita = link(&site, &gate, "rita").await;
    let is_rita = site.sign_in("rita").await;
    let page = site.visit_as(&is_rita, &rita).await;
    let own = fill(&site, &is_rita, &rita, &page, "approve", "It is mine").await;
    assert_eq!(own.status, 422);
    assert!(own.body.contains("somebody else has to approve it") && own.body.contains("It is mine"), "{}", own.body);

    let ann = link(&site, &gate, "ann").await;
    let is_ann = site.sign_in("ann").await;
    let page = site.visit_as(&is_ann, &ann).await;
    site.functions.serve_gates(&site.world, at(3_600));
    assert_eq!(
        fill(&site, &is_ann, &ann, &page, "approve", "").await.status,
        422,
        "too late by the clock of approvals"
    );
    let unknown = format!("/approvals/{}", "f".repeat(64));
    assert_eq!(
        (site.visit(&unknown).await.status.as_u16(), site.visit("/approvals/x").await.status.as_u16()),
        (404, 404)
    );
    assert_eq!(site.world.gates.gate(&gate.id).await.unwrap().unwrap(), gate);
}
