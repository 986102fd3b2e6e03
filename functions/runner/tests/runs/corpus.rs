//! Cheats and honest changes, each through the whole of mode `qa`. The cases are data, in `tests/corpus`.

use std::collections::BTreeMap;

use domain::change_set::{Change, ManifestEntry};
use domain::path::RepoPath;
use domain::qa::{Ended, QaReport};
use domain::spec::{FileAction, SpecFile};
use domain::task::{Download, RunOutcome, Task, Work};
use futures::StreamExt;
use runner::changes::Changes;
use runner::changes::archive::{Origin, pack};
use serde::Deserialize;

use crate::support::{World, repository, spec};

/// Cases at once; each runs commands of its own.
const AT_ONCE: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    project: Project,
    #[serde(default)]
    cheat: Vec<Case>,
    #[serde(default)]
    honest: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    /// Name and command.
    gates: Vec<(String, String)>,
    /// Path, and what a cheat breaks there: from, to.
    broken: (String, String, String),
    files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    write: BTreeMap<String, String>,
    #[serde(default)]
    append: BTreeMap<String, String>,
    #[serde(default)]
    replace: BTreeMap<String, Vec<(String, String)>>,
    #[serde(default)]
    delete: Vec<String>,
    /// Cheats: `blocked` or `shown`.
    #[serde(default)]
    expect: String,
    /// Cheats: the project stays as it works.
    #[serde(default)]
    unbroken: bool,
    /// Cheats: the gates' exit codes are enough, because the trick does not come off.
    #[serde(default)]
    fails: bool,
    /// Honest changes: findings that a person is to see all the same.
    #[serde(default)]
    shows: Vec<String>,
}

impl Case {
    /// Every changed path, with its content.
    fn apply(&self, project: &Project, cheat: bool) -> BTreeMap<String, Option<String>> {
        let mut files: BTreeMap<String, Option<String>> = BTreeMap::new();
        let base = |path: &str| project.files.get(path).cloned().unwrap_or_default();
        if cheat && !self.unbroken {
            let (path, from, to) = &project.broken;
            let text = base(path);
            assert!(text.contains(from), "{path} has no `{from}`");
            files.insert(path.clone(), Some(text.replace(from, to)));
        }
        for (path, pairs) in &self.replace {
            let mut text = files.get(path).cloned().flatten().unwrap_or_else(|| base(path));
            for (from, to) in pairs {
                assert!(text.contains(from), "{}: {path} has no `{from}`", self.name);
                text = text.replacen(from, to, 1);
            }
            files.insert(path.clone(), Some(text));
        }
        for (path, more) in &self.append {
            let text = files.get(path).cloned().flatten().unwrap_or_else(|| base(path));
            files.insert(path.clone(), Some(text + more));
        }
        files.extend(self.write.iter().map(|(path, text)| (path.clone(), Some(text.clone()))));
        files.extend(self.delete.iter().map(|path| (path.clone(), None)));
        files
    }
}

/// Runs one case, as a SPEC would have it that names exactly its files.
async fn judge(project: &Project, files: &BTreeMap<String, Option<String>>) -> QaReport {
    let world = World::new(&[]).await;
    let mut changes = Changes::default();
    let mut named = Vec::new();
    for (path, text) in files {
        let existed = project.files.contains_key(path);
        let change = match text {
            Some(text) => {
                let digest = domain::Digest::of(text.as_bytes());
                changes.contents.insert(digest.to_string(), text.clone().into_bytes());
                Change::Written { mode: 0o644, size: text.len() as u64, digest, existed }
            }
            None => Change::Deleted,
        };
        let action = match (text, existed) {
            (None, _) => FileAction::Delete,
            (Some(_), true) => FileAction::Modify,
            (Some(_), false) => FileAction::Create,
        };
        let path: RepoPath = path.parse().unwrap();
        changes.entries.push(ManifestEntry { path: path.to_string(), change });
        named.push(SpecFile { path, action, reason: "The SPEC says so.".to_owned(), protection: None });
    }
    let spec = spec();
    let origin =
        Origin { workflow_id: spec.workflow_id, attempt: domain::ids::Attempt::FIRST, base_commit: spec.base_commit };
    let packed = pack(changes, origin).unwrap();
    let changes = Download { url: world.store.url("verified"), digest: packed.digest };
    world.store.put("verified", packed.bytes);
    let gates: Vec<(&str, &str)> =
        project.gates.iter().map(|(name, command)| (name.as_str(), command.as_str())).collect();
    let mut work = world.qa_work(changes, &gates);
    for gate in &mut work.gates {
        gate.timeout = 120;
    }
    work.files = named;
    let mut task = world.task(Work::Qa(Box::new(work)));
    let texts: Vec<(&str, &str)> = project.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    task = Task { workspace: world.put("workspace", repository(&texts)), ..task };
    task.limits.total_seconds = 600;
    let report = world.run(&task).await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    serde_json::from_slice(&world.store.get("qa.json").unwrap()).unwrap()
}

