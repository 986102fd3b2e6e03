use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::change_set::{Change, MANIFEST_VERSION, Manifest, ManifestEntry, RejectReason};
use crate::ids::{Generation, Revision, TicketKey};
use crate::path::ProtectedPaths;
use crate::spec::{SPEC_VERSION, SpecFile, SpecText};

const BASE: &[&str] = &["src/a.js", "src/b.js", "README.md"];

/// A credential of a known form, and another one.
const TOKENS: [fn() -> String; 2] =
    [|| format!("ghp_{}", "a1B2c3D4e5F6".repeat(3)), || format!("ghp_{}", "9zY8xW7vU6tS".repeat(3))];

fn spec(files: &[(&str, FileAction)]) -> Spec {
    let ticket = TicketKey::flux_lens("1");
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("t"),
        base_commit: "a".repeat(40).parse().unwrap(),
        files: files
            .iter()
            .map(|(path, action)| SpecFile {
                path: path.parse().unwrap(),
                action: *action,
                reason: String::new(),
                protection: path.parse::<RepoPath>().unwrap().protection(),
            })
            .collect(),
        amendment: None,
        text: SpecText { confidence: 1.0, ..SpecText::default() },
    }
}

fn written(path: &str, content: &str) -> (ManifestEntry, Vec<u8>) {
    let change =
        Change::Written { mode: 0o644, size: content.len() as u64, digest: Digest::of(content), existed: false };
    (ManifestEntry { path: path.to_owned(), change }, content.as_bytes().to_vec())
}

fn deleted(path: &str) -> (ManifestEntry, Vec<u8>) {
    (ManifestEntry { path: path.to_owned(), change: Change::Deleted }, Vec::new())
}

/// The base commit: plain text files that nothing is known of.
fn base() -> BaseFiles {
    let files = BASE.iter().map(|path| ((*path).to_owned(), BaseFile::of(BaseKind::File))).collect();
    BaseFiles { files, protected: ProtectedPaths::default() }
}

fn run(spec: &Spec, entries: Vec<(ManifestEntry, Vec<u8>)>) -> Result<VerifiedChangeSet, NotVerified> {
    run_on(spec, entries, &base(), &KnownSecrets::default())
}

fn run_on(
    spec: &Spec,
    entries: Vec<(ManifestEntry, Vec<u8>)>,
    base: &BaseFiles,
    known: &KnownSecrets,
) -> Result<VerifiedChangeSet, NotVerified> {
    let contents = entries.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.clone())).collect();
    let manifest = manifest(spec, entries.into_iter().map(|(entry, _)| entry).collect());
    verify(&manifest, &contents, context(spec, base, known))
}

fn manifest(spec: &Spec, entries: Vec<ManifestEntry>) -> Manifest {
    Manifest {
        version: MANIFEST_VERSION,
        workflow_id: spec.workflow_id.clone(),
        attempt: Attempt::FIRST,
        base_commit: spec.base_commit.clone(),
        entries,
        dropped: vec![],
        dropped_count: 0,
    }
}

fn context<'a>(spec: &'a Spec, base: &'a BaseFiles, known: &'a KnownSecrets) -> VerifyContext<'a> {
    let policy = VerifyPolicy { max_file_bytes: 100, max_total_bytes: 150, allow_workflow_files: false };
    VerifyContext { spec, attempt: Attempt::FIRST, base_commit: &spec.base_commit, base, known, policy }
}

fn kinds_of(
    spec: &[(&str, FileAction)],
    entries: Vec<(ManifestEntry, Vec<u8>)>,
    base: &BaseFiles,
) -> Vec<ViolationKind> {
    match run_on(&self::spec(spec), entries, base, &KnownSecrets::default()) {
        Ok(_) => vec![],
        Err(NotVerified::Violations(list)) => list.into_iter().map(|v| v.kind).collect(),
        Err(NotVerified::Empty) => panic!("no changes"),
    }
}

fn kinds(result: Result<VerifiedChangeSet, NotVerified>) -> Vec<ViolationKind> {
    match result {
        Err(NotVerified::Violations(list)) => list.into_iter().map(|v| v.kind).collect(),
        other => panic!("expected violations, got {other:?}"),
    }
}

