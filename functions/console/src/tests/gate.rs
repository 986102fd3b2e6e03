//! The gate's page: words on parts, counted approvals, edits, more time, handing on.

use domain::gate::policy::Quorum;
use domain::gate::{GateStatus, Verdict};
use domain::role::Role;
use insta::assert_snapshot;

use super::{Answer, Call};
use crate::testing::{Memory, Story};

/// Somebody at the page of the only story's gate.
struct Desk<'a> {
    memory: &'a Memory,
    session: String,
    path: String,
}

impl<'a> Desk<'a> {
    fn of(memory: &'a Memory, name: &str) -> Self {
        let id = memory.0.lock().unwrap().stories.keys().next().unwrap().clone();
        Self { memory, session: memory.session_for(name, Role::Approver), path: format!("/workflows/{id}/gate") }
    }

    async fn page(&self) -> Answer {
        Call::get(&self.path).session(&self.session).to(self.memory).await
    }

    async fn form(&self, below: &str, fields: &[(&str, &str)]) -> Answer {
        Call::form(&format!("{}{below}", self.path), fields).session(&self.session).to(self.memory).await
    }

    /// Sends the page's form.
    async fn answer(&self, decision: &str, more: &[(&str, &str)]) -> Answer {
        let page = self.page().await;
        let (subject, nonce) = (page.hidden("subject"), page.hidden("nonce"));
        let fields = [("decision", decision), ("subject", &subject), ("nonce", &nonce)];
        self.form("", &[&fields, more].concat()).await
    }
}

fn planned() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned()])
}

/// The same for two approvals, and bob may give one.
fn for_two() -> Memory {
    let memory = planned();
    memory.change_gate(|gate| {
        gate.approvers.push(domain::person::Person::from_email("bob@acme.example"));
        gate.quorum = Quorum { required: 2, called_for: 2, reasons: vec![] };
    });
    memory
}

fn gate(memory: &Memory) -> domain::gate::Gate {
    memory.0.lock().unwrap().stories.values().next().unwrap().gate.clone().unwrap()
}

/// The fields of the edit's form as the page has them, some of them changed.
fn fields<'a>(page: &'a str, change: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for tag in page.split("name=\"").skip(1) {
        let (name, rest) = tag.split_once('"').unwrap();
        let value = if let Some(value) = rest.split_once("value=\"").filter(|(before, _)| !before.contains('>')) {
            value.1.split('"').next().unwrap()
        } else if rest.split_once('>').unwrap().1.starts_with("<option") {
            let until = rest.split("</select>").next().unwrap();
            let chosen = until.split("<option").find(|option| option.contains(" selected")).unwrap();
            chosen.split("value=\"").nth(1).unwrap().split('"').next().unwrap()
        } else {
            rest.split_once('>').unwrap().1.split("</textarea>").next().unwrap().trim_start_matches('\n')
        };
        found.push((name.to_owned(), value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")));
    }
    for (name, value) in change {
        found.iter_mut().find(|(found, _)| found == name).unwrap().1 = (*value).to_owned();
    }
    // Browsers end lines so.
    found.into_iter().filter(|(name, _)| name != "viewport").map(|(n, v)| (n, v.replace('\n', "\r\n"))).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn words_on_parts_reach_the_planner_and_are_not_lost() {
    let memory = planned();
    let desk = Desk::of(&memory, "ann");
    let notes = [("on:Solution", "Why <this>?"), ("on:Files", " "), ("comment", "")];
    let unclear = desk.answer("maybe", &notes).await;
    assert_eq!(unclear.status, 422);
    assert!(unclear.body.contains("Why &lt;this&gt;?"), "{}", unclear.body);
    assert_eq!(desk.answer("revise", &notes).await.status, 303);
    let decided = gate(&memory);
    assert_eq!(decided.status, GateStatus::RevisionRequested);
    assert_eq!(decided.decision.unwrap().comment.unwrap(), "On “Solution”:\nWhy <this>?");
}

#[tokio::test]
async fn a_counted_approval_says_so_and_the_next_one_decides() {
    let memory = for_two();
    let (ann, bob) = (Desk::of(&memory, "ann"), Desk::of(&memory, "bob"));
    assert!(ann.page().await.body.contains("It takes <strong>2 approvals</strong>"));
    for _ in 0..2 {
        let answer = ann.answer("approve", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "?decided"));
    }
    assert_eq!((gate(&memory).status, gate(&memory).approvals.len()), (GateStatus::Pending, 1));
    let page = ann.page().await;
    assert!(page.body.contains("Your approval is counted.") && page.body.contains("It takes one more"));
    assert!(!page.body.contains("value=\"approve\"") && page.body.contains("value=\"reject\""));
    let page = bob.page().await;
    assert!(!page.body.contains("Your approval is counted.") && page.body.contains("value=\"approve\""));
    assert_eq!(bob.answer("approve", &[]).await.status, 303);
    assert_eq!(gate(&memory).status, GateStatus::Approved);
}

#[tokio::test]
async fn people_are_offered_what_counts() {
    let memory = planned();
    let rita = Desk::of(&memory, "rita").page().await.body;
    assert!(rita.contains("You asked for this change") && !rita.contains("value=\"approve\""));
    assert!(rita.contains("value=\"reject\"") && !rita.contains("/gate/edit"));
    let bob = Desk::of(&memory, "bob").page().await.body;
    assert!(bob.contains("You are not one of those who are asked") && !bob.contains("<form"), "{bob}");
}

#[tokio::test]
async fn a_new_revision_shows_what_changed() {
    let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned().revised()]);
    let page = Desk::of(&memory, "ann").page().await;
    assert_snapshot!("gate_revised", page.page().replace(&page.hidden("nonce"), "[nonce]"));
}

