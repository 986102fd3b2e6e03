//! Runs a case: naively, where its marker has to fire, then in both modes of the runner, where it must not.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::change_set::{Change, Manifest, ManifestEntry};
use domain::digest::Digest;
use domain::ids::Attempt;
use domain::qa::QaReport;
use domain::repo_config::{CONFIG_PATH, RepoConfig};
use domain::secrets::KnownSecrets;
use domain::task::{RunOutcome, RunReport, Task, Work};
use domain::verify::{BaseContent, BaseFile, BaseFiles, BaseKind, NotVerified, VerifyContext, VerifyPolicy, verify};
use futures::{FutureExt, StreamExt};
use runner::changes::Changes;
use runner::changes::archive::{self, Origin};
use serde_json::{Value, json};

use super::archive::pack;
use super::case::{Case, Entry, Kind, Verdict, file};
use super::ground::{Ground, TRACE, WORD, given_away};
use super::naive;
use crate::support::{World, spec};

/// Cases of a kind that run at once.
const AT_ONCE: usize = 2;
/// Longest run: beyond it a case hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// What an agent or a gate does in any repository.
const USUAL: &str = "git status --short; git diff --stat; git add -A; git log --format=%s; git stash list; \
                     ls -la . src; find . -type f -perm /6000 -exec echo privileged-''5b1f {} +";
const APPROVED: &str = "src/a.txt";
const GATE: &str = "probe";

/// Runs every case of a kind. Returns how many there are.
pub(super) async fn run(kind: &str, cases: Vec<Case>) -> usize {
    let wanted = std::env::var("PI_TICKETS_CASE").unwrap_or_default();
    let count = cases.len();
    let cases = cases.into_iter().filter(|case| case.name.contains(&wanted));
    let judged = futures::stream::iter(cases).map(|case| async move { judge(&case).await }).buffer_unordered(AT_ONCE);
    let wrong: Vec<String> = judged.collect::<Vec<_>>().await.concat();
    assert!(wrong.is_empty(), "{kind}:\n{}", wrong.join("\n"));
    count
}

/// Everything that is not as it should be.
async fn judge(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(naive) = &case.naive
        && naive::traces(case, naive).await.is_empty()
    {
        wrong.push("the marker does not fire without our controls: the case proves nothing".to_owned());
    }
    wrong.extend(contained(agent(case)).await.into_iter().map(|what| format!("mode agent: {what}")));
    // A change that violates something is refused before it comes there.
    if case.gates && !matches!(case.verdict, Verdict::Violates(_)) {
        wrong.extend(contained(qa(case)).await.into_iter().map(|what| format!("mode qa: {what}")));
    }
    wrong.into_iter().map(|what| format!("  {}: {what}", case.name)).collect()
}

/// A run that neither panics nor hangs.
async fn contained(run: impl Future<Output = Vec<String>>) -> Vec<String> {
    match tokio::time::timeout(PATIENCE, AssertUnwindSafe(run).catch_unwind()).await {
        Ok(Ok(wrong)) => wrong,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            vec![format!("a panic: {}", text.unwrap_or_default())]
        }
        Err(_) => vec!["it hangs".to_owned()],
    }
}

/// A case with its surroundings, and its tree as it is packed.
struct Scene {
    ground: Ground,
    tree: Vec<Entry>,
    /// As `workflow` reads it.
    config: Result<RepoConfig, String>,
    probe: String,
}

impl Scene {
    fn of(case: &Case) -> Self {
        let ground = Ground::make();
        let mut tree = ground.tree(&case.tree);
        // Whoever names it means another one.
        if !tree.iter().any(|entry| entry.path == APPROVED.as_bytes()) {
            tree.push(file(APPROVED, "old\n"));
        }
        let text = tree.iter().find_map(|entry| match &entry.kind {
            Kind::File { content, .. } if entry.path == CONFIG_PATH.as_bytes() => std::str::from_utf8(content).ok(),
            _ => None,
        });
        let paths = tree.iter().filter_map(|entry| String::from_utf8(entry.path.clone()).ok()).collect();
        let config = RepoConfig::load(text, &paths).map_err(|error| error.to_string());
        let probe = ground.fill(&format!("{USUAL}; {}", case.probe));
        Self { ground, tree, config, probe }
    }

