use domain::{Digest, Generation, Revision, TicketKey, WorkflowId};
use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::repository::tests::base;

fn repository() -> Base {
    base(&[
        ("README.md", "# App\n"),
        ("docs/empty.md", ""),
        ("link", "->src/session.js"),
        ("logo.png", "\u{0}PNG"),
        (
            "src/session.js",
            "const TTL = 30;\n\nexport function valid(age) {\n  return age < TTL; // \u{202e}hidden\n}\n",
        ),
        ("src/status/session.js", "// TTL elsewhere\n"),
        ("weird\nname.txt", "x"),
    ])
    .unwrap()
}

/// Makes a call and gives back what the model reads, marked with what it is.
fn say(base: &Base, name: &str, input: Value) -> String {
    let ticket = TicketKey::flux_lens("FL-1");
    let gates = ["test".to_owned()];
    let submit = SubmitContext {
        workflow_id: &WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket: &ticket,
        ticket_digest: Digest::of("t"),
        gates: &gates,
        allow_workflow_files: false,
    };
    let arguments = match input {
        Value::Object(fields) => Arguments::Object(fields),
        other => Arguments::Malformed(other.to_string()),
    };
    match call(&ToolCall { id: "1".to_owned(), name: name.to_owned(), arguments }, base, submit) {
        Outcome::Result(text) => text,
        Outcome::Error(text) => text,
        Outcome::Rejected(text) => format!("REJECTED {text}"),
        Outcome::Done(Answer::Declined(reason)) => format!("DECLINED {reason}"),
        Outcome::Done(Answer::Spec(spec)) => format!("SPEC {} files", spec.files.len()),
    }
}

fn list(path: &str) -> String {
    say(&repository(), "list_files", json!({"path": path}))
}

fn read(input: Value) -> String {
    say(&repository(), "read_file", input)
}

#[test]
fn folders_are_listed() {
    assert_snapshot!(say(&repository(), "list_files", json!({})), @r"
    README.md (6 bytes)
    docs/empty.md (0 bytes)
    link (symbolic link to src/session.js)
    logo.png (4 bytes, binary)
    src/session.js (81 bytes)
    src/status/session.js (17 bytes)
    weird name.txt (1 bytes)
    vendor/lib (submodule: another repository)
    ");
    assert_eq!(list("./src/status/"), "src/status/session.js (17 bytes)");
    assert_eq!(list("/README.md"), "README.md (6 bytes)");
    assert_eq!(list("."), list(""));
}

#[test]
fn a_large_folder_is_summarized_and_a_huge_one_cut() {
    let many: Vec<String> = (0..500).map(|n| format!("src/{}/f{n}.js", n % 3)).collect();
    let files: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), "x")).collect();
    let large = base(&files).unwrap();
    assert_snapshot!(say(&large, "list_files", json!({"path": "src"})), @r"
    src/0/ (167 files)
    src/1/ (167 files)
    src/2/ (166 files)
    ");
    let flat: Vec<String> = (0..500).map(|n| format!("f{n:03}.js")).collect();
    let files: Vec<(&str, &str)> = flat.iter().map(|path| (path.as_str(), "x")).collect();
    let listing = say(&base(&files).unwrap(), "list_files", json!({}));
    assert_eq!(listing.lines().count(), 401);
    assert!(listing.ends_with("… and 101 more entries. Use search_text to find files by what is in them."));
}

