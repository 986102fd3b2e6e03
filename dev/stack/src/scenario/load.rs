//! Reading a scenario's folder, strictly: what is not understood is an error that names it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::ids::{Generation, TicketKey, WorkflowId};
use flux_lens_sim::NewTicket;
use model_sim::Script;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::expect::Expect;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The ticket.
    pub ticket: NewTicket,
    /// Its id.
    pub ticket_id: String,
    /// What the model answers, JSON lines.
    pub model: String,
    /// What people decide, in order.
    pub decisions: Vec<DecisionLine>,
    /// What must be true at the end.
    pub expect: Expect,
    /// Template parameters that it needs to be otherwise.
    pub parameters: BTreeMap<String, String>,
}

/// A line of `decisions.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionLine {
    /// What is decided.
    pub gate: GateName,
    /// How.
    pub decision: Choice,
    /// The decider's words.
    #[serde(default)]
    pub comment: Option<String>,
    /// On which way it is said.
    pub via: Via,
}

/// What a line of `decisions.json` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateName {
    /// The SPEC's gate.
    Spec,
    /// The pull request's gate.
    Pr,
    /// The agent's run.
    Run,
    /// The workflow's end.
    End,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Choice {
    /// Go on.
    Approve,
    /// Plan again.
    Revise,
    /// Stop.
    Reject,
    /// Merge at GitHub.
    Merge,
    /// Close the pull request.
    Close,
    /// Change something in the pull request.
    RequestChanges,
    /// Cancel the ticket.
    Cancel,
    /// Go on where it ended.
    Retry,
}

/// The way of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The link in the mail.
    Link,
    /// The code host.
    Github,
    /// The JSON API.
    Api,
    /// The buttons of the message in Slack.
    Slack,
    /// The ticket tracker.
    Ticket,
}

/// Why a folder is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder is missing or unreadable.
    #[error("{}: {reason}; docs/scenarios.md shows what a scenario consists of", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file's content is wrong.
    #[error("{}: {reason}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Where in it, and what.
        reason: String,
    },
}

const FILES: [&str; 7] =
    ["ticket.json", "repo", "packages", "model.jsonl", "decisions.json", "expect.json", "config.json"];

impl Scenario {
    /// Reads a folder.
    ///
    /// # Errors
    /// Names the file, and what in it, that is missing or not understood.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let folder = folder.canonicalize().map_err(|error| file(folder, error))?;
        for entry in fs::read_dir(&folder).map_err(|error| file(&folder, error))? {
            let name = entry.map_err(|error| file(&folder, error))?.file_name();
            if !FILES.iter().any(|known| name == *known) {
                return Err(content(&folder.join(name), "a scenario has no such file"));
            }
        }
        let ticket_path = folder.join("ticket.json");
        let ticket: NewTicket = json(&ticket_path)?;
        let ticket_id = ticket.id.clone().ok_or_else(|| content(&ticket_path, "id: it is missing"))?;
        if ticket.repository.split_once('/').is_none() {
            return Err(content(&ticket_path, "repository: it is not `owner/name`"));
        }
        let model_path = folder.join("model.jsonl");
        let model = fs::read_to_string(&model_path).map_err(|error| file(&model_path, error))?;
        Script::parse(&model).map_err(|error| content(&model_path, error))?;
        let decisions_path = folder.join("decisions.json");
        let decisions: Vec<DecisionLine> = json(&decisions_path)?;
        for (number, line) in decisions.iter().enumerate() {
            line.check().map_err(|reason| content(&decisions_path, format!("entry {}: {reason}", number + 1)))?;
        }
        let repo = folder.join("repo");
        if !repo.is_dir() {
            return Err(file(&repo, "there is no such folder"));
        }
        let config = folder.join("config.json");
        Ok(Self {
            name: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            expect: json(&folder.join("expect.json"))?,
            parameters: if config.exists() { json(&config)? } else { BTreeMap::new() },
            ticket,
            ticket_id,
            model,
            decisions,
            folder,
        })
    }

    /// The files of the base commit.
    pub fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// Packages that its setup fetches, if there are any.
    pub fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    /// The workflow that its ticket starts.
    pub fn workflow_id(&self) -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens(&self.ticket_id), Generation::FIRST)
    }
}

