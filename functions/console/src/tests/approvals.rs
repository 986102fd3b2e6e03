use domain::gate::GateStatus;
use domain::role::Role;
use insta::assert_snapshot;

use super::{Answer, Call};
use crate::testing::{HOSTILE, Memory, Story};

fn planned() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned()])
}

fn status(memory: &Memory) -> GateStatus {
    memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap().status
}

/// Sends the form of a link's page, signed in as `name`.
async fn submit(memory: &Memory, name: &str, link: &str, decision: &str, comment: &str) -> Answer {
    let (path, session) = (format!("/approvals/{link}"), memory.session_for(name, Role::Approver));
    let form = Call::get(&path).session(&session).to(memory).await;
    let (subject, nonce) = (form.hidden("subject"), form.hidden("nonce"));
    let fields = [("decision", decision), ("comment", comment), ("subject", &subject), ("nonce", &nonce)];
    let call = Call::form(&path, &fields).session(&session);
    call.header("sec-fetch-site", "same-origin").header("origin", "null").to(memory).await
}

#[tokio::test]
async fn a_plan_is_shown_with_its_form() {
    let memory = planned();
    let answer = Call::get(&format!("/approvals/{}", memory.link_for("ann", 1))).to(&memory).await;
    assert_eq!(answer.status, 200);
    assert_snapshot!("gate_spec", answer.page());
}

#[tokio::test]
async fn an_amendment_says_so_and_has_the_added_files_first() {
    let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned().amended()]);
    let answer = Call::get(&format!("/approvals/{}", memory.link_for("ann", 1))).to(&memory).await;
    assert_snapshot!("gate_amendment", answer.page());
}

#[tokio::test]
async fn a_pull_request_is_shown_with_its_form() {
    let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned().approved().published()]);
    let answer = Call::get(&format!("/approvals/{}", memory.link_for("ann", 1))).to(&memory).await;
    assert_snapshot!("gate_pr", answer.page());
}

