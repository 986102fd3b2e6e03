//! The command that starts Pi, locked down.

use camino::{Utf8Path, Utf8PathBuf};
use tokio::process::Command;

use super::home::{PROVIDER, PiHome};
use crate::environment::ToolEnvironment;

/// The environment variable by which the extension finds its list (see `pi/extension/scope.mjs`).
const SCOPE_FILE_VARIABLE: &str = "PI_TICKETS_SCOPE_FILE";
/// Pi's tools that are switched on; ours comes on top.
const TOOLS: &str = "read,bash,edit,write,request_scope_change";

/// Where Pi and its Node are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PiProgram {
    /// Node, 22.19 or newer.
    pub node: Utf8PathBuf,
    /// Pi's `cli.js`.
    pub entry: Utf8PathBuf,
}

/// Nothing of the repository's own agent configuration is loaded, nothing goes to the network but model calls, and
/// only our extension runs.
pub fn command(
    program: &PiProgram,
    home: &PiHome,
    workspace: &Utf8Path,
    model: &str,
    environment: &ToolEnvironment,
) -> Command {
    let mut command = Command::new(&program.node);
    command.arg(&program.entry).args(["--mode", "rpc"]);
    command.args(["--no-approve", "--no-extensions", "--no-skills", "--no-prompt-templates", "--no-themes"]);
    command.args(["--no-context-files", "--offline", "--thinking", "off", "--tools", TOOLS]);
    command.arg("--extension").arg(home.extension());
    command.arg("--append-system-prompt").arg(home.instructions());
    command.arg("--session-dir").arg(home.sessions());
    command.args(["--provider", PROVIDER, "--model"]).arg(format!("{PROVIDER}/{model}"));
    command.current_dir(workspace);
    environment.without_bare_repositories().apply(&mut command, &home.user());
    command.env("PI_CODING_AGENT_DIR", home.agent());
    command.env("PI_TELEMETRY", "0").env("PI_SKIP_VERSION_CHECK", "1");
    command.env(SCOPE_FILE_VARIABLE, home.scope_file());
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pi::home::Endpoint;
    use crate::proxy::Protocol;

    #[test]
    fn pi_starts_locked_down() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let endpoint =
            Endpoint { protocol: Protocol::Anthropic, base_url: "http://127.0.0.1:1", key: "dummy", model: "m" };
        let home = PiHome::create(root, endpoint, &[], "x").unwrap();
        let program = PiProgram { node: "node".into(), entry: "/pi/cli.js".into() };
        let environment = ToolEnvironment::from_host(|name| (name == "PATH").then(|| "/bin".to_owned()));
        let command = command(&program, &home, "/workspace".into(), "m", &environment);
        let text = |value: &std::ffi::OsStr| value.to_str().unwrap().replace(root.as_str(), "~");
        let arguments: Vec<String> = command.as_std().get_args().map(text).collect();
        insta::assert_snapshot!(arguments.join(" "), @"/pi/cli.js --mode rpc --no-approve --no-extensions --no-skills --no-prompt-templates --no-themes --no-context-files --offline --thinking off --tools read,bash,edit,write,request_scope_change --extension ~/scope.mjs --append-system-prompt ~/instructions.md --session-dir ~/sessions --provider pi-tickets --model pi-tickets/m");
        let variables: Vec<String> = command
            .as_std()
            .get_envs()
            .map(|(name, value)| format!("{}={}", text(name), text(value.unwrap())))
            .collect();
        insta::assert_snapshot!(variables.join("\n"), @r"
        CI=true
        GIT_CONFIG_COUNT=2
        GIT_CONFIG_KEY_0=safe.directory
        GIT_CONFIG_KEY_1=safe.bareRepository
        GIT_CONFIG_VALUE_0=*
        GIT_CONFIG_VALUE_1=explicit
        HOME=~/home
        LANG=C.UTF-8
        LOGNAME=agent
        PATH=/bin
        PI_CODING_AGENT_DIR=~/agent
        PI_SKIP_VERSION_CHECK=1
        PI_TELEMETRY=0
        PI_TICKETS_SCOPE_FILE=~/scope.json
        TMPDIR=~/home/tmp
        USER=agent
        ");
    }
}