#[test]
fn what_the_spec_names_is_verified() {
    let spec =
        spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete), ("src/new.js", FileAction::Create)]);
    let set = run(&spec, vec![written("src/a.js", "1"), deleted("src/b.js"), written("src/new.js", "2")]).unwrap();
    let actions: Vec<_> = set.changes().iter().map(|c| (c.path().as_str(), c.action())).collect();
    assert_eq!(
        actions,
        [("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete), ("src/new.js", FileAction::Create)]
    );
}

#[test]
fn an_empty_set_is_its_own_answer() {
    assert_eq!(run(&spec(&[("src/a.js", FileAction::Modify)]), vec![]), Err(NotVerified::Empty));
}

#[test]
fn every_way_out_of_scope_is_a_violation() {
    use ViolationKind as V;
    let spec = spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Modify)]);
    let link = |path: &str| {
        let change = Change::Rejected { reason: RejectReason::SymbolicLink, existed: true };
        (ManifestEntry { path: path.to_owned(), change }, Vec::new())
    };
    let mode = |mode| {
        let change = Change::Written { mode, size: 1, digest: Digest::of("x"), existed: true };
        (ManifestEntry { path: "src/a.js".to_owned(), change }, b"x".to_vec())
    };
    for (entry, expected) in [
        (written("README.md", "x"), vec![V::PathNotInSpec]),
        (written("new.js", "x"), vec![V::PathNotInSpec]),
        (written("SRC/A.js", "x"), vec![V::PathNotInSpec, V::TwinPath]),
        (written("Src/c.js", "x"), vec![V::PathNotInSpec, V::TwinPath]),
        (written("src/a.js/c.js", "x"), vec![V::PathNotInSpec, V::TwinPath]),
        (written("src", "x"), vec![V::PathNotInSpec, V::TwinPath]),
        (written("src/\u{fb01}.js\0", "x"), vec![V::InvalidPath]),
        (deleted("src/a.js"), vec![V::ActionMismatch]),
        (deleted("never.js"), vec![V::Corrupt]),
        (written("../x", "x"), vec![V::InvalidPath]),
        (written(".git/config", "x"), vec![V::InvalidPath]),
        (link("src/a.js"), vec![V::NotARegularFile]),
        (mode(0o120_000), vec![V::Mode]),
        (mode(0o4755), vec![V::Mode]),
        (written("src/a.js", &"x".repeat(101)), vec![V::TooLarge]),
        (written("src/a.js", &TOKENS[0]()), vec![V::Secret]),
        (written(".github/workflows/x.yml", "x"), vec![V::PathNotInSpec, V::Protected]),
    ] {
        let path = entry.0.path.clone();
        assert_eq!(kinds(run(&spec, vec![entry])), expected, "{path}");
    }
}

#[test]
fn a_set_of_another_run_or_with_missing_contents_is_refused() {
    let spec = spec(&[("src/a.js", FileAction::Modify)]);
    let (entry, _) = written("src/a.js", "x");
    assert_eq!(kinds(run(&spec, vec![(entry, b"other".to_vec())])), [ViolationKind::Corrupt]);
    let twice = vec![written("src/a.js", "x"), written("src/a.js", "y")];
    assert_eq!(kinds(run(&spec, twice)), [ViolationKind::Corrupt]);
}

#[test]
fn every_reason_for_not_packing_is_a_violation() {
    use ViolationKind as V;
    for (reason, expected) in [
        (RejectReason::SymbolicLink, V::NotARegularFile),
        (RejectReason::SpecialFile, V::NotARegularFile),
        (RejectReason::HardLink, V::NotARegularFile),
        (RejectReason::TooLarge, V::TooLarge),
        (RejectReason::TooMuch, V::TooLarge),
        (RejectReason::Unreadable, V::Corrupt),
        (RejectReason::NotUtf8, V::InvalidPath),
    ] {
        let entry = |path: &str, existed| {
            let change = Change::Rejected { reason, existed };
            vec![(ManifestEntry { path: path.to_owned(), change }, vec![])]
        };
        assert_eq!(kinds_of(&[("src/a.js", FileAction::Modify)], entry("src/a.js", true), &base()), [expected]);
        // What the sandbox says of the base commit counts for nothing.
        assert_eq!(kinds_of(&[("n.js", FileAction::Create)], entry("n.js", true), &base()), [expected]);
    }
}