impl DecisionLine {
    fn check(&self) -> Result<(), String> {
        use {Choice as C, GateName as G, Via as V};
        let possible: &[Via] = match (self.gate, self.decision) {
            (G::Spec, C::Approve | C::Revise | C::Reject) | (G::Pr, C::Approve) => &[V::Link, V::Api, V::Slack],
            (G::Pr, C::RequestChanges | C::Close) => &[V::Link, V::Api, V::Slack, V::Github],
            (G::Pr, C::Merge) => &[V::Github],
            (G::Run, C::Cancel) => &[V::Ticket],
            (G::End, C::Retry) => &[V::Api],
            _ => &[],
        };
        if possible.is_empty() {
            return Err(format!("the gate {:?} has no decision {:?}", self.gate, self.decision));
        }
        if !possible.contains(&self.via) {
            return Err(format!("{:?} cannot be said via {:?}, only via {possible:?}", self.decision, self.via));
        }
        let says_nothing = self.comment.as_deref().is_none_or(|comment| comment.trim().is_empty());
        let needs_words = match self.decision {
            C::Revise | C::RequestChanges => true,
            C::Reject | C::Close => self.via != V::Github,
            _ => false,
        };
        if needs_words && says_nothing {
            return Err("comment: it is missing; whoever sends something back says why".to_owned());
        }
        Ok(())
    }
}

/// The scenarios of this checkout, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn shipped(root: &Path) -> Result<BTreeMap<String, PathBuf>, LoadError> {
    let folder = root.join("dev/scenarios");
    let entries = fs::read_dir(&folder).map_err(|error| file(&folder, error))?;
    let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.join("ticket.json").exists());
    Ok(folders.filter_map(|path| Some((path.file_name()?.to_string_lossy().into_owned(), path.clone()))).collect())
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    let text = fs::read_to_string(path).map_err(|error| file(path, error))?;
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| content(path, error))?;
    deserializer.end().map_err(|error| content(path, error))?;
    Ok(value)
}

fn file(path: &Path, reason: impl ToString) -> LoadError {
    LoadError::File { path: path.to_owned(), reason: reason.to_string() }
}

fn content(path: &Path, reason: impl ToString) -> LoadError {
    LoadError::Content { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use toolchain::Toolchain;

    use super::*;
    use crate::template::Template;

    #[test]
    fn every_shipped_scenario_can_be_read() {
        let toolchain = Toolchain::of_this_checkout();
        let template = fs::read_to_string(toolchain.root().join("template.yaml")).unwrap();
        let parameters = Template::new(template).parameters();
        let scenarios = shipped(toolchain.root()).unwrap();
        assert!(scenarios.len() >= 12, "{scenarios:?}");
        let mut tickets = std::collections::BTreeSet::new();
        for path in scenarios.values() {
            let scenario = Scenario::load(path).unwrap();
            assert!(tickets.insert(scenario.ticket_id.clone()), "{} is not unique", scenario.ticket_id);
            for name in scenario.parameters.keys() {
                assert!(parameters.contains(name), "{}: no parameter {name}", scenario.name);
            }
        }
    }

    #[test]
    fn what_cannot_be_decided_is_refused() {
        let check = |text: &str| serde_json::from_str::<DecisionLine>(text).unwrap().check();
        assert_eq!(check(r#"{"gate":"SPEC","decision":"APPROVE","via":"link"}"#), Ok(()));
        let error = check(r#"{"gate":"SPEC","decision":"MERGE","via":"github"}"#).unwrap_err();
        assert_eq!(error, "the gate Spec has no decision Merge");
        let error = check(r#"{"gate":"PR","decision":"APPROVE","via":"github"}"#).unwrap_err();
        assert_eq!(error, "Approve cannot be said via Github, only via [Link, Api, Slack]");
        let error = check(r#"{"gate":"SPEC","decision":"REVISE","via":"api","comment":" "}"#).unwrap_err();
        assert_eq!(error, "comment: it is missing; whoever sends something back says why");
    }

    #[test]
    fn a_typing_mistake_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Scenario::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("ticket.json"), "{error}");
        fs::write(folder.path().join("expected.json"), "{}").unwrap();
        let error = Scenario::load(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("expected.json: a scenario has no such file"), "{error}");
    }
}
