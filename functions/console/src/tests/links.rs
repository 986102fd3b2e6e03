//! A link decides for the very person whom it was sent to, and for nobody else.

use domain::gate::{DecisionRequest, GateStatus, Verdict};
use domain::person::{Actor, Channel, Person};
use domain::role::Role;

use super::{Answer, Call};
use crate::testing::{Memory, Story};

fn planned() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned()])
}

fn status(memory: &Memory) -> GateStatus {
    memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap().status
}

/// Approves over a link, as whoever has that session.
async fn approve(memory: &Memory, link: &str, session: Option<&str>) -> Answer {
    let path = format!("/approvals/{link}");
    let with = |call: Call| match session {
        Some(value) => call.session(value),
        None => call,
    };
    let form = with(Call::get(&path)).to(memory).await;
    let hidden = |name| if form.body.contains("<form") { form.hidden(name) } else { "0".to_owned() };
    let (subject, nonce) = (hidden("subject"), hidden("nonce"));
    let fields = [("decision", "approve"), ("subject", subject.as_str()), ("nonce", nonce.as_str())];
    with(Call::form(&path, &fields)).to(memory).await
}

#[tokio::test]
async fn every_cell_of_link_and_person() {
    for recipient in ["ann", "rita", "bob"] {
        for signed_in in ["ann", "rita", "bob", "eve"] {
            for role in Role::ALL {
                let memory = planned();
                let link = memory.link_for(recipient, 1);
                let session = memory.session_for(signed_in, role);
                let answer = approve(&memory, &link, Some(&session)).await;
                let expected = match (signed_in == recipient, role, recipient) {
                    (false, ..) => 404,
                    (true, Role::Viewer, _) => 403,
                    (true, _, "ann") => 303,
                    // She asked for the change.
                    (true, _, "rita") => 422,
                    // Nobody asks him any more, and his page has no form.
                    (true, ..) => 409,
                };
                let cell = format!("{recipient}'s link, {signed_in} as {role:?}");
                assert_eq!(answer.status, expected, "{cell}");
                let approved = status(&memory) == GateStatus::Approved;
                assert_eq!(approved, expected == 303, "{cell}");
                assert_eq!(memory.refused().len(), usize::from(!approved && expected != 409), "{cell}");
                if expected == 404 {
                    assert!(memory.0.lock().unwrap().decisions.is_empty(), "{cell}");
                    let unknown = format!("/approvals/{}", "f".repeat(64));
                    let unknown = Call::form(&unknown, &[]).session(&session).to(&memory).await;
                    assert_eq!((unknown.status, unknown.body), (answer.status, answer.body), "{cell}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_forwarded_link_decides_nothing() {
    let memory = planned();
    let link = memory.link_for("ann", 1);
    let answer = approve(&memory, &link, None).await;
    assert_eq!((answer.status.as_u16(), status(&memory)), (401, GateStatus::Pending));
    let back = format!("https://pi.example/live/account/sign-in?return=%2Fapprovals%2F{link}");
    assert!(answer.body.contains(&back) && answer.body.contains("Nothing was decided"), "{}", answer.body);
    let written = format!("{:?}", memory.0.lock().unwrap().refusals);
    assert!(written.contains("POST /approvals/{link}") && !written.contains(&link), "{written}");

    // A program with a token is no person.
    let path = format!("/approvals/{link}");
    let form = Call::get(&path).to(&memory).await;
    let (subject, nonce) = (form.hidden("subject"), form.hidden("nonce"));
    let fields = [("decision", "approve"), ("subject", subject.as_str()), ("nonce", nonce.as_str())];
    assert_eq!(Call::form(&path, &fields).with_token().to(&memory).await.status, 401);
    assert_eq!(status(&memory), GateStatus::Pending);

    let session = memory.session_for("ann", Role::Approver);
    assert_eq!(Call::form(&path, &fields).session(&session).to(&memory).await.status, 409, "the form of nobody's page");
    assert_eq!(approve(&memory, &link, Some(&session)).await.status, 303);
    let rows = memory.0.lock().unwrap();
    let Actor::Person { person, channel } = &rows.decisions[0].by else { panic!("a person decided") };
    assert_eq!((*channel, person.github_id.is_some()), (Channel::Link, true));
}

/// Rita is asked under another address of hers, and signs in with an account that has both.
#[tokio::test]
async fn nobody_approves_their_own_change_by_a_second_address() {
    let memory = planned();
    let link = memory.link_for("ann", 1);
    let session = memory.session_with("ann", Role::Approver, |session| {
        session.person.other_emails.push("rita@acme.example".to_owned());
    });
    let answer = approve(&memory, &link, Some(&session)).await;
    assert_eq!((answer.status.as_u16(), status(&memory)), (422, GateStatus::Pending));
    assert!(answer.body.contains("somebody else has to approve it"), "{}", answer.body);
    assert_eq!(memory.refused(), ["who asked for a change does not approve it"]);
    // If only the address that the link was sent to were looked at, it would count.
    let gate = memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap();
    let by = Actor::Person { person: Person::from_email("ann@acme.example"), channel: Channel::Link };
    let request = DecisionRequest {
        verdict: Verdict::Approve,
        by,
        subject_digest: Some(gate.subject_digest),
        comment: None,
        sections: Vec::new(),
    };
    assert_eq!(gate.decide(request, crate::testing::now()).unwrap().status, GateStatus::Approved);
}

#[tokio::test]
async fn who_is_signed_in_needs_no_link() {
    let memory = planned();
    let id = memory.0.lock().unwrap().stories.keys().next().unwrap().clone();
    let path = format!("/workflows/{id}/gate");
    let (ann, rita) = (memory.session_for("ann", Role::Approver), memory.session_for("rita", Role::Approver));
    let decide = async |session: &str, nonce: &str, subject: &str| {
        let fields = [("decision", "approve"), ("subject", subject), ("nonce", nonce)];
        Call::form(&path, &fields).session(session).to(&memory).await
    };
    let (anns, ritas) =
        (Call::get(&path).session(&ann).to(&memory).await, Call::get(&path).session(&rita).to(&memory).await);
    let subject = anns.hidden("subject");
    assert_eq!(decide(&ann, &ritas.hidden("nonce"), &subject).await.status, 409, "a form of another session");
    assert_eq!(decide(&ann, "0", &subject).await.status, 409);
    assert_eq!(decide(&rita, &ritas.hidden("nonce"), &subject).await.status, 422, "it is her own change");
    assert_eq!(status(&memory), GateStatus::Pending);
    let done = decide(&ann, &anns.hidden("nonce"), &subject).await;
    assert_eq!((done.status.as_u16(), status(&memory)), (303, GateStatus::Approved));
    assert_eq!(done.header("location"), format!("https://pi.example/live/workflows/{id}"));
    let rows = memory.0.lock().unwrap();
    assert_eq!(rows.decisions.last().unwrap().by.label(), "ann (console)");
}
