//! A world for one run: an object store, a scripted model, the real Pi.

pub(crate) mod store;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use domain::budget::{Budget, Prices};
use domain::change_set::Manifest;
use domain::ids::{Attempt, Generation, Revision, TicketKey, WorkflowId};
use domain::repo_config::GateConfig;
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};
use domain::task::{
    AgentWork, Download, ModelTarget, Provider, QaWork, RunLimits, RunReport, TASK_VERSION, Task, Work,
};
use domain::{Digest, Timestamp};
use isolation::policy::Identity;
use isolation::sandbox::{Layers, Wanted};
use isolation::supervisor::Launcher;
use runner::disk::Space;
use runner::environment::ToolEnvironment;
use runner::host::{Host, ModelAccess};
use runner::packages::dial::Resolved;
use runner::pi::launch::PiProgram;
use runner::program;
use runner::transfer::Transfers;
use tokio_util::sync::CancellationToken;
use toolchain::{Component, Toolchain};

use self::store::Store;

pub(crate) const MODEL_KEY: &str = "the-providers-real-key";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) model: model_sim::Running,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) host: Host,
    _mount_point: tempfile::TempDir,
}

/// Node and Pi: from the environment, or as `cargo xtask setup` installs them.
pub(crate) fn pi_program() -> PiProgram {
    let tools = Toolchain::of_this_checkout();
    let path = |variable: &str, installed: std::path::PathBuf| {
        let path = std::env::var_os(variable).map_or(installed, Into::into);
        Utf8PathBuf::from_path_buf(path).expect("the path is UTF-8")
    };
    let program =
        PiProgram { node: path("PI_TICKETS_NODE", tools.node()), entry: path("PI_TICKETS_PI", tools.pi_entry()) };
    let installed = tools.is_current(Component::Pi).unwrap_or(false) || program.entry.exists();
    assert!(installed, "Pi is not installed at {}: run `cargo xtask setup`", program.entry);
    program
}

/// The isolation that this machine offers, by the real program.
async fn sandbox(mount_point: &Path, environment: &ToolEnvironment, pi: &PiProgram) -> isolation::Sandbox {
    let wanted = Wanted {
        user: Identity { uid: 10_001, gid: 10_001 },
        layers: Layers::ALL,
        surrounded: false,
        weak: false,
        programs: runner::sandbox::programs(environment, pi),
        mount_point: mount_point.to_owned(),
    };
    isolation::Sandbox::probe(Launcher::of(env!("CARGO_BIN_EXE_runner").into()), wanted).await.unwrap()
}