#[test]
fn files_are_read_with_line_numbers_and_hidden_characters_show() {
    assert_snapshot!(read(json!({"path": "src/session.js"})), @r"
    `src/session.js`, lines 1 to 5 of 5:
        1  const TTL = 30;
        2  
        3  export function valid(age) {
        4    return age < TTL; // \u{202e}hidden
        5  }
    ");
    assert_snapshot!(read(json!({"path": "src/session.js", "start_line": 4, "end_line": 99})), @r"
    `src/session.js`, lines 4 to 5 of 5:
        4    return age < TTL; // \u{202e}hidden
        5  }
    ");
    assert_eq!(read(json!({"path": "docs/empty.md"})), "`docs/empty.md` is empty.");
}

#[test]
fn long_files_come_in_parts_and_long_lines_are_cut() {
    let long = "line\n".repeat(5_000);
    let wide = "w".repeat(100_000);
    let large = base(&[("long.txt", &long), ("wide.txt", &wide)]).unwrap();
    let first = say(&large, "read_file", json!({"path": "long.txt"}));
    assert!(first.starts_with("`long.txt`, lines 1 to 2000 of 5000 (cut: continue with start_line 2001):\n"));
    let last = say(&large, "read_file", json!({"path": "long.txt", "start_line": 4_999}));
    assert_eq!(last, "`long.txt`, lines 4999 to 5000 of 5000:\n 4999  line\n 5000  line\n");
    let wide = say(&large, "read_file", json!({"path": "wide.txt"}));
    assert!(wide.len() < 1_200 && wide.contains("[99000 more bytes in this line]"));
}

#[test]
fn what_cannot_be_read_says_why_and_what_else_there_is() {
    let cases = [
        json!({"path": "src"}),
        json!({"path": "logo.png"}),
        json!({"path": "link"}),
        json!({"path": "link/x"}),
        json!({"path": "README.md/x"}),
        json!({"path": "../etc/passwd"}),
        json!({"path": "/etc/passwd"}),
        json!({"path": "lib/Session.js"}),
        json!({"path": "vendor/lib/a.c"}),
        json!({"path": "src/session.js", "start_line": 9}),
        json!({"path": "src/session.js", "start_line": 3, "end_line": 2}),
        json!({"path": 3}),
        json!({}),
        json!({"path": "a", "line": 1}),
        json!("cut off"),
    ];
    let said: Vec<String> = cases.into_iter().map(read).collect();
    assert_snapshot!(said.join("\n"));
}

#[test]
fn search_finds_lines_in_a_folder_or_file() {
    let search = |input: Value| say(&repository(), "search_text", input);
    assert_snapshot!(search(json!({"pattern": "TTL"})), @r"
    3 lines match in 2 files. (2 binary or very large files and links were not searched.)
    src/session.js:1: const TTL = 30;
    src/session.js:4: return age < TTL; // \u{202e}hidden
    src/status/session.js:1: // TTL elsewhere
    ");
    assert_snapshot!(search(json!({"pattern": "(?i)ttl", "path": "src/status"})), @r"
    1 lines match in 1 files.
    src/status/session.js:1: // TTL elsewhere
    ");
    assert_snapshot!(search(json!({"pattern": "^const", "path": "./src/session.js"})), @r"
    1 lines match in 1 files.
    src/session.js:1: const TTL = 30;
    ");
    assert_eq!(search(json!({"pattern": "nowhere", "path": "docs"})), "No line matches.\n");
    for (bad, reason) in [("(", "not a regular expression"), ("", "1 to 1000"), ("a{9999}{9999}", "not a regular")] {
        assert!(search(json!({"pattern": bad})).contains(reason), "{bad}: {}", search(json!({"pattern": bad})));
    }
}

#[test]
fn no_file_can_crowd_out_the_others_in_a_search() {
    let generated = "needle\n".repeat(10_000);
    let many = base(&[("a/generated.js", &generated), ("b.js", "needle\n")]).unwrap();
    let found = say(&many, "search_text", json!({"pattern": "needle"}));
    assert!(found.starts_with("10001 lines match in 2 files; 16 of them are shown."), "{found}");
    assert!(found.contains("b.js:1: needle"));
}

fn draft(path: &str, action: &str) -> Value {
    json!({
        "title": "Keep sessions", "problem_statement": "They end.", "proposed_solution": "They last.",
        "files": [{"path": path, "action": action, "reason": "why"}],
        "implementation_plan": ["Change it."], "testing_strategy": "The suite.",
        "verification_checklist": [{"text": "Green", "verified_by": {"kind": "gate", "name": "test"}}],
        "confidence": 0.9, "estimated_usd": 0.1, "estimated_minutes": 2,
    })
}

#[test]
fn a_submission_is_accepted_or_everything_wrong_is_named() {
    let submit = |input: Value| say(&repository(), "submit_spec", input);
    assert_eq!(submit(draft("src/session.js", "modify")), "SPEC 1 files");
    let mut worse = draft("src/none.js", "modify");
    worse["title"] = json!("two\nlines");
    worse["verification_checklist"][0]["verified_by"]["name"] = json!("lint");
    assert_snapshot!(submit(worse), @r"
    REJECTED The SPEC was not accepted. Correct all of this and call submit_spec again:
    - `title` must be one line of 1 to 200 bytes
    - `verification_checklist` names the gate `lint`, but this repository has only: test
    - `src/none.js` does not exist at the base commit, so its action cannot be `modify`; look at the tree with `list_files`
    ");
    for (path, action, reason) in [
        ("link", "modify", "symbolic link"),
        ("vendor/lib", "modify", "submodule"),
        ("vendor/lib/x.c", "create", "submodule"),
        (".github/workflows/x.yml", "create", "does not allow"),
        ("src/*.js", "modify", "not a path"),
    ] {
        let said = submit(draft(path, action));
        assert!(said.starts_with("REJECTED") && said.contains(reason), "{path}: {said}");
    }
}

#[test]
fn a_submission_of_the_wrong_form_names_the_field() {
    let submit = |input: Value| say(&repository(), "submit_spec", input);
    let mut wrong = draft("src/session.js", "rename");
    assert!(submit(wrong.clone()).contains("the input's field `files[0].action` is wrong: unknown variant `rename`"));
    wrong["files"][0]["action"] = json!("modify");
    wrong["confidence"] = json!("high");
    assert!(submit(wrong.clone()).contains("the input's field `confidence` is wrong"));
    wrong["confidence"] = json!(1);
    wrong["surprise"] = json!(1);
    assert!(submit(wrong).contains("unknown field `surprise`"));
    assert!(submit(json!({})).contains("missing field `title`"));
    assert!(submit(json!("{\"title\": \"cut")).starts_with("REJECTED Error: the input is not a JSON object"));
}

#[test]
fn declining_needs_a_reason_and_unknown_tools_are_named() {
    let base = repository();
    assert_eq!(
        say(&base, "decline_ticket", json!({"reason": " No change\u{200b} asked for. "})),
        "DECLINED No change asked for."
    );
    assert_eq!(say(&base, "decline_ticket", json!({"reason": " "})), "Error: `reason` must have 1 to 4000 bytes.");
    assert_snapshot!(say(&base, "bash", json!({"command": "ls"})), @"Error: there is no tool `bash`; the tools are: list_files, read_file, search_text, submit_spec, decline_ticket.");
}

#[test]
fn the_definitions_are_plain_objects() {
    let definitions: Vec<Value> = definitions()
        .into_iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "schema": tool.schema}))
        .collect();
    let text = serde_json::to_string(&definitions).unwrap();
    assert!(!text.contains("$ref") && !text.contains("$schema"), "every schema stands alone");
    for definition in &definitions {
        assert_eq!(definition["schema"]["type"], "object", "{definition}");
        assert_eq!(definition["schema"]["additionalProperties"], false, "{definition}");
    }
    let submit = definitions.iter().find(|definition| definition["name"] == "submit_spec").unwrap();
    insta::assert_json_snapshot!(submit["schema"]);
}
