//! What people do in Slack: a workspace on loopback, its signed requests, and what comes of them.

mod signed;

use std::time::Duration;

use domain::gate::{Gate, GateStatus, Verdict};
use domain::person::{Actor, Channel, Person};
use slack::blocks::{SlackActionsBlock, SlackBlockButtonElement};
use slack::buttons::{APPROVE, Asked, OPEN, REJECT, REVISE};
use slack::{Message, Posted, Slack};
use slack_sim::{CHANNEL, Member, SIGNING_SECRET, Slack as Sim, TEAM, TOKEN, sign};

use super::{Answer, Call};
use crate::slack::SlackAccess;
use crate::testing::{Memory, Story, now};

/// A workspace, a gate that asks ann and rita (who asked for the change), and the message about it.
struct Desk {
    memory: Memory,
    sim: Sim,
    client: Slack,
    posted: Posted,
}

fn member(id: &str, email: &str, change: impl FnOnce(&mut Member)) -> Member {
    let mut member = Member::new(id, email);
    change(&mut member);
    member
}

impl Desk {
    async fn open() -> Self {
        let ann = "ann@acme.example";
        let members = vec![
            Member::new("U0ANN", ann),
            Member::new("U0RITA", "rita@acme.example"),
            Member::new("U0BOB", "bob@acme.example"),
            member("U0GUEST", ann, |member| member.guest = true),
            member("U0NEW", ann, |member| member.confirmed = false),
            member("U0LEFT", ann, |member| member.deleted = true),
            member("U0ELSE", ann, |member| member.team = "T0OTHER".to_owned()),
        ];
        let sim = Sim::start(members).await.unwrap();
        let client = Slack::new(&sim.api_url(), TOKEN.into()).unwrap();
        let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned()]);
        let access = SlackAccess {
            team: TEAM.to_owned(),
            signing_secret: SIGNING_SECRET.into(),
            client: client.clone(),
            patience: Duration::from_millis(1_500),
        };
        memory.0.lock().unwrap().slack = Some(access);
        let mut channel = Self { memory, sim, posted: Posted { channel: String::new(), ts: String::new() }, client };
        channel.posted = channel.post(&channel.asked().to_string()).await;
        channel
    }

    /// Posts a message whose buttons have a value.
    async fn post(&self, value: &str) -> Posted {
        let button = |action: &str| {
            let button = SlackBlockButtonElement::new(action.into()).with_action_id(action.into());
            button.with_value(value.to_owned()).into()
        };
        let blocks = vec![SlackActionsBlock::new([APPROVE, REVISE, REJECT, OPEN].map(button).to_vec()).into()];
        self.client.post(CHANNEL, &Message { text: "Decide".to_owned(), blocks }, None).await.unwrap()
    }

    fn gate(&self) -> Gate {
        self.memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap()
    }

    fn asked(&self) -> Asked {
        let gate = self.gate();
        Asked { gate: gate.id, subject_digest: gate.subject_digest }
    }

    fn pressed(&self, user: &str, action: &str) -> String {
        self.sim.pressed(user, &self.posted.ts, action).unwrap()
    }

    /// A request as Slack sends it at `second`.
    async fn send_at(&self, second: i64, body: &str) -> Answer {
        let timestamp = second.to_string();
        let signature = sign(SIGNING_SECRET, &timestamp, body);
        self.send(&[("x-slack-request-timestamp", &timestamp), ("x-slack-signature", &signature)], body).await
    }

    async fn send(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let call = Call::raw("/slack/interactions", body);
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).to(&self.memory).await
    }

    /// A member presses a button.
    async fn press(&self, user: &str, action: &str) -> Answer {
        self.send_at(now().as_second(), &self.pressed(user, action)).await
    }

    /// A member sends the dialog that was opened last.
    async fn submit(&self, user: &str, comment: &str) -> Answer {
        let body = self.sim.submitted(user, &[("comment", comment)]).unwrap();
        self.send_at(now().as_second(), &body).await
    }

    fn whisper(&self) -> String {
        self.sim.whispers().pop().unwrap_or_default()
    }

    fn is_untouched(&self) -> bool {
        let gate = self.gate();
        gate.status == GateStatus::Pending && gate.approvals.is_empty() && gate.decision.is_none()
    }
}

fn slack_person(gate: &Gate) -> (Person, Verdict) {
    let decision = gate.decision.clone().unwrap();
    let Actor::Person { person, channel: Channel::Slack } = decision.by else { panic!("{:?}", decision.by) };
    (person, decision.verdict)
}

