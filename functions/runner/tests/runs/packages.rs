//! `[setup]` with real package managers, in both modes.

use codeartifact_sim::{Config, Running};
use domain::packages::{AccessToken, Ecosystem, Mirror, PackageSources};
use domain::qa::QaReport;
use domain::repo_config::SetupConfig;
use domain::task::{RunOutcome, Task, Work};
use serde_json::Value;

use crate::support::{World, repository};

/// npm and pip fetch one package each; what they were told is kept to be looked at.
const SETUP: &str = "env > setup.env && npm install --no-save --no-package-lock && python3 -m venv .venv && \
                     .venv/bin/pip install --quiet tiny-slug";
/// Uses both, says what there is of the mirror's, and asks the registry once more.
const USE: &str = "node -p 'require(\"tiny-pad\")(\"ab\")' && .venv/bin/python -c 'import tiny_slug; \
                   print(tiny_slug.slug(\"A b\"))' && registry=$(sed -n 's/^npm_config_registry=//p' setup.env) && \
                   (node -e \"fetch('$registry' + 'tiny-pad').then((answer) => \
                   console.log(answer.ok ? 'open' : 'shut'), () => console.log('shut'))\")";
const USED: &str = "     ab\na-b\nshut\n";

struct Mirrored {
    sim: Running,
    token: String,
    _folder: tempfile::TempDir,
}

async fn mirrored() -> Mirrored {
    let sim = codeartifact_sim::start(Config::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let hostile = r#"{"name":"tiny-pad","version":"1.0.0","scripts":{"postinstall":"touch ../../postinstall-ran"}}"#;
    file("npm/pad/package.json", hostile);
    file("npm/pad/index.js", "module.exports = (text) => text.padStart(7);\n");
    file("pypi/slug/wheel.json", r#"{"name":"tiny-slug","version":"2.0.1"}"#);
    file("pypi/slug/tiny_slug.py", "def slug(text):\n    return text.lower().replace(' ', '-')\n");
    sim.publish_folder(folder.path()).unwrap();
    let ask = reqwest::Client::new().post(format!("{}/v1/authorization-token?domain=local", sim.base_url()));
    let answer: Value = ask.send().await.unwrap().json().await.unwrap();
    Mirrored { token: answer["authorizationToken"].as_str().unwrap().to_owned(), sim, _folder: folder }
}

impl Mirrored {
    fn sources(&self) -> PackageSources {
        let mirror = |ecosystem: Ecosystem| Mirror {
            ecosystem,
            url: format!("{}/{}/packages/", self.sim.base_url(), ecosystem.as_str()),
            token: Some(AccessToken::new(self.token.clone())),
            redirects: vec![],
        };
        PackageSources { mirrors: vec![mirror(Ecosystem::Npm), mirror(Ecosystem::Pypi)], hosts: vec![] }
    }
}

fn setup(command: &str) -> SetupConfig {
    SetupConfig { command: command.to_owned(), timeout: 60 }
}

fn task(world: &World, packages: PackageSources, work: Work) -> Task {
    let task = world.task(work);
    let workspace = world.put(
        "workspace",
        repository(&[
            ("package.json", r#"{"name":"app","dependencies":{"tiny-pad":"1.0.0"}}"#),
            ("src/a.txt", "old\n"),
            (".gitignore", "node_modules/\n.venv/\nsetup.env\n"),
        ]),
    );
    Task { workspace, packages, ..task }
}

#[tokio::test]
async fn the_agent_works_with_what_setup_fetched_and_can_fetch_nothing() {
    let mirrored = mirrored().await;
    let bash = serde_json::json!({"for": "code", "respond": [{"tool": "bash", "input": {"command":
        format!("({USE}; ls; grep -c . setup.env) > src/new.txt 2>&1; rm -rf node_modules/tiny-pad; touch node_modules/new")}}]});
    let world = World::new(&[&bash.to_string(), r#"{"for":"code","respond":[{"text":"Done."}]}"#]).await;
    let mut work = world.agent_work();
    work.setup = Some(setup(SETUP));
    let task = task(&world, mirrored.sources(), Work::Agent(Box::new(work)));
    let report = world.run(&task).await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    let (manifest, texts) = world.changes(&report);
    let paths: Vec<_> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["src/new.txt"], "build products are not part of the change");
    let seen = &texts["src/new.txt"];
    assert!(seen.starts_with(USED), "{seen}");
    assert!(!seen.contains("postinstall-ran"), "a package's script ran: {seen}");
    assert!(mirrored.sim.requests().iter().all(|request| request.authorized), "{:?}", mirrored.sim.requests());
    assert!(mirrored.sim.requests().iter().any(|request| request.path.starts_with("/pypi/")));
}

#[tokio::test]
async fn the_gates_work_with_it_too_and_the_token_is_in_none_of_their_files() {
    let mirrored = mirrored().await;
    let world = World::new(&[]).await;
    let changes = {
        let agent = World::new(&[
            r#"{"for":"code","respond":[{"tool":"write","input":{"path":"src/a.txt","content":"new\n"}}]}"#,
            r#"{"for":"code","respond":[{"text":"Done."}]}"#,
        ])
        .await;
        let work = agent.agent_work();
        let report = agent.run(&task(&agent, PackageSources::default(), Work::Agent(Box::new(work)))).await;
        assert!(report.changes.is_some(), "{report:?}");
        world.put("changes", agent.store.get("changes").unwrap())
    };
    let search = format!("! grep -rqs {} . $HOME /tmp /proc/self/environ", mirrored.token);
    let mut work = world.qa_work(changes, &[("uses packages", USE), ("has no token", &search)]);
    work.setup = Some(setup(SETUP));
    let report = world.run(&task(&world, mirrored.sources(), Work::Qa(Box::new(work)))).await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    let qa: QaReport = serde_json::from_slice(&world.store.get("qa.json").unwrap()).unwrap();
    let outputs: Vec<_> = qa.gates.iter().map(|gate| (gate.passed(), gate.result.output.as_str())).collect();
    assert_eq!(outputs, [(true, USED), (true, "")], "{:?}", qa.setup);
}

#[tokio::test]
async fn a_setup_that_fails_ends_the_run_with_its_words() {
    let world = World::new(&[]).await;
    let mut work = world.agent_work();
    // No mirror, so no network: what npm says about that is what people read.
    work.setup = Some(setup("npm_config_fetch_retries=0 npm install --no-save --no-package-lock"));
    let report = world.run(&task(&world, PackageSources::default(), Work::Agent(Box::new(work)))).await;
    let RunOutcome::SetupFailed { message } = report.outcome else { panic!("{:?}", report.outcome) };
    assert!(message.contains("did not pass on the base commit") && message.contains("npm"), "{message}");
    assert!(report.refused_connections > 0, "nothing was refused");
}
