//! `.pi-tickets.toml`: what a repository says about its gates and limits. Always read at the base commit, so that
//! the agent cannot change it for its own run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::gate::policy::{self, RepoApprovals};
use crate::path::ProtectedPaths;
use crate::person::{InvalidPerson, Person};

/// The file's path.
pub const CONFIG_PATH: &str = ".pi-tickets.toml";
/// Longest time of one gate, seconds.
pub const MAX_GATE_SECONDS: u64 = 1_200;
/// Largest file, bytes.
const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// Of what the parser says, this much is told, characters: it may quote the file.
const MAX_REASON: usize = 300;
/// Of the line that is wrong, this much, characters.
const MAX_LINE: usize = 80;
const MAX_GATES: usize = 30;

/// The configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepoConfig {
    /// Quality gates, in order.
    #[serde(default, rename = "gate")]
    pub gates: Vec<GateConfig>,
    /// Command that fetches dependencies.
    #[serde(default)]
    pub setup: Option<SetupConfig>,
    /// Paths that may be changed only when a SPEC names them as protected, besides those of every repository.
    #[serde(default)]
    pub protected: ProtectedPaths,
    /// Who decides on its SPECs and pull requests, and how many of them.
    #[serde(default, deserialize_with = "approvals")]
    pub approvals: RepoApprovals,
}

/// One quality gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateConfig {
    /// Unique name.
    pub name: String,
    /// Given to `sh -c` in the repository's root.
    pub command: String,
    /// Whether a failure stands in the way of a pull request.
    #[serde(default = "yes")]
    pub required: bool,
    /// Seconds.
    #[serde(default = "default_timeout")]
    pub timeout: u64,
}

/// The command that fetches dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupConfig {
    /// Given to `sh -c` in the repository's root.
    pub command: String,
    /// Seconds.
    #[serde(default = "default_timeout")]
    pub timeout: u64,
}

/// `[approvals]` as it stands in the file: people are texts there.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ApprovalsSection {
    approvers: Vec<String>,
    escalation: Vec<String>,
    spec: Option<std::num::NonZeroU32>,
    pr: Option<std::num::NonZeroU32>,
    spec_hours: Option<std::num::NonZeroU32>,
    pr_hours: Option<std::num::NonZeroU32>,
}

fn approvals<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RepoApprovals, D::Error> {
    let section = ApprovalsSection::deserialize(deserializer)?;
    let people = |list: &str, entries: &[String]| -> Result<Vec<Person>, D::Error> {
        let invalid = |error: InvalidPerson| serde::de::Error::custom(format!("{list}: {error}"));
        let people = entries.iter().map(|entry| Person::from_text(entry)).collect::<Result<_, _>>().map_err(invalid)?;
        policy::distinct(people).map_err(invalid)
    };
    let ApprovalsSection { spec, pr, spec_hours, pr_hours, .. } = section;
    Ok(RepoApprovals {
        approvers: people("approvers", &section.approvers)?,
        escalation: people("escalation", &section.escalation)?,
        spec,
        pr,
        spec_hours,
        pr_hours,
    })
}

const fn yes() -> bool {
    true
}

const fn default_timeout() -> u64 {
    300
}

/// Why the file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{CONFIG_PATH} at the base commit cannot be used: {0}")]
pub struct InvalidConfig(String);

impl RepoConfig {
    /// Reads the file, or chooses defaults by project type where the repository has none.
    ///
    /// # Errors
    /// Says what is wrong with the file and where.
    pub fn load(file: Option<&str>, base_paths: &BTreeSet<String>) -> Result<Self, InvalidConfig> {
        match file {
            Some(text) => Self::parse(text),
            None => Ok(Self { gates: default_gates(base_paths), ..Self::default() }),
        }
    }

    /// Parses and checks the file.
    ///
    /// # Errors
    /// Says what is wrong with the file and where.
    pub fn parse(text: &str) -> Result<Self, InvalidConfig> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(InvalidConfig(format!("it is larger than {MAX_CONFIG_BYTES} bytes")));
        }
        let config: Self = toml::from_str(text).map_err(|error| not_toml(text, &error))?;
        let mut names = BTreeSet::new();
        if config.gates.len() > MAX_GATES {
            return Err(InvalidConfig(format!("more than {MAX_GATES} gates")));
        }
        for gate in &config.gates {
            if gate.name.trim().is_empty() || gate.name.len() > 60 || gate.name.chars().any(char::is_control) {
                return Err(InvalidConfig(format!(
                    "the gate name `{}` must have 1 to 60 bytes on one line",
                    gate.name.escape_debug()
                )));
            }
            if !names.insert(&gate.name) {
                return Err(InvalidConfig(format!("two gates are named `{}`", gate.name)));
            }
            check_command(&format!("gate `{}`", gate.name), &gate.command, gate.timeout)?;
        }
        if let Some(setup) = &config.setup {
            check_command("[setup]", &setup.command, setup.timeout)?;
        }
        Ok(config)
    }

    /// The gates' names, in order.
    pub fn gate_names(&self) -> Vec<String> {
        self.gates.iter().map(|gate| gate.name.clone()).collect()
    }
}

/// The place, the reason, and the beginning of the line, which may be as long as the file.
fn not_toml(text: &str, error: &toml::de::Error) -> InvalidConfig {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.matches('\n').count();
    let line: String = text.lines().nth(number).unwrap_or_default().trim().escape_debug().take(MAX_LINE).collect();
    let reason: String = error.message().escape_debug().take(MAX_REASON).collect();
    InvalidConfig(format!("line {} (`{line}`): {reason}", number + 1))
}