#[tokio::test]
async fn a_decision_is_made_once_and_shown() {
    let memory = planned();
    let (ann, rita) = (memory.link_for("ann", 1), memory.link_for("rita", 2));
    let answer = submit(&memory, "ann", &ann, "approve", "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "?decided"));
    assert_eq!(status(&memory), GateStatus::Approved);
    for link in [ann, rita] {
        let page = Call::get(&format!("/approvals/{link}?decided")).to(&memory).await;
        assert!(page.body.contains("the plan was approved") && page.body.contains("ann@acme.example"));
        assert!(!page.body.contains("<form"), "there is nothing left to send");
    }
}

#[tokio::test]
async fn two_deciders_get_one_decision() {
    let memory = planned();
    let (ann, rita) = (memory.link_for("ann", 1), memory.link_for("rita", 2));
    let session = memory.session_for("rita", Role::Approver);
    let form = Call::get(&format!("/approvals/{rita}")).session(&session).to(&memory).await;
    submit(&memory, "ann", &ann, "approve", "").await;
    let (subject, nonce) = (form.hidden("subject"), form.hidden("nonce"));
    let fields = [("decision", "reject"), ("comment", "no"), ("subject", &subject), ("nonce", &nonce)];
    let answer = Call::form(&format!("/approvals/{rita}"), &fields).session(&session).to(&memory).await;
    assert_eq!((answer.status.as_u16(), status(&memory)), (303, GateStatus::Approved));
}

#[tokio::test]
async fn opening_a_link_changes_nothing() {
    let memory = planned();
    let path = format!("/approvals/{}", memory.link_for("ann", 1));
    for query in ["", "?decision=approve", "?decided"] {
        Call::get(&format!("{path}{query}")).to(&memory).await;
        let head = Call::head(&format!("{path}{query}")).to(&memory).await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    }
    assert_eq!(status(&memory), GateStatus::Pending);
    assert!(memory.0.lock().unwrap().decisions.is_empty());
}

#[tokio::test]
async fn every_link_that_leads_nowhere_gets_the_same_answer() {
    let memory = planned();
    let good = memory.link_for("ann", 1);
    let other_subject = memory.link_for("ann", 2);
    memory.0.lock().unwrap().links.values_mut().for_each(|grant| {
        if grant.recipient.email.as_deref() == Some("ann@acme.example") {
            grant.subject_digest = domain::Digest::of("something else");
        }
    });
    let good_again = memory.link_for("ann", 3);
    let unknown = "f".repeat(64);
    let bad = [good.as_str(), other_subject.as_str(), unknown.as_str(), "x", "..%2f..", &good_again[1..]];
    let mut bodies = Vec::new();
    for link in bad {
        let path = format!("/approvals/{link}");
        let shown = Call::get(&path).to(&memory).await;
        let sent = Call::form(&path, &[("decision", "approve"), ("subject", ""), ("nonce", "")]).to(&memory).await;
        assert_eq!((shown.status.as_u16(), sent.status.as_u16()), (404, 404), "{link}");
        bodies.extend([shown.body, sent.body]);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert!(!bodies[0].contains(&unknown), "nothing of the address is repeated");
}

#[tokio::test]
async fn a_form_that_is_not_ours_decides_nothing() {
    let memory = planned();
    let path = format!("/approvals/{}", memory.link_for("ann", 1));
    let session = memory.session_for("ann", Role::Approver);
    let form = Call::get(&path).session(&session).to(&memory).await;
    let (subject, nonce) = (form.hidden("subject"), form.hidden("nonce"));
    let fields = [("decision", "approve"), ("subject", subject.as_str()), ("nonce", nonce.as_str())];
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(Call::form(&path, &fields).session(&session).header(name, value).to(&memory).await.status, 403);
    }
    let other = Call::get(&format!("/approvals/{}", memory.link_for("rita", 2))).session(&session).to(&memory).await;
    let again = memory.session_for("ann", Role::Approver);
    let again = Call::get(&path).session(&again).to(&memory).await;
    let unsigned = Call::get(&path).to(&memory).await;
    let foreign = [other, again, unsigned].map(|page| page.hidden("nonce"));
    let made_up = [String::new(), "0".to_owned(), "0".repeat(64)];
    for nonce in made_up.iter().chain(&foreign) {
        let forged = [("decision", "approve"), ("subject", subject.as_str()), ("nonce", nonce.as_str())];
        assert_eq!(Call::form(&path, &forged).session(&session).to(&memory).await.status, 409, "{nonce}");
    }
    assert_eq!(Call::form(&path, &[("decision", "approve")]).to(&memory).await.status, 400);
    assert_eq!(Call::json(&path, &serde_json::json!({"decision": "approve"})).to(&memory).await.status, 400);
    assert!(memory.0.lock().unwrap().decisions.is_empty());
}

#[tokio::test]
async fn a_refusal_says_why_and_keeps_the_words() {
    let memory = planned();
    let (ann, rita) = (memory.link_for("ann", 1), memory.link_for("rita", 2));
    let silent = submit(&memory, "ann", &ann, "reject", " ").await;
    assert_eq!(silent.status, 422);
    assert!(silent.body.contains("Nothing was decided: please say why"), "{}", silent.body);
    let own = submit(&memory, "rita", &rita, "approve", "I <like> it").await;
    assert!(own.body.contains("somebody else has to approve it") && own.body.contains("I &lt;like&gt; it"));
    assert_eq!(submit(&memory, "ann", &ann, "maybe", "").await.status, 422);
    assert_eq!(status(&memory), GateStatus::Pending);
    assert_eq!(submit(&memory, "ann", &ann, "revise", "Smaller, please").await.status, 303);
    assert_eq!(status(&memory), GateStatus::RevisionRequested);
}

#[tokio::test]
async fn after_its_time_a_gate_has_no_form() {
    let memory = planned();
    let path = format!("/approvals/{}", memory.link_for("ann", 1));
    memory.change_gate(|gate| gate.due_at = crate::testing::now());
    let page = Call::get(&path).to(&memory).await;
    assert!(page.body.contains("Time is up for the plan") && !page.body.contains("<form"));
}

#[tokio::test]
async fn hostile_words_stay_words_and_headers_allow_nothing() {
    let memory = Memory::with([Story::begin("FL-1", HOSTILE).planned()]);
    let answer = Call::get(&format!("/approvals/{}", memory.link_for("ann", 1))).to(&memory).await;
    for bad in ["<img", "<script", "\"javascript:", "\u{202e}", "onerror=alert(1)>"] {
        assert!(!answer.body.contains(bad), "{bad}");
    }
    assert_eq!(answer.body.matches("</style>").count(), 1);
    assert_snapshot!(answer.header("content-security-policy").split("'sha256-").next().unwrap(), @"default-src 'none'; style-src ");
    for (name, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(answer.header(name), value);
    }
    assert!(
        answer
            .header("content-security-policy")
            .contains("form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    );
}