#[test]
fn limits_are_exact() {
    let spec_of =
        |n: usize| -> Vec<(String, FileAction)> { (0..n).map(|n| (format!("f{n}"), FileAction::Create)).collect() };
    let run = |sizes: &[usize]| {
        let files = spec_of(sizes.len());
        let files: Vec<_> = files.iter().map(|(path, action)| (path.as_str(), *action)).collect();
        let entries =
            sizes.iter().enumerate().map(|(n, size)| written(&format!("f{n}"), &"xy ".repeat(*size)[..*size]));
        kinds_of(&files, entries.collect(), &base())
    };
    assert_eq!(run(&[100, 50]), []);
    assert_eq!(run(&[101]), [ViolationKind::TooLarge]);
    assert_eq!(run(&[100, 51]), [ViolationKind::TooLarge]);
    assert_eq!(run(&[101, 50]), [ViolationKind::TooLarge, ViolationKind::TooLarge]);
}

#[test]
fn a_message_says_what_and_where_without_repeating_a_credential() {
    let long = "x".repeat(400);
    let spec = spec(&[("src/a.js", FileAction::Modify)]);
    let token = TOKENS[0]();
    let entries = vec![written("src/a.js", &token), written(&format!("a\n{long}"), "y"), deleted("README.md")];
    let Err(NotVerified::Violations(list)) = run(&spec, entries) else { panic!() };
    let text: Vec<_> = list.iter().map(|v| v.message.as_str()).collect();
    assert_eq!(text[0], "`src/a.js` contains what looks like a GitHub token");
    assert_eq!(text[2], "`README.md` was changed (delete), but the approved SPEC does not name it");
    assert!(list[1].path.starts_with("a\\nxxx") && list[1].path.len() == 300, "{}", list[1].path);
    assert!(list.iter().all(|violation| !violation.message.contains(&token)));
    assert_eq!(NotVerified::Violations(list).to_string(), "the run's change set breaks 3 rule(s)");
}

#[test]
fn a_protected_path_must_have_been_shown_as_one() {
    use ViolationKind as V;
    let marked = spec(&[("yarn.lock", FileAction::Create), ("src/c.js", FileAction::Create)]);
    let set = run(&marked, vec![written("yarn.lock", "x"), written("src/c.js", "y")]).unwrap();
    let marks: Vec<_> = set.changes().iter().map(VerifiedChange::protection).collect();
    assert_eq!(marks, [None, Some(Protection::LockFile)]);
    let mut unmarked = marked.clone();
    unmarked.files[0].protection = None;
    assert_eq!(kinds(run(&unmarked, vec![written("yarn.lock", "x")])), [V::Protected]);
    // A pattern that came into the repository after the SPEC was written counts too.
    let strict = BaseFiles { protected: vec!["src/".to_owned()].try_into().unwrap(), ..base() };
    assert_eq!(
        kinds(run_on(&marked, vec![written("src/c.js", "y")], &strict, &KnownSecrets::default())),
        [V::Protected]
    );
}

#[test]
fn workflow_files_need_the_deployments_leave_too() {
    let path = ".github/workflows/ci.yml";
    let spec = spec(&[(path, FileAction::Create)]);
    let entries = || vec![written(path, "on: push")];
    assert_eq!(kinds(run(&spec, entries())), [ViolationKind::Protected]);
    let (base, known) = (base(), KnownSecrets::default());
    let mut context = context(&spec, &base, &known);
    context.policy.allow_workflow_files = true;
    let (entry, content) = entries().remove(0);
    let contents = BTreeMap::from([(Digest::of(&content), content)]);
    assert!(verify(&manifest(&spec, vec![entry]), &contents, context).is_ok());
}