fn check_command(what: &str, command: &str, timeout: u64) -> Result<(), InvalidConfig> {
    if command.trim().is_empty() || command.contains('\0') || command.len() > 4_096 {
        return Err(InvalidConfig(format!("{what} needs a command of at most 4,096 bytes")));
    }
    if timeout == 0 || timeout > MAX_GATE_SECONDS {
        return Err(InvalidConfig(format!("{what}: timeout must be 1 to {MAX_GATE_SECONDS} seconds")));
    }
    Ok(())
}

/// Gates for a repository without a configuration file, by what lies in its root.
fn default_gates(base_paths: &BTreeSet<String>) -> Vec<GateConfig> {
    let known: &[(&[&str], &str, &str)] = &[
        (&["package.json"], "npm test", "npm test --silent"),
        (&["Cargo.toml"], "cargo test", "cargo test --quiet --offline"),
        (&["go.mod"], "go test", "go test ./..."),
        (&["pom.xml"], "maven test", "mvn --batch-mode --offline --quiet test"),
        (&["pytest.ini", "conftest.py", "tox.ini"], "pytest", "python3 -m pytest -q"),
    ];
    let mut gates: Vec<GateConfig> = known
        .iter()
        .filter(|(files, _, _)| files.iter().any(|file| base_paths.contains(*file)))
        .map(|(_, name, command)| default_gate(name, command))
        .collect();
    let python = ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|file| base_paths.contains(*file));
    if python && !gates.iter().any(|gate| gate.name == "pytest") {
        gates.push(default_gate("unittest", "python3 -m unittest discover"));
    }
    if gates.is_empty() && base_paths.contains("Makefile") {
        gates.push(default_gate("make test", "make test"));
    }
    gates
}

fn default_gate(name: &str, command: &str) -> GateConfig {
    GateConfig { name: name.to_owned(), command: command.to_owned(), required: true, timeout: default_timeout() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_full_file() {
        let config = RepoConfig::parse(
            r#"
            protected = ["infra/", "Makefile"]
            [approvals]
            approvers = ["ann@example.com github:583231", "bob@example.com"]
            pr = 2
            spec_hours = 8
            [setup]
            command = "npm ci"
            timeout = 60
            [[gate]]
            name = "test"
            command = "npm test"
            [[gate]]
            name = "lint"
            command = "npm run lint"
            required = false
            timeout = 30
            "#,
        )
        .unwrap();
        assert_eq!(config.gate_names(), ["test", "lint"]);
        assert!(config.gates[0].required && !config.gates[1].required);
        assert!(config.protected.protection(&"infra/a".parse().unwrap()).is_some());
        let RepoApprovals { approvers, escalation, spec, pr, spec_hours, pr_hours } = config.approvals;
        assert_eq!((approvers[0].github_id, approvers.len(), escalation.len()), (Some(583_231), 2, 0));
        let numbers = [spec, pr, spec_hours, pr_hours].map(|number| number.map(std::num::NonZeroU32::get));
        assert_eq!(numbers, [None, Some(2), Some(8), None]);
    }

    #[test]
    fn bad_files_are_refused_with_a_reason() {
        for (bad, reason) in [
            ("gate = 3", "gate"),
            ("[[gate]]\nname=\"a\"\ncommand=\"\"", "command"),
            ("[[gate]]\nname=\"a\"\ncommand=\"x\"\ntimeout=0", "timeout"),
            ("[[gate]]\nname=\"a\"\ncommand=\"x\"\n[[gate]]\nname=\"a\"\ncommand=\"y\"", "two gates"),
            ("surprise = 1", "surprise"),
            ("protected = [\"//a\"]", "protected path"),
            ("[approvals]\npr = 0", "nonzero"),
            ("[approvals]\nhours = 3", "hours"),
            ("[approvals]\napprovers = [\"ann\"]", "approvers: `ann`"),
            ("[approvals]\napprovers = [\"a@b.c\", \"A@b.c\"]", "one person"),
        ] {
            let error = RepoConfig::parse(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }

    #[test]
    fn a_hostile_file_is_refused_in_few_words() {
        let long = format!("protected = []\n\nx = {}", "a".repeat(60_000));
        assert!(RepoConfig::parse(&long).unwrap_err().to_string().contains("cannot be used: line 3 ("));
        for text in [long, format!("protected = {}", "[".repeat(60_000)), "#".repeat(100_000), "\u{1b}".repeat(9)] {
            let error = RepoConfig::parse(&text).unwrap_err().to_string();
            assert!(error.len() < 500 && !error.contains('\u{1b}'), "{error}");
        }
        let key = RepoConfig::parse(&format!("{} = 1", "k".repeat(60_000))).unwrap_err().to_string();
        assert!(key.len() < 500 && key.contains("unknown field"), "{key}");
    }

    #[test]
    fn defaults_follow_the_project_type() {
        let names = |paths: &[&str]| {
            let paths = paths.iter().map(|p| (*p).to_owned()).collect();
            RepoConfig::load(None, &paths).unwrap().gate_names()
        };
        assert_eq!(names(&["package.json", "Makefile"]), ["npm test"]);
        assert_eq!(names(&["pyproject.toml"]), ["unittest"]);
        assert_eq!(names(&["pyproject.toml", "pytest.ini"]), ["pytest"]);
        assert_eq!(names(&["Makefile"]), ["make test"]);
        assert_eq!(names(&["README.md"]), Vec::<String>::new());
    }
}