    fn task(&self, world: &World, work: Work) -> Task {
        let mut task = world.task(work);
        task.workspace = world.put("workspace", pack(&self.tree));
        task
    }

    /// What the change set is verified against.
    fn base(&self) -> BaseFiles {
        let known = |entry: &Entry| {
            let path = String::from_utf8(entry.path.clone()).ok()?;
            let (kind, content) = match &entry.kind {
                Kind::File { content, mode } if mode & 0o111 == 0 => (BaseKind::File, Some(content)),
                Kind::File { content, .. } => (BaseKind::Executable, Some(content)),
                Kind::Link(_) => (BaseKind::Symlink, None),
                _ => return None,
            };
            let content = content.filter(|_| path == APPROVED).map(|content| BaseContent::of(&path, content));
            Some((path, BaseFile { kind, content }))
        };
        BaseFiles { files: self.tree.iter().filter_map(known).collect(), ..BaseFiles::default() }
    }
}

/// A scripted agent that looks around and does its work.
async fn agent(case: &Case) -> Vec<String> {
    let scene = Scene::of(case);
    let config = match &scene.config {
        Ok(config) => config.clone(),
        Err(message) => return refusal(case, message),
    };
    let turn = |call: Value| json!({"for": "code", "respond": [call]}).to_string();
    let script = [
        turn(json!({"tool": "bash", "input": {"command": scene.probe, "timeout": 20}})),
        json!({"for": "code", "respond": [
            {"tool": "read", "input": {"path": APPROVED}},
            {"tool": "write", "input": {"path": APPROVED, "content": "new\n"}},
        ]})
        .to_string(),
        turn(json!({"text": "Done."})),
    ];
    let world = World::new(&script.each_ref().map(String::as_str)).await;
    let mut work = world.agent_work();
    (work.gates, work.setup) = (config.gates, config.setup);
    let report = world.run(&scene.task(&world, Work::Agent(Box::new(work)))).await;
    let mut wrong = scene.ground.traces();
    for request in world.model.requests(None) {
        wrong.extend(given_away("a request to the model", &request.body.to_string()));
        wrong.extend(obeyed(&request.body, case.quoted));
    }
    wrong.extend(stored(&world, &["session", "report"]));
    wrong.extend(verdict(case, &scene, &world, &report));
    wrong
}