#[test]
fn two_new_names_of_one_set_may_not_be_one_file() {
    use ViolationKind as V;
    let run = |paths: [&str; 2]| {
        let files = paths.map(|path| (path, FileAction::Create));
        kinds_of(&files, paths.iter().map(|path| written(path, path)).collect(), &base())
    };
    for paths in [
        ["new.js", "NEW.js"],
        ["e\u{301}.js", "\u{e9}.js"],
        ["\u{fb01}x", "fix"],
        ["straße", "STRASSE"],
        ["d/a.js", "D/b.js"],
        ["x", "X/y"],
    ] {
        assert_eq!(run(paths), [V::TwinPath], "{paths:?}");
    }
    assert_eq!(run(["new.js", "new.ts"]), []);
    assert_eq!(run(["d/a.js", "d/b.js"]), []);
}

#[test]
fn what_is_deleted_makes_room() {
    let run = |files: &[(&str, FileAction)]| {
        let entry = |(path, action): &(&str, FileAction)| match action {
            FileAction::Delete => deleted(path),
            _ => written(path, path),
        };
        kinds_of(files, files.iter().map(entry).collect(), &base())
    };
    assert_eq!(run(&[("README.md", FileAction::Delete), ("readme.md", FileAction::Create)]), []);
    assert_eq!(run(&[("src/a.js", FileAction::Delete), ("src/a.js/b", FileAction::Create)]), []);
    let both = [("src/a.js", FileAction::Delete), ("src/b.js", FileAction::Delete), ("src", FileAction::Create)];
    assert_eq!(run(&both), []);
    assert_eq!(run(&both[1..]), [ViolationKind::TwinPath]);
}

#[test]
fn what_a_repository_has_already_is_no_twin() {
    let mut base = base();
    base.files.insert("Src/A.js".to_owned(), BaseFile::of(BaseKind::File));
    assert_eq!(kinds_of(&[("src/a.js", FileAction::Modify)], vec![written("src/a.js", "x")], &base), []);
    assert_eq!(kinds_of(&[("Src/n.js", FileAction::Create)], vec![written("Src/n.js", "x")], &base), []);
    assert_eq!(kinds_of(&[("src/n.js", FileAction::Create)], vec![written("src/n.js", "x")], &base), []);
    let third = vec![written("SRC/n.js", "x")];
    assert_eq!(kinds_of(&[("SRC/n.js", FileAction::Create)], third, &base), [ViolationKind::TwinPath]);
}

fn base_with(path: &str, kind: BaseKind, content: &[u8]) -> BaseFiles {
    let mut base = base();
    base.files.insert(path.to_owned(), BaseFile { kind, content: Some(BaseContent::of(path, content)) });
    base
}

#[test]
fn only_what_differs_from_the_base_commit_is_a_change() {
    let modify = |base: &BaseFiles, content: &str| {
        kinds_of(&[("x.sh", FileAction::Modify)], vec![written("x.sh", content)], base)
    };
    assert_eq!(modify(&base_with("x.sh", BaseKind::File, b"same"), "same"), [ViolationKind::Corrupt]);
    assert_eq!(modify(&base_with("x.sh", BaseKind::File, b"same"), "other"), []);
    assert_eq!(modify(&base_with("x.sh", BaseKind::Executable, b"same"), "same"), [], "its mode changes");
    let executable = || {
        let change = Change::Written { mode: 0o755, size: 4, digest: Digest::of("same"), existed: true };
        vec![(ManifestEntry { path: "x.sh".to_owned(), change }, b"same".to_vec())]
    };
    let modes = |kind| kinds_of(&[("x.sh", FileAction::Modify)], executable(), &base_with("x.sh", kind, b"same"));
    assert_eq!(modes(BaseKind::Executable), [ViolationKind::Corrupt]);
    assert_eq!(modes(BaseKind::File), []);
    let set = run_on(
        &spec(&[("x.sh", FileAction::Modify)]),
        executable(),
        &base_with("x.sh", BaseKind::File, b"same"),
        &KnownSecrets::default(),
    );
    let expected = VerifiedKind::Write { executable: true, content: b"same".to_vec(), existed: true };
    assert_eq!(set.unwrap().changes()[0].kind(), &expected);
}

