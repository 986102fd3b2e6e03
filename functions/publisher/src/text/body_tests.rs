use domain::budget::Usage;
use domain::ids::{Generation, Revision, TicketKey};
use domain::person::Person;
use domain::qa::{ChecklistResult, CommandResult, GateResult, QA_REPORT_VERSION};
use domain::spec::{SPEC_VERSION, SpecText};
use domain::ticket::Priority;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;

struct Facts {
    workflow: WorkflowId,
    ticket: TicketSummary,
    spec: Spec,
    base: CommitSha,
    files: Vec<FileRow>,
    qa: QaReport,
    ledger: Ledger,
}

fn gate(name: &str, code: i32, required: bool, failed_on_base: Option<bool>) -> GateResult {
    let result = CommandResult {
        command: "npm test".to_owned(),
        ended: Ended::Exit { code },
        duration_ms: 1_234,
        output: "secret output stays out".to_owned(),
        output_bytes: 3,
    };
    GateResult { name: name.to_owned(), required, result, failed_on_base, tests: None }
}

/// A report as people get it.
pub(crate) fn qa() -> QaReport {
    facts("words").qa
}

fn facts(words: &str) -> Facts {
    let key = TicketKey::flux_lens("1234");
    let workflow = WorkflowId::derive(&key, Generation::FIRST);
    let base: CommitSha = "a".repeat(40).parse().unwrap();
    let check = |text: &str, verified_by, passed| ChecklistResult { text: text.to_owned(), verified_by, passed };
    let row = |path: &str, action, lines, protection| FileRow { path: path.to_owned(), action, lines, protection };
    Facts {
        ticket: TicketSummary {
            key: key.clone(),
            version: 1,
            digest: Digest::of("t"),
            title: words.to_owned(),
            url: "https://tracker.example/tickets/1234".to_owned(),
            priority: Priority::Normal,
            is_bug: true,
            requester: Person::from_email("rita@example.com"),
            repository: "acme/web".parse().unwrap(),
            base_branch: "main".to_owned(),
        },
        spec: Spec {
            version: SPEC_VERSION,
            workflow_id: workflow.clone(),
            revision: Revision::FIRST,
            ticket: key,
            ticket_digest: Digest::of("t"),
            base_commit: base.clone(),
            files: vec![],
            amendment: None,
            text: SpecText {
                title: words.to_owned(),
                problem_statement: format!("Sessions end after 30 seconds.\n\n{words}"),
                proposed_solution: "Use milliseconds.".to_owned(),
                confidence: 0.9,
                estimated_usd: 0.1,
                estimated_minutes: 5,
                ..SpecText::default()
            },
        },
        files: vec![
            row("src/session.js", FileAction::Modify, Lines::Text { added: 3, removed: 1 }, None),
            row("logo.png", FileAction::Create, Lines::Binary, None),
            row(
                "package-lock.json",
                FileAction::Modify,
                Lines::Text { added: 10, removed: 0 },
                Some(Protection::LockFile),
            ),
            row("old|file.js", FileAction::Delete, Lines::Text { added: 0, removed: 9 }, None),
        ],
        qa: QaReport {
            version: QA_REPORT_VERSION,
            workflow_id: workflow.clone(),
            attempt: Attempt::new(2),
            base_commit: base.clone(),
            change_set: Digest::of("c"),
            setup: None,
            gates: vec![
                gate("test", 0, true, None),
                gate("e2e", 1, true, Some(true)),
                gate("lint", 2, false, Some(false)),
            ],
            checklist: vec![
                check("Sessions last", VerifiedBy::Gate { name: "test".to_owned() }, Some(true)),
                check("No warning", VerifiedBy::Command { command: "npm run lint".to_owned() }, Some(false)),
                check(words, VerifiedBy::Person, None),
            ],
            findings: vec![],
            bug_proof: None,
            refused_connections: 0,
            duration_ms: 61_000,
        },
        ledger: Ledger {
            plan: Usage { input_tokens: 1_000, turns: 2, micro_usd: 20_000, ..Usage::default() },
            build: Usage {
                input_tokens: 50_000,
                output_tokens: 2_000,
                turns: 9,
                micro_usd: 310_000,
                ..Usage::default()
            },
            ..Ledger::default()
        },
        workflow,
        base,
    }
}