/// Whether the model was told the word by anything but its own words: as instruction, or as what a tool said.
fn obeyed(request: &Value, quoted: bool) -> Option<String> {
    let messages = request["messages"].as_array().into_iter().flatten();
    let told = messages.filter(|message| message["role"] != "assistant").map(|message| &message["content"]);
    let mut texts = Vec::new();
    [&request["system"], &request["tools"]].into_iter().chain(told).for_each(|value| strings(value, &mut texts));
    let stands = |text: &&str| {
        let begins = |line: &str| line.trim_start_matches([' ', '-', '*', '#']).starts_with(WORD);
        if quoted { text.lines().any(begins) } else { text.contains(WORD) }
    };
    texts.into_iter().find(stands).map(|text| format!("the model was told `{WORD}`: {text}"))
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(values) => values.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

/// What stored objects give away.
fn stored(world: &World, names: &[&str]) -> Vec<String> {
    let text = |name: &&str| {
        let bytes = world.store.get(name)?;
        Some(given_away(&format!("the stored {name}"), &String::from_utf8_lossy(&bytes)))
    };
    names.iter().filter_map(text).flatten().collect()
}

fn verdict(case: &Case, scene: &Scene, world: &World, report: &RunReport) -> Vec<String> {
    match &report.outcome {
        RunOutcome::Completed if !matches!(case.verdict, Verdict::Refused(_)) => {}
        RunOutcome::SetupFailed { message } => return refusal(case, message),
        outcome => return vec![format!("the run ended as {outcome:?}")],
    }
    let bytes = world.store.get("changes").unwrap_or_default();
    let (manifest, contents) = match archive::read(&bytes, 100_000_000) {
        Ok(read) => read,
        Err(error) => return vec![format!("the change set cannot be read: {error}")],
    };
    let mut wrong: Vec<String> =
        contents.values().flat_map(|text| given_away("the change set", &String::from_utf8_lossy(text))).collect();
    let paths = manifest.entries.iter().map(|entry| &entry.path).chain(&manifest.dropped);
    wrong.extend(
        paths.filter(|path| path.rsplit('/').next() == Some(TRACE)).map(|path| format!("`{path}` is in the tree")),
    );
    let spec = spec();
    let context = VerifyContext {
        spec: &spec,
        attempt: Attempt::FIRST,
        base_commit: &spec.base_commit,
        base: &scene.base(),
        known: &KnownSecrets::default(),
        policy: VerifyPolicy::new(false),
    };
    match (verify(&manifest, &contents, context), &case.verdict) {
        (Ok(_), Verdict::Sound) if is_the_change(&manifest) => {}
        (Err(NotVerified::Violations(found)), Verdict::Violates(kind)) if found.iter().all(|v| v.kind == *kind) => {}
        (verified, _) => {
            let verified = verified.map(|_| "it holds");
            wrong.push(format!("the change set: {verified:?}, {:?}", manifest.entries));
        }
    }
    wrong
}

fn is_the_change(manifest: &Manifest) -> bool {
    let [entry] = manifest.entries.as_slice() else { return false };
    *entry == change()
}

/// The approved file with its new content.
fn change() -> ManifestEntry {
    let written = Change::Written { mode: 0o644, size: 4, digest: Digest::of("new\n"), existed: true };
    ManifestEntry { path: APPROVED.to_owned(), change: written }
}

fn refusal(case: &Case, message: &str) -> Vec<String> {
    let mut wrong = given_away("the reason", message);
    match case.verdict {
        Verdict::Refused(reason) if message.contains(reason) && message.len() < 4_096 => {}
        _ => wrong.push(format!("it was refused: {message}")),
    }
    wrong
}

/// The same tree with the approved change, under a gate that does what an agent does.
async fn qa(case: &Case) -> Vec<String> {
    let scene = Scene::of(case);
    let config = match &scene.config {
        Ok(config) => config.clone(),
        Err(message) => return refusal(case, message),
    };
    let world = World::new(&[]).await;
    let contents = [(Digest::of("new\n").to_string(), b"new\n".to_vec())].into();
    let changes = Changes { entries: vec![change()], contents, ..Changes::default() };
    let spec = spec();
    let origin = Origin { workflow_id: spec.workflow_id, attempt: Attempt::FIRST, base_commit: spec.base_commit };
    let changes = world.put("verified", archive::pack(changes, origin).unwrap().bytes);
    let gate = format!("({}); test ! -e {TRACE} && test $(cat {APPROVED}) != ''", scene.probe);
    let mut work = world.qa_work(changes, &[(GATE, &gate)]);
    work.gates.extend(config.gates);
    work.setup = config.setup;
    let report = world.run(&scene.task(&world, Work::Qa(Box::new(work)))).await;
    let mut wrong = scene.ground.traces();
    wrong.extend(stored(&world, &["qa.json", "qa.html", "output", "report"]));
    match (&report.outcome, &case.verdict) {
        (RunOutcome::SetupFailed { message }, _) => wrong.extend(refusal(case, message)),
        (RunOutcome::Completed, Verdict::Sound) => {
            let qa: QaReport = serde_json::from_slice(&world.store.get("qa.json").unwrap()).unwrap();
            let probe = qa.gates.iter().find(|gate| gate.name == GATE).unwrap();
            if !probe.passed() && !case.gates_obey {
                wrong.push(format!("the gate did not pass: {probe:?}"));
            }
        }
        (outcome, _) => wrong.push(format!("the run ended as {outcome:?}")),
    }
    wrong
}