#[test]
fn links_and_submodules_are_not_changed_like_files() {
    use FileAction as A;
    for (kind, action, expected) in [
        (BaseKind::Symlink, A::Modify, vec![ViolationKind::NotARegularFile]),
        (BaseKind::Symlink, A::Delete, vec![]),
        (BaseKind::Submodule, A::Modify, vec![ViolationKind::NotARegularFile]),
        (BaseKind::Submodule, A::Delete, vec![ViolationKind::NotARegularFile]),
        (BaseKind::File, A::Delete, vec![]),
        (BaseKind::Executable, A::Modify, vec![]),
    ] {
        let base = base_with("it", kind, b"target");
        let entry = if action == A::Delete { deleted("it") } else { written("it", "x") };
        assert_eq!(kinds_of(&[("it", action)], vec![entry], &base), expected, "{kind:?} {action:?}");
    }
}

#[test]
fn what_is_not_text_has_its_places() {
    let binary = |path: &str| {
        let content = b"\x89PNG\0";
        let change = Change::Written { mode: 0o644, size: 5, digest: Digest::of(content), existed: false };
        (ManifestEntry { path: path.to_owned(), change }, content.to_vec())
    };
    let run = |path: &str, action, base: &BaseFiles| kinds_of(&[(path, action)], vec![binary(path)], base);
    assert_eq!(run("logo.png", FileAction::Create, &base()), []);
    assert_eq!(run("tool", FileAction::Create, &base()), [ViolationKind::Binary]);
    assert_eq!(run("tool.exe", FileAction::Create, &base()), [ViolationKind::Binary]);
    assert_eq!(run("src/a.js", FileAction::Modify, &base()), [ViolationKind::Binary]);
    assert_eq!(run("x.sav", FileAction::Modify, &base_with("x.sav", BaseKind::File, b"\0")), []);
    assert_eq!(run("x.sav", FileAction::Modify, &base_with("x.sav", BaseKind::File, b"text")), [ViolationKind::Binary]);
}

#[test]
fn a_credential_that_is_published_already_may_stay_but_ours_never() {
    let [old, new] = TOKENS.map(|token| token());
    let base = base_with("t.js", BaseKind::File, old.as_bytes());
    assert_eq!(base.files["t.js"].content.as_ref().unwrap().credentials.len(), 1);
    let run = |content: &str, known: &KnownSecrets| {
        let spec = spec(&[("t.js", FileAction::Modify)]);
        match run_on(&spec, vec![written("t.js", content)], &base, known) {
            Ok(_) => String::new(),
            Err(NotVerified::Violations(list)) => list[0].message.clone(),
            Err(NotVerified::Empty) => panic!(),
        }
    };
    let none = KnownSecrets::default();
    assert_eq!(run(&format!("a = {old}"), &none), "");
    assert_eq!(run(&format!("a = {old}; b = {new}"), &none), "`t.js` contains what looks like a GitHub token");
    let ours = KnownSecrets::new(crate::secrets::fingerprints("the App's token", &old, [1; 16]));
    assert_eq!(run(&format!("a = {old}"), &ours), "`t.js` contains the App's token");
}

#[test]
fn a_credential_in_a_name_is_one_too_and_is_not_repeated() {
    let token = TOKENS[0]();
    for (path, spec_path) in [(format!("docs/{token}"), "docs/x"), (format!("docs/{token}\n"), "docs/y")] {
        let spec = spec(&[(spec_path, FileAction::Create)]);
        let Err(NotVerified::Violations(list)) = run(&spec, vec![written(&path, "x")]) else { panic!() };
        assert_eq!(list.iter().map(|violation| violation.kind).collect::<Vec<_>>(), [ViolationKind::Secret]);
        assert!(!format!("{list:?}").contains(&token), "{list:?}");
    }
}

#[test]
fn a_set_says_what_it_was_made_of() {
    let spec = spec(&[("src/a.js", FileAction::Modify), ("src/b.js", FileAction::Delete)]);
    let set = run(&spec, vec![written("src/a.js", "1"), deleted("src/b.js")]).unwrap();
    assert_eq!(set.workflow_id(), &spec.workflow_id);
    assert_eq!(set.attempt(), Attempt::FIRST);
    assert_eq!(set.base_commit(), &spec.base_commit);
    assert_eq!(set.spec_digest(), spec.digest().unwrap());
    assert_eq!(set.changes()[1].kind(), &VerifiedKind::Delete);
    let expected = VerifiedKind::Write { executable: false, content: b"1".to_vec(), existed: true };
    assert_eq!(set.changes()[0].kind(), &expected);
}