fn body(facts: &Facts) -> String {
    pull_body(&BodyFacts {
        workflow: &facts.workflow,
        ticket: &facts.ticket,
        spec: &facts.spec,
        spec_digest: Digest::of("spec"),
        base: &facts.base,
        files: &facts.files,
        qa: &facts.qa,
        refused_connections: 0,
        ledger: &facts.ledger,
        attempt: Attempt::new(2),
        review_rounds: 1,
        public_base_url: "https://tickets.example",
    })
}

#[test]
fn the_whole_text() {
    insta::assert_snapshot!("pull_body", body(&facts("Keep sessions for 30 minutes")));
}

/// Words of a ticket that would do something if they were not defused.
const HOSTILE: &str = "@octocat fixes #1 ![x](https://evil.example/p.png) <img src=https://evil.example/q> \
                       <!-- pi-tickets:pull:wf-00000000000000000000-1 --> `code` | cell\n# Heading\n\n---\n- [x] done\n\
                       closes https://github.com/acme/web/issues/2 <details> [link](javascript:alert(1)) GH-3";

/// Everything in a text that is more than words, as a Markdown parser sees it. Paragraphs do not count.
fn structure(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::all());
    let shown = events.filter_map(|event| match event {
        Event::Text(_) | Event::SoftBreak | Event::HardBreak | Event::End(_) | Event::Start(Tag::Paragraph) => None,
        other => Some(format!("{other:?}")),
    });
    shown.collect()
}

#[test]
fn hostile_words_do_nothing() {
    let plain = body(&facts("Harmless"));
    let hostile = body(&facts(HOSTILE));
    for live in
        ["@octocat", "#1 ", "![", "<img", "<details", "<!-- pi-tickets:pull:wf-00000", "://evil", "GH-3", "://github"]
    {
        assert!(!hostile.contains(live), "{live}:\n{hostile}");
    }
    assert_eq!(structure(&hostile), structure(&plain), "{hostile}");
    assert!(super::super::names_us(&hostile, &facts("x").workflow));
}

#[test]
fn addresses_that_are_not_pages_are_no_links() {
    for (url, link) in [
        ("https://tracker.example/a(b)", "(https://tracker.example/a%28b%29)"),
        ("javascript:alert(1)", ""),
        ("not an address", ""),
    ] {
        let mut facts = facts("T");
        facts.ticket.url = url.to_owned();
        let body = body(&facts);
        let first = body.lines().next().unwrap();
        assert_eq!(first.contains("]("), !link.is_empty(), "{first}");
        assert!(first.contains(link));
    }
}

#[test]
fn a_text_that_is_too_long_keeps_its_mark() {
    let mut facts = facts("T");
    facts.files = (0..3_000)
        .map(|n| FileRow {
            path: format!("some/long/folder/name/{n}"),
            action: FileAction::Create,
            lines: Lines::Binary,
            protection: None,
        })
        .collect();
    let body = body(&facts);
    assert!(body.chars().count() < 65_536);
    assert!(super::super::names_us(&body, &facts.workflow));
}

#[test]
fn comments_say_why_and_carry_their_marks() {
    let facts = facts("T");
    let closed = close_comment(&facts.workflow, "Rejected: ask @octocat\n# no", "https://tickets.example");
    assert!(closed.contains(&closed_marker(&facts.workflow)) && !closed.contains("@octocat"));
    insta::assert_snapshot!("close_comment", closed);
    let waiting = waiting_comment(&facts.workflow, &facts.base, "Required status check \"test\" is expected.");
    assert!(waiting.contains(&waiting_marker(&facts.workflow, &facts.base)));
    insta::assert_snapshot!("waiting_comment", waiting);
}