impl World {
    /// `script`: the lines of the model, one response each.
    pub(crate) async fn new(script: &[&str]) -> Self {
        let config = model_sim::Config { api_key: MODEL_KEY.to_owned(), ..model_sim::Config::default() };
        let model = model_sim::start(config).await.unwrap();
        if !script.is_empty() {
            model.register("FL-1", "ticket: FL-1", &script.join("\n")).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let (pi, environment) = (pi_program(), ToolEnvironment::from_host(|name| std::env::var(name).ok()));
        let mount_point = tempfile::tempdir().unwrap();
        let isolation = sandbox(mount_point.path(), &environment, &pi).await;
        let host = Host {
            pi,
            work_dir: Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap(),
            environment,
            sandbox: Arc::new(isolation),
            access: ModelAccess::Key(MODEL_KEY.to_owned().into()),
            transfers: Transfers::new().unwrap(),
            dial: Arc::new(Resolved),
            measure: Arc::new(Space::at),
            clock: Arc::new(|| Timestamp::UNIX_EPOCH),
            stop: CancellationToken::new(),
        };
        Self { store: Store::start().await, model, folder, host, _mount_point: mount_point }
    }

    pub(crate) fn model_target(&self, provider: Provider) -> ModelTarget {
        let base_url = match provider {
            Provider::Openai => format!("{}/v1", self.model.base_url()),
            Provider::Bedrock | Provider::Anthropic => self.model.base_url(),
        };
        let prices = Prices { input: 3_000_000, cached_input: 300_000, output: 15_000_000 };
        ModelTarget { provider, base_url, model: "scripted-model".to_owned(), prices }
    }

    /// Work on a small repository: `src/a.txt` may change, `src/new.txt` may appear.
    pub(crate) fn agent_work(&self) -> AgentWork {
        let spec = spec();
        AgentWork {
            spec_digest: spec.digest().unwrap(),
            spec,
            ticket_title: "Hello is missing".to_owned(),
            feedback: None,
            previous_changes: None,
            model: self.model_target(Provider::Anthropic),
            budget: Budget { max_tokens: 1_000_000, max_micro_usd: 10_000_000, max_turns: 20 },
            gates: vec![],
            setup: None,
            changes_url: self.store.url("changes"),
            session_url: self.store.url("session"),
        }
    }

    pub(crate) fn qa_work(&self, changes: Download, gates: &[(&str, &str)]) -> QaWork {
        let gate = |(name, command): &(&str, &str)| GateConfig {
            name: (*name).to_owned(),
            command: (*command).to_owned(),
            required: true,
            timeout: 20,
        };
        QaWork {
            changes,
            gates: gates.iter().map(gate).collect(),
            setup: None,
            checklist: vec![],
            files: vec![],
            bug: false,
            qa_json_url: self.store.url("qa.json"),
            qa_html_url: self.store.url("qa.html"),
            output_url: self.store.url("output"),
        }
    }

    pub(crate) fn task(&self, work: Work) -> Task {
        let workspace = self.put(
            "workspace",
            repository(&[
                ("src/a.txt", "old\n"),
                ("src/b.txt", "not in scope\n"),
                ("check.sh", "grep -q new src/a.txt\n"),
                (".gitignore", "*.log\n"),
                (".pi/extensions/evil.ts", "require('fs').writeFileSync('/tmp/pi-tickets-evil', 'x')"),
            ]),
        );
        Task {
            version: TASK_VERSION,
            workflow_id: spec().workflow_id,
            attempt: Attempt::FIRST,
            ticket: spec().ticket,
            base_commit: spec().base_commit,
            workspace,
            report_url: self.store.url("report"),
            packages: domain::packages::PackageSources::default(),
            limits: RunLimits {
                total_seconds: 60,
                silence_seconds: 30,
                max_file_bytes: 1_000_000,
                max_total_bytes: 4_000_000,
                max_files: 100,
                max_output_bytes: 100_000,
            },
            work,
        }
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) -> Download {
        let digest = Digest::of(&bytes);
        self.store.put(name, bytes);
        Download { url: self.store.url(name), digest }
    }

    /// Stores the task and runs it in this process.
    pub(crate) async fn run(&self, task: &Task) -> RunReport {
        self.put_task(task);
        let report = program::run(&self.store.url("task"), &self.host, Box::new(std::io::sink())).await.unwrap();
        let stored: RunReport = serde_json::from_slice(&self.store.get("report").unwrap()).unwrap();
        assert_eq!(stored, report);
        let left: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(left.is_empty(), "the work folder is left behind: {left:?}");
        report
    }

    pub(crate) fn put_task(&self, task: &Task) {
        self.store.put("task", serde_json::to_vec(task).unwrap());
    }

    /// The stored change set: its manifest, and the text of each written path.
    pub(crate) fn changes(&self, report: &RunReport) -> (Manifest, BTreeMap<String, String>) {
        let bytes = self.store.get("changes").expect("a change set is stored");
        assert_eq!(report.changes, Some(Digest::of(&bytes)));
        let (manifest, contents) = runner::changes::archive::read(&bytes, 100_000_000).unwrap();
        let texts = manifest.entries.iter().filter_map(|entry| match entry.change {
            domain::change_set::Change::Written { digest, .. } => {
                Some((entry.path.clone(), String::from_utf8(contents[&digest].clone()).unwrap()))
            }
            _ => None,
        });
        let texts = texts.collect();
        (manifest, texts)
    }
}

pub(crate) fn spec() -> Spec {
    let ticket = TicketKey::flux_lens("FL-1");
    let file = |path: &str, action| SpecFile {
        path: path.parse().unwrap(),
        action,
        reason: "It is part of the change.".to_owned(),
        protection: None,
    };
    Spec {
        version: SPEC_VERSION,
        workflow_id: WorkflowId::derive(&ticket, Generation::FIRST),
        revision: Revision::FIRST,
        ticket,
        ticket_digest: Digest::of("ticket"),
        base_commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        files: vec![file("src/a.txt", FileAction::Modify), file("src/new.txt", FileAction::Create)],
        amendment: None,
        text: SpecText {
            title: "Say hello".to_owned(),
            problem_statement: "It says nothing.".to_owned(),
            proposed_solution: "Let it say hello.".to_owned(),
            implementation_plan: vec!["Write it.".to_owned()],
            testing_strategy: "The existing tests.".to_owned(),
            verification_checklist: vec![],
            risks: vec![],
            new_dependencies: vec![],
            confidence: 0.9,
            estimated_usd: 0.1,
            estimated_minutes: 5,
        },
    }
}

/// A workspace archive.
pub(crate) fn repository(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, Utf8Path::new(path), content.as_bytes()).unwrap();
    }
    zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap()
}