#[test]
fn each_part_of_the_identity_counts() {
    let spec = spec(&[("src/a.js", FileAction::Modify)]);
    let (entry, content) = written("src/a.js", "x");
    let contents = BTreeMap::from([(Digest::of(&content), content)]);
    let (base, known) = (base(), KnownSecrets::default());
    let good = manifest(&spec, vec![entry]);
    assert!(verify(&good, &contents, context(&spec, &base, &known)).is_ok());
    let other_workflow = WorkflowId::derive(&TicketKey::flux_lens("2"), Generation::FIRST);
    for bad in [
        Manifest { workflow_id: other_workflow, ..good.clone() },
        Manifest { attempt: Attempt::FIRST.next(), ..good.clone() },
        Manifest { base_commit: "b".repeat(40).parse().unwrap(), ..good.clone() },
    ] {
        assert_eq!(kinds(verify(&bad, &contents, context(&spec, &base, &known))), [ViolationKind::Corrupt]);
    }
}

#[test]
fn the_base_listing_is_kept_as_json() {
    let base = base_with("t.js", BaseKind::Executable, TOKENS[0]().as_bytes());
    let json = serde_json::to_string(&base).unwrap();
    assert_eq!(serde_json::from_str::<BaseFiles>(&json).unwrap(), base);
    assert_eq!(base.paths().len(), 4);
    assert!(json.contains(r#""README.md":{"kind":"file"}"#), "{json}");
}

/// What a run may do to a path.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Write(&'static str),
    Delete,
    Link,
}

proptest! {
    /// Whatever a run does, what is published is what the SPEC allows: judged by a rule that looks at nothing else.
    #[test]
    fn nothing_outside_the_spec_is_ever_verified(
        scope in proptest::collection::btree_map("(src/)?[abAB]\\.js|README\\.md|\\.github/x|\\.GIT/x", 0..3_usize, 0..4),
        deeds in proptest::collection::btree_map(
            "(src/)?[abAB]\\.js|README\\.md|\\.github/x|\\.\\./x|src",
            prop_oneof![Just(Deed::Write("one")), Just(Deed::Write("two")), Just(Deed::Delete), Just(Deed::Link)],
            1..4,
        ),
    ) {
        let action = |n: &usize| [FileAction::Create, FileAction::Modify, FileAction::Delete][*n];
        let files: Vec<_> = scope
            .iter()
            .filter(|(path, _)| path.parse::<RepoPath>().is_ok())
            .map(|(path, n)| (path.as_str(), action(n)))
            .collect();
        let spec = spec(&files);
        let entries = deeds
            .iter()
            .map(|(path, deed)| match deed {
                Deed::Write(content) => written(path, content),
                Deed::Delete => deleted(path),
                Deed::Link => {
                    let change = Change::Rejected { reason: RejectReason::SymbolicLink, existed: false };
                    (ManifestEntry { path: path.clone(), change }, vec![])
                }
            })
            .collect();
        if let Ok(set) = run(&spec, entries) {
            prop_assert_eq!(set.changes().len(), deeds.len());
            let mut tree: BTreeSet<String> = BASE.iter().map(|path| (*path).to_owned()).collect();
            for (path, deed) in &deeds {
                let existed = BASE.contains(&path.as_str());
                let wanted = match deed {
                    Deed::Write(_) if existed => FileAction::Modify,
                    Deed::Write(_) => FileAction::Create,
                    Deed::Delete => FileAction::Delete,
                    Deed::Link => return Err(TestCaseError::fail("a link was verified")),
                };
                prop_assert!(files.contains(&(path.as_str(), wanted)), "{} {:?}", path, wanted);
                if wanted == FileAction::Delete { tree.remove(path); } else { tree.insert(path.clone()); }
            }
            let lower: BTreeSet<String> = tree.iter().map(|path| path.to_lowercase()).collect();
            prop_assert_eq!(lower.len(), tree.len(), "twins in {:?}", tree);
            let inside_a_file = tree.iter().any(|path| tree.iter().any(|other| other.starts_with(&format!("{path}/"))));
            prop_assert!(!inside_a_file, "{:?}", tree);
        }
    }
}
