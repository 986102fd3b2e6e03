use domain::gate::Verdict;
use domain::gate::policy::{Quorum, RiskReason};
use domain::spec::Risk;
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::Value;

use super::*;
use crate::facts::History;
use crate::testing::{HOSTILE, Story, amended, qa, seen, spec};

const PAGE: &str = "https://pi.example/live/workflows/wf-1";

fn facts(story: &Story) -> GateFacts<'_> {
    GateFacts {
        workflow: &story.workflow,
        gate: story.gate.as_ref().unwrap(),
        gate_page: "https://pi.example/live/workflows/wf-1/gate",
        workflow_page: PAGE,
    }
}

/// Every text of a message, one a line, marked by how Slack reads it.
fn outline(message: &Message) -> String {
    let mut lines = vec![format!("notification: {}", message.text)];
    for block in serde_json::to_value(&message.blocks).unwrap().as_array().unwrap() {
        texts(block, &mut lines);
    }
    seen(&lines.join("\n"))
}

fn texts(value: &Value, lines: &mut Vec<String>) {
    match (value["type"].as_str(), value["text"].as_str()) {
        (Some("mrkdwn"), Some(text)) => lines.push(format!("markup: {text}")),
        (Some("plain_text"), Some(text)) => lines.push(format!("plain: {text}")),
        _ => {
            let children = value.as_object().into_iter().flatten().map(|(_, child)| child);
            let children: Vec<_> =
                children.flat_map(|child| child.as_array().map_or(vec![child], |list| list.iter().collect())).collect();
            children.into_iter().filter(|child| child.is_object()).for_each(|child| texts(child, lines));
        }
    }
}

#[test]
fn a_plan_is_asked_about() {
    let mut story = Story::begin("Keep sessions").planned();
    let reasons = vec![RiskReason::ProtectedFiles { count: 1 }, RiskReason::NewDependencies { count: 1 }];
    story.gate.as_mut().unwrap().quorum = Quorum { required: 2, called_for: 2, reasons };
    let mut spec = spec(&story.workflow);
    spec.text.risks = vec![Risk { risk: "Old sessions end".to_owned(), mitigation: "None".to_owned() }];
    let message = question(&facts(&story), &story.ticket, About::Spec(&spec));
    assert_snapshot!(outline(&message));
    assert_json_snapshot!(message.blocks.last().unwrap());
}

#[test]
fn an_amendment_says_what_is_added() {
    let story = Story::begin("Keep sessions").planned();
    let message = question(&facts(&story), &story.ticket, About::Spec(&amended(&story.workflow)));
    assert_snapshot!(outline(&message));
}

#[test]
fn a_change_is_asked_about() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().published();
    let (files, qa) = (History::of(&story.trail).files, qa(&story.workflow));
    let message = question(&facts(&story), &story.ticket, About::Pr { files: &files, qa: Some(&qa) });
    assert_snapshot!(outline(&message));
}

#[test]
fn an_outcome_takes_its_place() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Revise);
    assert_snapshot!(outline(&outcome(&facts(&story))));
}

/// Words that mean something to Slack, wherever somebody else may write.
const CORPUS: [&str; 14] = [
    "<!channel> <!here> <!everyone>",
    "<!subteam^S012AB3CD|@ops>",
    "<@U012AB3CD> <#C012AB3CD|general>",
    "<https://e.example|Approve here>",
    "https://e.example/x www.e.example",
    "&lt;!channel&gt; &#60;!channel&#62;",
    "*bold* _it_ ~gone~ `code` ```block```",
    "> quote\n>>> all of it",
    "<!date^0^{date}^https://e.example|now>",
    ":rotating_light: :approved:",
    "@channel @here @everyone",
    "a\u{202e}b\u{200b}c\u{0}d\u{1b}[31m",
    "\"}],\"text\":\"<!channel>\",\"blocks\":[{",
    HOSTILE,
];

/// What of a message Slack would act on: every text that it reads as markup, and the notification.
fn acted_on(message: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    texts(&serde_json::to_value(&message.blocks).unwrap().as_array().unwrap().iter().cloned().collect(), &mut lines);
    let mut found: Vec<String> =
        lines.into_iter().filter_map(|line| Some(line.strip_prefix("markup: ")?.to_owned())).collect();
    found.push(message.text.clone());
    found
}

#[test]
fn foreign_words_are_shown_and_do_nothing() {
    for words in CORPUS {
        let mut story = Story::begin(words).planned();
        words.clone_into(&mut story.ticket.description);
        words.clone_into(&mut story.workflow.ticket.requester.name);
        let mut spec = spec(&story.workflow);
        let text = &mut spec.text;
        for field in [&mut text.title, &mut text.problem_statement, &mut text.proposed_solution] {
            words.clone_into(field);
        }
        text.risks = vec![Risk { risk: words.to_owned(), mitigation: words.to_owned() }];
        words.clone_into(&mut text.new_dependencies[0].name);
        let asked = question(&facts(&story), &story.ticket, About::Spec(&spec));
        let mut decided = story.decided(Verdict::Reject);
        words.clone_into(decided.gate.as_mut().unwrap().decision.as_mut().unwrap().comment.as_mut().unwrap());
        for message in [asked, outcome(&facts(&decided))] {
            let json = serde_json::to_string(&message.blocks).unwrap();
            for sign in
                ["<!c", "<!h", "<!e", "<!s", "<@", "<#", "<http", "://e.example", "@channel", "\u{202e}", "\u{1b}"]
            {
                assert!(!json.contains(sign) && !message.text.contains(sign), "{words}: {sign} in {json}");
            }
            // Our own words are the same whatever others write.
            let calm = Story::begin("Keep sessions").planned();
            let ours = acted_on(&question(&facts(&calm), &calm.ticket, About::Spec(&spec_of(&calm))));
            for markup in acted_on(&message).iter().filter(|markup| **markup != message.text) {
                assert!(ours.contains(markup), "{words} became markup: {markup}");
            }
        }
    }
    // Not made harmless, the first of them calls everybody.
    assert!(CORPUS[0].contains("<!channel>"));
}

fn spec_of(story: &Story) -> Spec {
    let mut spec = spec(&story.workflow);
    spec.text.risks = vec![Risk { risk: "r".to_owned(), mitigation: "m".to_owned() }];
    spec
}

#[test]
fn a_message_of_any_length_is_one_that_slack_takes() {
    let long = "x <&> ".repeat(20_000);
    let mut story = Story::begin(&long).planned();
    story.ticket.description.clone_from(&long);
    let mut spec = spec(&story.workflow);
    spec.text.title.clone_from(&long);
    spec.text.problem_statement.clone_from(&long);
    spec.text.proposed_solution.clone_from(&long);
    spec.text.risks = vec![Risk { risk: long.clone(), mitigation: long.clone() }; 90];
    let file = spec.files[1].clone();
    let path = |n: usize| format!("{}{n}.js", "directory/".repeat(25)).parse().unwrap();
    spec.files =
        (0..300).map(|n| domain::spec::SpecFile { path: path(n), reason: long.clone(), ..file.clone() }).collect();
    let message = question(&facts(&story), &story.ticket, About::Spec(&spec));
    let blocks = serde_json::to_value(&message.blocks).unwrap();
    assert!(message.blocks.len() <= 50 && message.text.chars().count() < 1_000);
    assert!(blocks.to_string().len() < 24_000, "{}", blocks.to_string().len());
    assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
    for block in blocks.as_array().unwrap() {
        assert!(block["text"]["text"].as_str().is_none_or(|text| text.chars().count() <= 3_000 && !text.is_empty()));
    }
}
