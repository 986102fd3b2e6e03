//! The environment of everything that the runner starts: nothing is inherited but the places of toolchains.

use std::collections::BTreeMap;

use camino::Utf8Path;
use tokio::process::Command;

/// Variables that say where toolchains are. None of them is ever a secret.
const TOOLCHAIN_VARIABLES: &[&str] = &["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "JAVA_HOME", "GOROOT"];

/// Keeps package managers from running what packages want to run when they are installed.
const NO_INSTALL_SCRIPTS: &[(&str, &str)] = &[
    // npm, pnpm and Yarn 1 read the first, Yarn from 2 on the second, Bun has them off by itself.
    ("npm_config_ignore_scripts", "true"),
    ("YARN_ENABLE_SCRIPTS", "false"),
    // A source distribution runs its own build code.
    ("PIP_ONLY_BINARY", ":all:"),
];

/// The files are another user's, on purpose.
const GIT: &[(&str, &str)] = &[("safe.directory", "*")];
/// A folder that only looks like a repository is none: its configuration could name commands.
const NO_BARE_REPOSITORIES: (&str, &str) = ("safe.bareRepository", "explicit");

/// The user's name, as programs are told.
const USER_NAME: &str = "agent";

/// What a command of the repository may know about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolEnvironment {
    variables: BTreeMap<&'static str, String>,
    install_scripts: bool,
    bare_repositories: bool,
}

impl ToolEnvironment {
    /// Takes the toolchains' places from the host's variables.
    pub fn from_host(host: impl Fn(&str) -> Option<String>) -> Self {
        let mut variables = BTreeMap::new();
        for name in TOOLCHAIN_VARIABLES {
            if let Some(value) = host(name) {
                variables.insert(*name, value);
            }
        }
        variables.entry("PATH").or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
        // rustup's programs look for toolchains below HOME, which is another one here.
        if let Some(home) = host("HOME") {
            variables.entry("RUSTUP_HOME").or_insert_with(|| format!("{home}/.rustup"));
        }
        Self { variables, install_scripts: true, bare_repositories: true }
    }

    /// The same, but package managers run no scripts of packages.
    #[must_use]
    pub fn without_install_scripts(&self) -> Self {
        Self { install_scripts: false, ..self.clone() }
    }

    /// The same, but Git does not take a folder for a repository because of what is in it. Tests may need bare
    /// repositories of their own, so this is for the agent, which goes through folders that it does not know.
    #[must_use]
    pub fn without_bare_repositories(&self) -> Self {
        Self { bare_repositories: false, ..self.clone() }
    }

    /// The program search path.
    pub fn path(&self) -> &str {
        self.variables.get("PATH").map_or("", String::as_str)
    }

    /// Folders of toolchains, besides the search path's.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let folders = self.variables.iter().filter(|(name, _)| !matches!(**name, "PATH" | "RUSTUP_TOOLCHAIN"));
        folders.map(|(_, value)| value.as_str())
    }

    /// Clears the command's environment and sets what belongs in it. `home` holds the home folder and `tmp`.
    pub fn apply(&self, command: &mut Command, home: &Utf8Path) {
        command.env_clear().envs(&self.variables);
        command.env("HOME", home).env("TMPDIR", home.join("tmp")).env("LANG", "C.UTF-8").env("CI", "true");
        // Programs ask for a name; the number may have none here.
        command.env("USER", USER_NAME).env("LOGNAME", USER_NAME);
        if !self.install_scripts {
            command.envs(NO_INSTALL_SCRIPTS.iter().copied());
        }
        let bare = (!self.bare_repositories).then_some(&NO_BARE_REPOSITORIES);
        let git: Vec<_> = GIT.iter().chain(bare).collect();
        command.env("GIT_CONFIG_COUNT", git.len().to_string());
        for (number, (name, value)) in git.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), name).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_toolchains_are_taken_over() {
        let host = |name: &str| match name {
            "HOME" => Some("/root".to_owned()),
            "PATH" => Some("/bin".to_owned()),
            name if TOOLCHAIN_VARIABLES.contains(&name) => None,
            _ => panic!("{name} was asked for"),
        };
        let mut command = Command::new("true");
        command.env("AWS_SECRET_ACCESS_KEY", "x");
        ToolEnvironment::from_host(host).apply(&mut command, "/h".into());
        let found: Vec<String> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)))
            .collect();
        let expected = [
            "CI=true",
            "GIT_CONFIG_COUNT=1",
            "GIT_CONFIG_KEY_0=safe.directory",
            "GIT_CONFIG_VALUE_0=*",
            "HOME=/h",
            "LANG=C.UTF-8",
            "LOGNAME=agent",
            "PATH=/bin",
            "RUSTUP_HOME=/root/.rustup",
            "TMPDIR=/h/tmp",
            "USER=agent",
        ];
        assert_eq!(found, expected);
    }
}