#[tokio::test]
async fn an_edit_is_checked_shown_and_approved() {
    let memory = planned();
    let (ann, rita) = (Desk::of(&memory, "ann"), Desk::of(&memory, "rita"));
    let form = Call::get(&format!("{}/edit", ann.path)).session(&ann.session).to(&memory).await;
    assert_snapshot!("gate_edit", form.page().replace(&form.hidden("nonce"), "[nonce]"));

    let refused = fields(&form.body, &[("title", ""), ("solution", "Two\nlines <b>")]);
    let answer = ann.form("/edit", &borrowed(&refused)).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("&lt;nothing&gt; is no title") && answer.body.contains("Two\nlines &lt;b&gt;"));

    let changed = fields(&form.body, &[("solution", "Two\nlines")]);
    assert_eq!(ann.form("/edit", &borrowed(&changed)).await.status, 303);
    let stored = memory.0.lock().unwrap().stories.values().next().unwrap().workflow.edit.clone().unwrap();
    let spec = {
        let rows = memory.0.lock().unwrap();
        rows.stories.values().next().unwrap().spec(stored.spec_digest)
    };
    assert_eq!(spec.text.proposed_solution, "Two\nlines", "lines end as they did");
    assert_eq!((spec.files.len(), spec.text.implementation_plan.len()), (2, 1), "empty rows are left out");
    assert_eq!(gate(&memory).status, GateStatus::Pending, "an edit alone decides nothing");
    assert!(!rita.page().await.body.contains("approve-edited"), "it is ann's");

    let page = ann.page().await;
    assert!(page.body.contains("<ins>+ Two</ins>") && page.body.contains("Approve with my edit"));
    let digest = page.hidden("edit");
    let other = ann.answer("approve-edited", &[("edit", &"0".repeat(64))]).await;
    assert_eq!((other.status.as_u16(), gate(&memory).status), (422, GateStatus::Pending));
    assert_eq!(ann.answer("approve-edited", &[("edit", &digest)]).await.status, 303);
    let decided = gate(&memory);
    let verdict = Verdict::ApproveEdited { revision: stored.revision, spec_digest: stored.spec_digest };
    assert_eq!((decided.status, decided.decision.unwrap().verdict), (GateStatus::Approved, verdict));
}

#[tokio::test]
async fn time_is_given_and_the_question_handed_on() {
    let memory = planned();
    let ann = Desk::of(&memory, "ann");
    let (nonce, before) = (ann.page().await.hidden("nonce"), gate(&memory));
    let answer = ann.form("/time", &[("nonce", &nonce), ("hours", "24")]).await;
    assert!(answer.status == 303 && answer.header("location").ends_with("/gate"));
    assert_eq!(gate(&memory).due_at.duration_since(before.due_at).as_hours(), 24);
    let answer = ann.form("/hand-on", &[("nonce", &nonce), ("to", "bob@acme.example")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(gate(&memory).approvers.len(), 3);

    for to in ["bob@acme.example", "eve@evil.example", "nobody"] {
        let answer = ann.form("/hand-on", &[("nonce", &nonce), ("to", to)]).await;
        assert_eq!(answer.status, 422, "{to}");
        assert!(answer.body.contains("Nobody more is asked") || answer.body.contains("Nothing was changed"));
    }
    // The same from the page of a link, for who is signed in as the one whom it was sent to.
    let link = Call::get(&format!("/approvals/{}", memory.link_for("ann", 1))).session(&ann.session).to(&memory).await;
    let form = link.body.split_once("/gate/time").unwrap().1;
    let nonce = form.split_once("name=\"nonce\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    assert_eq!(ann.form("/time", &[("nonce", &nonce), ("hours", "24")]).await.status, 303);
    assert_eq!(gate(&memory).due_at.duration_since(before.due_at).as_hours(), 48);

    let carl = Desk::of(&memory, "carl");
    let foreign = carl.form("/time", &[("nonce", &nonce), ("hours", "24")]).await;
    assert_eq!(foreign.status, 403, "a form of another session");
    assert_eq!(gate(&memory).approvers.len(), 3);
}
