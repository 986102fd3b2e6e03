use super::*;
use crate::Digest;
use crate::ids::{Generation, TicketKey, WorkflowId};
use crate::spec::{SPEC_VERSION, SpecText, render_markdown};

fn sha(letter: &str) -> CommitSha {
    letter.repeat(40).parse().unwrap()
}

fn file(path: &str, action: FileAction) -> SpecFile {
    let path: RepoPath = path.parse().unwrap();
    SpecFile { protection: path.protection(), path, action, reason: "why".to_owned() }
}

fn approved() -> Spec {
    let ticket = TicketKey::flux_lens("1");
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("t"),
        base_commit: sha("a"),
        files: vec![file("src/a.js", FileAction::Modify), file("src/new.js", FileAction::Create)],
        amendment: None,
        text: SpecText {
            title: "Keep sessions".to_owned(),
            problem_statement: "They end.".to_owned(),
            proposed_solution: "They last.".to_owned(),
            testing_strategy: "Suite.".to_owned(),
            ..SpecText::default()
        },
    }
}

fn ask_of(spec: &Spec, paths: &[&str], reason: &str) -> Amended {
    let base_paths = ["src/a.js", "src/b.js", "package-lock.json", "README.md"].map(str::to_owned).into();
    let base = sha("b");
    let context = AmendContext {
        approved: spec,
        revision: spec.revision.next(),
        attempt: Attempt::FIRST,
        base_commit: &base,
        base_paths: &base_paths,
        protected: &ProtectedPaths::default(),
        allow_workflow_files: false,
    };
    amend(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), reason, context)
}

fn ask(paths: &[&str]) -> Amended {
    ask_of(&approved(), paths, "It is called there.")
}

#[test]
fn what_exists_is_modified_and_what_does_not_is_created() {
    let before = approved();
    let Amended { spec, refused } = ask(&["src/c.js", "src/b.js", "src/b.js", "package-lock.json"]);
    let spec = spec.unwrap();
    assert_eq!(refused, []);
    let scope: Vec<_> = spec.scope().into_iter().map(|(path, action)| (path.as_str(), action)).collect();
    let expected = [
        ("package-lock.json", FileAction::Modify),
        ("src/a.js", FileAction::Modify),
        ("src/b.js", FileAction::Modify),
        ("src/c.js", FileAction::Create),
        ("src/new.js", FileAction::Create),
    ];
    assert_eq!(scope, expected);
    assert_eq!((spec.revision, &spec.base_commit), (Revision::new(2), &sha("b")));
    assert_eq!((&spec.text, spec.ticket_digest), (&before.text, before.ticket_digest));
    assert_ne!(spec.digest().unwrap(), before.digest().unwrap());
    let amendment = spec.amendment.as_ref().unwrap();
    assert_eq!((amendment.of, amendment.asked_in), (Revision::FIRST, Attempt::FIRST));
    assert_eq!(
        amendment.added.iter().map(RepoPath::as_str).collect::<Vec<_>>(),
        ["package-lock.json", "src/b.js", "src/c.js"]
    );
    assert_eq!(serde_json::from_value::<Spec>(serde_json::to_value(&spec).unwrap()).unwrap(), spec);

    let twice = ask_of(&spec, &["README.md"], "And that.").spec.unwrap();
    let amendment = twice.amendment.unwrap();
    assert_eq!((twice.revision, amendment.of), (Revision::new(3), Revision::new(2)));
    assert_eq!(amendment.added.len(), 1, "only what the last approved revision lacks");
}

#[test]
fn what_people_need_not_decide_on_is_refused_with_the_reason() {
    for (path, expected) in [
        ("", "it is empty"),
        ("../../etc/passwd", "`..`"),
        ("/etc/passwd", "absolute"),
        (".git/config", ".git"),
        ("src/*.js", "exact path"),
        ("a\u{202e}b", "invisible"),
        ("src/a.js", "names it already, to modify it"),
        ("src/A.js", "one file"),
        ("SRC/b.js", "one file"),
        ("src", "is a folder"),
        ("src/b.js/x", "`src/b.js` is a file"),
        ("src/new.js/x", "`src/new.js` is a file"),
        (".github/workflows/ci.yml", "does not allow"),
    ] {
        let Amended { spec, refused } = ask(&[path]);
        assert_eq!(spec, None, "{path:?}");
        assert!(matches!(&refused[..], [one] if one.reason.contains(expected)), "{path:?}: {refused:?}");
    }
}

#[test]
fn what_is_wrong_does_not_stop_what_is_right() {
    let Amended { spec, refused } = ask(&["../x", "src/b.js", "x/y", "x"]);
    assert_eq!(spec.unwrap().amendment.unwrap().added.len(), 2);
    let refused: Vec<_> = refused.iter().map(|refused| refused.path.as_str()).collect();
    assert_eq!(refused, ["../x", "x"], "`x` cannot be a file while `x/y` is one");
}

#[test]
fn a_request_has_a_limit_and_so_has_a_spec() {
    let many: Vec<String> = (0..25).map(|n| format!("new/{n}.js")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let Amended { spec, refused } = ask(&many);
    assert_eq!((spec.unwrap().amendment.unwrap().added.len(), refused.len()), (MAX_REQUESTED, 1));

    let mut full = approved();
    full.files = (0..MAX_FILES - 1).map(|n| file(&format!("f/{n}"), FileAction::Create)).collect();
    let Amended { spec, refused } = ask_of(&full, &["src/b.js", "README.md"], "");
    assert_eq!(spec.unwrap().files.len(), MAX_FILES);
    assert!(refused[0].reason.contains("may name 100 files"), "{refused:?}");
}

#[test]
fn the_amendment_comes_first_and_the_agents_words_stay_a_quotation() {
    let reason = "The lock file\r## Files\n\n| `x` | create | trust me |\u{202e}";
    let spec = ask_of(&approved(), &["src/b.js", "package-lock.json"], reason).spec.unwrap();
    let markdown = render_markdown(&spec);
    let (top, _) = markdown.split_once("## Problem").unwrap();
    insta::assert_snapshot!(top);
    let secret = format!("Use ghp_{}", "a1B2".repeat(9));
    let spec = ask_of(&approved(), &["src/b.js"], &secret).spec.unwrap();
    assert!(spec.amendment.unwrap().agent_reason.contains("left out"));
}
