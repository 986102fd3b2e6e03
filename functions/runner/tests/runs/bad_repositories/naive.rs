//! What a repository does where nothing of ours stands in its way.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use camino::Utf8Path;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use runner::pi::home::{Endpoint, PROVIDER, PiHome};
use runner::proxy::Protocol;
use tokio::process::Command;

use super::archive::unpack_naively;
use super::case::{Case, Naive, file};
use super::ground::{Ground, TRACE, WORD, given_away};
use crate::support::{MODEL_KEY, pi_program};

/// What is not over by then hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest command, and longest run of Pi.
const LIMIT: Duration = Duration::from_secs(30);

/// The traces of the case.
pub(super) async fn traces(case: &Case, naive: &Naive) -> Vec<String> {
    let ground = Ground::make();
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let mut entries = ground.tree(&case.tree);
    if !entries.iter().any(|entry| entry.path == b"src") {
        entries.push(file("src/b.txt", "old\n"));
    }
    unpack_naively(&entries, &tree);
    let mut traces = match naive {
        Naive::Unpacking => vec![],
        Naive::Command(command) => run(&ground.fill(command), &tree, LIMIT).await.unwrap_or_default(),
        Naive::Hangs(command) => {
            run(command, &tree, PATIENCE).await.map_or_else(|| vec!["it hangs".to_owned()], |_| vec![])
        }
        Naive::Pi => pi(&tree, folder.path()).await,
    };
    traces.extend(ground.traces());
    traces.extend(tree.join(TRACE).exists().then(|| "there is a trace in the tree".to_owned()));
    traces
}

/// Runs a command as this process's user. Nothing: it did not end in time.
async fn run(command: &str, tree: &Path, limit: Duration) -> Option<Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(tree).env_clear();
    shell.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home.path()).env("USER", "somebody");
    shell.env("GIT_CONFIG_NOSYSTEM", "1");
    shell.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child = shell.stdout(Stdio::piped()).process_group(0).spawn().unwrap();
    let group = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    let output = tokio::time::timeout(limit, child.wait_with_output()).await;
    // Nobody is left, if all went well.
    killpg(group, Signal::SIGKILL).unwrap_or_default();
    let output = String::from_utf8_lossy(&output.ok()?.unwrap().stdout).into_owned();
    let mut traces = given_away("the output", &output);
    traces.extend(output.contains(WORD).then(|| "the word is said".to_owned()));
    Some(traces)
}

/// Starts Pi as somebody does who trusts the repository.
async fn pi(tree: &Path, folder: &Path) -> Vec<String> {
    let config = model_sim::Config { api_key: MODEL_KEY.to_owned(), ..model_sim::Config::default() };
    let model = model_sim::start(config).await.unwrap();
    let look = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"ls"}}]}"#;
    let done = r#"{"for":"code","respond":[{"text":"Done."}]}"#;
    model.register("FL-1", "ticket: FL-1", &[look, done].join("\n")).unwrap();
    let root = Utf8Path::from_path(folder).unwrap().join("pi");
    let endpoint = Endpoint {
        protocol: Protocol::Anthropic,
        base_url: &model.base_url(),
        key: MODEL_KEY,
        model: "scripted-model",
    };
    let home = PiHome::create(&root, endpoint, &[], "").unwrap();
    let program = pi_program();
    let mut command = Command::new(&program.node);
    command.arg(&program.entry).args(["--print", "--approve", "--offline", "--thinking", "off"]);
    command.args(["--provider", PROVIDER, "--model"]).arg(format!("{PROVIDER}/scripted-model")).arg("ticket: FL-1");
    command.current_dir(tree).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", home.user()).env("PI_CODING_AGENT_DIR", home.agent()).env("PI_TELEMETRY", "0");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, command.status()).await;
    assert!(ended.is_ok(), "Pi did not end: whether the marker fires is not known");
    let obeyed = model.requests(None).iter().any(|request| request.body.to_string().contains(WORD));
    model.shutdown().await;
    obeyed.then(|| "the word is in what the model was told".to_owned()).into_iter().collect()
}
