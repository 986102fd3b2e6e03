//! A typed code stands in for a sign-in: for one link, five tries, and for nobody who only has the link.

use domain::gate::GateStatus;
use domain::person::{Actor, Channel};

use super::{Answer, Call};
use crate::testing::{CODE, Memory, Story};

struct Visitor {
    memory: Memory,
    path: String,
}

impl Visitor {
    fn new() -> Self {
        let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned()]);
        let path = format!("/approvals/{}", memory.link_for("ann", 1));
        Self { memory, path }
    }

    async fn send(&self, fields: &[(&str, &str)]) -> Answer {
        let form = Call::get(&self.path).to(&self.memory).await;
        let (subject, nonce) = (form.hidden("subject"), form.hidden("nonce"));
        let ours = [("subject", subject.as_str()), ("nonce", nonce.as_str())];
        Call::form(&self.path, &[&ours, fields].concat()).to(&self.memory).await
    }

    fn status(&self) -> GateStatus {
        self.memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap().status
    }
}

#[tokio::test]
async fn a_mailed_code_decides_without_a_sign_in() {
    let visitor = Visitor::new();
    let early = visitor.send(&[("decision", "approve"), ("code", CODE)]).await;
    assert_eq!((early.status.as_u16(), visitor.status()), (422, GateStatus::Pending), "nobody asked for a code");
    let sent = visitor.send(&[("decision", "send-code")]).await;
    assert!(sent.status == 200 && sent.body.contains("A code is on its way"), "{}", sent.body);
    let again = visitor.send(&[("decision", "send-code")]).await;
    assert!(again.status == 422 && again.body.contains("a moment ago"), "{}", again.body);
    let silent = visitor.send(&[("decision", "reject"), ("code", CODE)]).await;
    assert!(silent.body.contains("your code still counts"), "{}", silent.body);
    assert_eq!(visitor.send(&[("decision", "approve"), ("code", CODE)]).await.status, 303);
    assert_eq!(visitor.status(), GateStatus::Approved);
    let rows = visitor.memory.0.lock().unwrap();
    let Actor::Person { person, channel } = &rows.decisions[0].by else { panic!("a person decided") };
    assert_eq!((person.email.as_deref(), *channel), (Some("ann@acme.example"), Channel::Link));
}

#[tokio::test]
async fn five_tries_and_the_right_code_is_spent() {
    let visitor = Visitor::new();
    visitor.send(&[("decision", "send-code")]).await;
    for left in (0..5).rev() {
        let wrong = visitor.send(&[("decision", "approve"), ("code", "999999")]).await;
        assert!(wrong.status == 422 && wrong.body.contains(&format!("typed {left} more times")), "{}", wrong.body);
    }
    let right = visitor.send(&[("decision", "approve"), ("code", CODE)]).await;
    assert_eq!((right.status.as_u16(), visitor.status()), (422, GateStatus::Pending));
    assert!(visitor.memory.0.lock().unwrap().decisions.is_empty());
    assert_eq!(visitor.memory.refused(), ["a code that does not count"; 6]);
}

#[tokio::test]
async fn a_code_counts_for_its_own_link_and_our_own_form() {
    let visitor = Visitor::new();
    visitor.send(&[("decision", "send-code")]).await;
    let other =
        Visitor { path: format!("/approvals/{}", visitor.memory.link_for("ann", 2)), memory: visitor.memory.clone() };
    assert_eq!(other.send(&[("decision", "approve"), ("code", CODE)]).await.status, 422);
    let form = Call::get(&visitor.path).to(&visitor.memory).await;
    let fields = [("decision", "approve"), ("subject", &form.hidden("subject")), ("nonce", "0"), ("code", CODE)];
    assert_eq!(Call::form(&visitor.path, &fields).to(&visitor.memory).await.status, 409);
    assert_eq!(visitor.status(), GateStatus::Pending);
}