#[tokio::test]
async fn an_approver_is_known_by_a_confirmed_address() {
    let channel = Desk::open().await;
    let answer = channel.press("U0ANN", APPROVE).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    let (person, verdict) = slack_person(&channel.gate());
    assert_eq!((person.email.as_deref(), verdict), (Some("ann@acme.example"), Verdict::Approve));
    assert_eq!(person.slack_id, Some(format!("{TEAM}/U0ANN")));
    assert_eq!(channel.whisper(), "Approved. The work goes on.");
    assert!(channel.memory.refused().is_empty());
}

#[tokio::test]
async fn an_approver_with_an_id_is_known_by_that_alone() {
    let channel = Desk::open().await;
    channel.memory.change_gate(|gate| gate.approvers[0].slack_id = Some(format!("{TEAM}/U0BOB")));
    // Her address is not looked at any more.
    channel.press("U0ANN", APPROVE).await;
    assert!(channel.is_untouched());
    assert_eq!(channel.memory.refused(), ["somebody in Slack whom the gate does not ask"]);
    let asked = channel.sim.calls().iter().filter(|call| call.method == "users.info").count();
    channel.press("U0BOB", APPROVE).await;
    assert_eq!(channel.gate().status, GateStatus::Approved);
    let calls = channel.sim.calls();
    assert_eq!(calls.iter().filter(|call| call.method == "users.info").count(), asked, "nobody is looked up");
    // Neither a longer nor a shorter id is that one.
    for id in ["U0BO", "U0BOBB", "u0bob"] {
        let channel = Desk::open().await;
        channel.memory.change_gate(|gate| gate.approvers[0].slack_id = Some(format!("{TEAM}/U0BOB")));
        channel.press(id, APPROVE).await;
        assert!(channel.is_untouched(), "{id}");
    }
}

#[tokio::test]
async fn who_is_not_asked_is_told_so_and_decides_nothing() {
    let stranger = "somebody in Slack whom the gate does not ask";
    for (user, why) in [
        ("U0BOB", stranger),
        ("U0GUEST", stranger),
        ("U0NEW", stranger),
        ("U0LEFT", stranger),
        ("U0NOBODY", stranger),
        ("U0ELSE", "a member of another Slack workspace"),
        ("U0RITA", "who asked for a change does not approve it"),
    ] {
        let channel = Desk::open().await;
        assert_eq!(channel.press(user, APPROVE).await.status, 200, "{user}");
        assert!(channel.is_untouched(), "{user}");
        assert!(channel.whisper().contains("Nothing was decided"), "{user}: {}", channel.whisper());
        let refusals = channel.memory.0.lock().unwrap().refusals.clone();
        assert_eq!(refusals.len(), 1, "{user}");
        assert_eq!((refusals[0].why.as_str(), refusals[0].what.as_str()), (why, "POST /slack/interactions"), "{user}");
        let by = refusals[0].by.as_ref().unwrap().slack_id.clone().unwrap();
        assert!(by.ends_with(&format!("/{user}")), "{by}");
    }
    // The one who asked for the change may send it back, as everywhere.
    let channel = Desk::open().await;
    channel.press("U0RITA", REVISE).await;
    assert_eq!(channel.submit("U0RITA", "Smaller, please").await.body, "");
    assert_eq!(channel.gate().status, GateStatus::RevisionRequested);
}

#[tokio::test]
async fn another_workspace_counts_only_where_it_is_the_configured_one() {
    let channel = Desk::open().await;
    channel.press("U0ELSE", APPROVE).await;
    assert!(channel.is_untouched());
    channel.memory.0.lock().unwrap().slack.as_mut().unwrap().team = "T0OTHER".to_owned();
    channel.press("U0ELSE", APPROVE).await;
    assert_eq!(channel.gate().status, GateStatus::Approved, "the same press: the workspace was all that was wrong");
}