/// What came of a case that is not as it should be.
fn verdict(case: &Case, cheat: bool, qa: &QaReport) -> Result<&'static str, String> {
    let found = if !qa.passed() {
        "blocked"
    } else if qa.findings.is_empty() {
        "green"
    } else {
        "shown"
    };
    let exits: Vec<&Ended> = qa.gates.iter().map(|gate| &gate.result.ended).collect();
    let wrong = |why: &str| {
        let tests: Vec<_> = qa.gates.iter().map(|gate| (&gate.name, &gate.tests, &gate.result.output)).collect();
        Err(format!("{}: {why}; {found}, {exits:?}, {:#?} {tests:#?}", case.name, qa.findings))
    };
    if cheat {
        // Without the checks it would have been published: else it proves nothing about them.
        let comes_off = exits.iter().all(|ended| **ended == Ended::Exit { code: 0 });
        return match (found == case.expect, comes_off != case.fails) {
            (true, true) => Ok(found),
            (false, _) => wrong(&format!("should be {}", case.expect)),
            (true, false) => wrong("the gates' exit codes are not as expected"),
        };
    }
    let kinds: Vec<String> = qa
        .findings
        .iter()
        .map(|finding| serde_json::to_value(finding.kind).unwrap().as_str().unwrap().to_owned())
        .collect();
    let as_shown =
        kinds.iter().all(|kind| case.shows.contains(kind)) && case.shows.iter().all(|kind| kinds.contains(kind));
    if found != "blocked" && as_shown { Ok(found) } else { wrong("an honest change") }
}

async fn run(text: &str) -> (usize, usize) {
    let corpus: Corpus = toml::from_str(text).unwrap();
    let project = &corpus.project;
    let wanted = std::env::var("PI_TICKETS_CASE").unwrap_or_default();
    let cases = corpus.cheat.iter().map(|case| (case, true)).chain(corpus.honest.iter().map(|case| (case, false)));
    let cases = cases.filter(|(case, _)| case.name.contains(&wanted));
    let judged: Vec<_> = futures::stream::iter(cases)
        .map(|(case, cheat)| async move {
            let qa = judge(project, &case.apply(project, cheat)).await;
            verdict(case, cheat, &qa)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let wrong: Vec<&String> = judged.iter().filter_map(|verdict| verdict.as_ref().err()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        judged.len(),
        wrong.iter().map(|w| w.as_str()).collect::<Vec<_>>().join("\n\n")
    );
    (corpus.cheat.len(), corpus.honest.len())
}

#[tokio::test]
async fn javascript() {
    let (cheats, honest) = run(include_str!("../corpus/javascript.toml")).await;
    assert!(cheats >= 25 && honest >= 14, "{cheats} {honest}");
}

#[tokio::test]
async fn python() {
    let (cheats, honest) = run(include_str!("../corpus/python.toml")).await;
    assert!(cheats >= 25 && honest >= 13, "{cheats} {honest}");
}

#[tokio::test]
async fn rust() {
    let (cheats, honest) = run(include_str!("../corpus/rust.toml")).await;
    assert!(cheats >= 5 && honest >= 3, "{cheats} {honest}");
}