#[tokio::test]
async fn only_what_the_message_showed_is_decided() {
    let channel = Desk::open().await;
    let asked = channel.asked();
    let stale = Asked { subject_digest: domain::Digest::of("the plan before"), ..asked.clone() };
    let elsewhere = Asked { gate: "wf-0123456789abcdef0123-1.spec.1".parse().unwrap(), ..asked };
    for (value, why) in [
        (stale.to_string(), "a message about what is no longer asked"),
        (elsewhere.to_string(), "a gate that does not exist"),
        ("approve everything".to_owned(), "a button or dialog that is none of ours"),
        (String::new(), "a button or dialog that is none of ours"),
    ] {
        for action in [APPROVE, REVISE] {
            let (memory, sim, client) = (channel.memory.clone(), channel.sim.clone(), channel.client.clone());
            let channel = Desk { posted: channel.post(&value).await, memory, sim, client };
            assert_eq!(channel.press("U0ANN", action).await.status, 200);
            assert!(channel.is_untouched() && channel.sim.last_view().is_none(), "{value}");
            assert_eq!(channel.memory.refused().pop().as_deref(), Some(why), "{value}");
        }
    }
}

#[tokio::test]
async fn approvals_are_counted_one_by_one() {
    let channel = Desk::open().await;
    channel.memory.change_gate(|gate| {
        gate.quorum.required = 2;
        gate.approvers.push(Person::from_email("bob@acme.example"));
    });
    channel.press("U0ANN", APPROVE).await;
    assert_eq!(channel.whisper(), "Your approval was counted: 1 of 2.");
    channel.press("U0ANN", APPROVE).await;
    assert!(channel.whisper().contains("your approval was counted before"), "{}", channel.whisper());
    assert_eq!(channel.gate().approvals.len(), 1);
    channel.press("U0BOB", APPROVE).await;
    assert_eq!(channel.gate().status, GateStatus::Approved);
}

#[tokio::test]
async fn sending_back_and_rejecting_take_a_reason() {
    for (action, status) in [(REVISE, GateStatus::RevisionRequested), (REJECT, GateStatus::Rejected)] {
        let channel = Desk::open().await;
        assert_eq!(channel.press("U0ANN", action).await.body, "");
        assert!(channel.is_untouched(), "pressing opens a dialog");
        let view = channel.sim.last_view().unwrap();
        assert_eq!(
            (view["callback_id"].as_str(), view["private_metadata"].as_str()),
            (Some(action), Some(channel.asked().to_string().as_str()))
        );
        let answer = channel.submit("U0ANN", " ").await;
        assert_eq!(answer.json()["response_action"], "errors");
        assert!(answer.json()["errors"]["why"].as_str().unwrap().contains("please say why"), "{}", answer.body);
        assert!(channel.is_untouched());
        let foreign = channel.submit("U0BOB", "No").await;
        assert_eq!(foreign.json()["response_action"], "errors", "the dialog is no right");
        assert!(channel.is_untouched());
        let answer = channel.submit("U0ANN", "Too <!channel> broad").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
        let gate = channel.gate();
        assert_eq!((gate.status, gate.decision.unwrap().comment.as_deref()), (status, Some("Too <!channel> broad")));
        let late = channel.submit("U0ANN", "Again").await;
        assert!(late.json()["errors"]["why"].as_str().unwrap().contains("already decided"), "{}", late.body);
    }
}

#[tokio::test]
async fn who_cannot_decide_gets_no_dialog() {
    let channel = Desk::open().await;
    channel.press("U0BOB", REVISE).await;
    channel.memory.change_gate(|gate| gate.due_at = now());
    channel.press("U0ANN", REVISE).await;
    assert!(channel.sim.last_view().is_none());
    assert_eq!(
        channel.memory.refused(),
        ["somebody in Slack whom the gate does not ask", "a message whose time is over"]
    );
}

#[tokio::test]
async fn slack_is_answered_in_time_and_the_decision_counts_all_the_same() {
    let channel = Desk::open().await;
    {
        let mut rows = channel.memory.0.lock().unwrap();
        rows.no_answers = true;
        rows.slack.as_mut().unwrap().patience = Duration::from_millis(60);
    }
    assert_eq!(channel.press("U0ANN", APPROVE).await.status, 200);
    assert!(channel.whisper().starts_with("This takes longer than Slack waits"));
    assert_eq!(channel.gate().status, GateStatus::Approved, "`approvals` goes on by itself");
}

#[tokio::test]
async fn nobody_decides_while_slack_does_not_say_who_they_are() {
    let channel = Desk::open().await;
    channel.sim.limit("users.info", 1, 30);
    channel.press("U0ANN", APPROVE).await;
    assert!(channel.is_untouched() && channel.whisper().contains("try again in a moment"));
    assert!(channel.memory.refused().is_empty(), "that is nobody's fault");
    channel.press("U0ANN", APPROVE).await;
    assert_eq!(channel.gate().status, GateStatus::Approved);
}
