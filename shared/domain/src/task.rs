//! `task.json`: what a sandbox run is told, and the report that it sends back.
//!
//! The runner's only input is one presigned URL, in the environment variable [`TASK_URL_VARIABLE`]. Every other
//! address stands in the file behind it. The runner has no permission at the code host, S3 or Step Functions.

use serde::{Deserialize, Serialize};

use crate::budget::{Budget, Prices, Usage};
use crate::digest::Digest;
use crate::ids::{Attempt, CommitSha, TicketKey, WorkflowId};
use crate::packages::PackageSources;
use crate::repo_config::{GateConfig, SetupConfig};
use crate::spec::{ChecklistItem, Spec, SpecFile};

/// Environment variable with the presigned URL of `task.json`.
pub const TASK_URL_VARIABLE: &str = "PI_TICKETS_TASK_URL";
/// Version of [`Task`]'s form.
pub const TASK_VERSION: u32 = 1;
/// Version of [`RunReport`]'s form.
pub const REPORT_VERSION: u32 = 1;

/// A sandbox run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// [`TASK_VERSION`].
    pub version: u32,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// The ticket.
    pub ticket: TicketKey,
    /// The commit in `workspace`.
    pub base_commit: CommitSha,
    /// The tree at the base commit: a `tar.zst` of files below no common folder.
    pub workspace: Download,
    /// Where the [`RunReport`] goes, by PUT.
    pub report_url: String,
    /// Limits of the run.
    pub limits: RunLimits,
    /// Where the repository's setup may fetch packages from.
    #[serde(default, skip_serializing_if = "PackageSources::is_empty")]
    pub packages: PackageSources,
    /// Agent or quality gates.
    pub work: Work,
}

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Presigned URL for GET.
    pub url: String,
    /// Digest of the bytes behind it.
    pub digest: Digest,
}

/// Limits that the supervisor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLimits {
    /// Whole run, seconds.
    pub total_seconds: u64,
    /// Longest time without an event from the agent, seconds.
    pub silence_seconds: u64,
    /// Largest file of a change set, bytes.
    pub max_file_bytes: u64,
    /// Largest change set, bytes before compression.
    pub max_total_bytes: u64,
    /// Most changed files.
    pub max_files: u64,
    /// Most output that is kept of one command, bytes.
    pub max_output_bytes: u64,
}

/// What the run is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Implement the approved SPEC.
    Agent(Box<AgentWork>),
    /// Run quality gates over base + change set.
    Qa(Box<QaWork>),
}

/// Work of mode `agent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentWork {
    /// The approved SPEC.
    pub spec: Spec,
    /// Its digest: the runner refuses to start when it differs.
    pub spec_digest: Digest,
    /// The ticket's title, for the prompt.
    pub ticket_title: String,
    /// Why the previous attempt was not good enough, in words for the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// The previous attempt's change set, to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_changes: Option<Download>,
    /// The model behind the supervisor's proxy.
    pub model: ModelTarget,
    /// What this run may spend.
    pub budget: Budget,
    /// Commands of the repository's gates, so that the agent can run them itself.
    pub gates: Vec<GateConfig>,
    /// `[setup]` of the repository's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupConfig>,
    /// Where the change set goes, by PUT.
    pub changes_url: String,
    /// Where the agent's session file goes, by PUT.
    pub session_url: String,
}

/// A model and how to reach it. The credential is not part of it: the supervisor reads it by its task role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTarget {
    /// Which protocol.
    pub provider: Provider,
    /// Base URL of the provider's API without a trailing slash; unused for Bedrock.
    pub base_url: String,
    /// The provider's name of the model.
    pub model: String,
    /// What it costs.
    pub prices: Prices,
}

impl ModelTarget {
    /// A model at `base_url`, or at the provider's public address.
    pub fn new(provider: Provider, base_url: Option<String>, model: String, prices: Prices) -> Self {
        let base_url = base_url.map(|url| url.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty());
        Self { provider, base_url: base_url.unwrap_or_else(|| provider.public_url().to_owned()), model, prices }
    }
}

/// A model provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Amazon Bedrock, by the task role.
    Bedrock,
    /// Anthropic's Messages API, or another that speaks it.
    Anthropic,
    /// OpenAI's Chat Completions API, or another that speaks it.
    Openai,
}

impl Provider {
    /// The public API's base URL, as the provider documents it; empty for Bedrock, which the SDK finds by region.
    pub const fn public_url(self) -> &'static str {
        match self {
            Self::Bedrock => "",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Openai => "https://api.openai.com/v1",
        }
    }
}

/// Work of mode `qa`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QaWork {
    /// The verified change set.
    pub changes: Download,
    /// The gates, from the base commit's configuration.
    pub gates: Vec<GateConfig>,
    /// `[setup]` of that configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupConfig>,
    /// The SPEC's checklist.
    pub checklist: Vec<ChecklistItem>,
    /// The SPEC's files: what may be missing afterwards, and what setup may see before it runs.
    #[serde(default)]
    pub files: Vec<SpecFile>,
    /// Whether the ticket is about a bug, so that a test should show it.
    #[serde(default)]
    pub bug: bool,
    /// Where the QA report goes, by PUT: JSON.
    pub qa_json_url: String,
    /// Where the QA report goes, by PUT: HTML.
    pub qa_html_url: String,
    /// Where the commands' full output goes, by PUT: plain text, one section per command.
    pub output_url: String,
}

/// What the supervisor says at the end, last of all uploads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt, so that a late report of an earlier one is recognised.
    pub attempt: Attempt,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Digest of the uploaded change set; mode `agent` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Digest>,
    /// Digest of the uploaded QA report (JSON); mode `qa` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qa_report: Option<Digest>,
    /// What the model cost.
    pub usage: Usage,
    /// The agent's closing words, at most 4 KiB. Not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The isolation layers that were active, in words such as `process-group` or `network-namespace`.
    pub isolation: Vec<String>,
    /// How many connections the sandbox's commands asked for and did not get.
    #[serde(default)]
    pub refused_connections: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RunOutcome {
    /// The work was done; whether it is any good is found out elsewhere.
    Completed,
    /// The whole run took too long.
    TimedOut,
    /// The agent gave no sign of life for too long.
    Silent,
    /// It filled the disk that it may use.
    DiskLimit,
    /// Its budget is spent.
    BudgetExceeded {
        /// Which limit, in words.
        limit: String,
    },
    /// The model provider refused or did not answer, after retries.
    ModelFailed {
        /// The provider's answer, shortened.
        message: String,
    },
    /// The agent program itself broke.
    AgentCrashed {
        /// What is known.
        message: String,
    },
    /// It was told to stop.
    Stopped,
    /// The agent asks for more files than the SPEC names.
    ScopeChangeRequested {
        /// The wanted paths, not checked.
        paths: Vec<String>,
        /// Why, in the agent's words.
        reason: String,
    },
    /// The run could not begin.
    SetupFailed {
        /// What went wrong.
        message: String,
    },
}

/// One line of the runner's standard output. The log subscription turns these into rows; other lines are kept as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgressLine {
    /// Always `progress`.
    pub pi_tickets: ProgressTag,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The attempt.
    pub attempt: Attempt,
    /// `agent` or `qa`.
    pub run: RunKind,
    /// Counts the run's lines from 1.
    pub seq: u64,
    /// When, by the supervisor's clock.
    pub at: jiff::Timestamp,
    /// What happened.
    pub event: ProgressEvent,
}

/// Marks a [`ProgressLine`] among other log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressTag {
    /// The only value.
    Progress,
}

/// Which of the two sandboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The agent's.
    Agent,
    /// The quality gates'.
    Qa,
}

impl RunKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Qa => "qa",
        }
    }
}

/// What a [`ProgressLine`] says. Texts are shortened to 2 KiB by the runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProgressEvent {
    /// The run began.
    Started {
        /// The isolation layers.
        isolation: Vec<String>,
    },
    /// The agent said something.
    Message {
        /// What.
        text: String,
    },
    /// The agent used a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// Its input in short: a path or a command.
        summary: String,
        /// Whether it failed or was refused; absent while it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<bool>,
    },
    /// A model call ended.
    ModelCall {
        /// What the run has cost so far.
        usage: Usage,
    },
    /// A gate began or ended.
    Gate {
        /// Its name.
        name: String,
        /// Whether it passed; absent when it begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passed: Option<bool>,
        /// Milliseconds, at its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
    },
    /// Sign of life, at least every 30 seconds.
    Heartbeat,
    /// The run ended.
    Ended {
        /// How.
        outcome: RunOutcome,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_base_url_the_provider_is_reached_at_its_public_one() {
        let base_url = |provider, given: Option<&str>| {
            let prices = Prices { input: 1, cached_input: 1, output: 1 };
            ModelTarget::new(provider, given.map(str::to_owned), "m".to_owned(), prices).base_url
        };
        for given in [None, Some(""), Some("/")] {
            assert_eq!(base_url(Provider::Anthropic, given), "https://api.anthropic.com");
            assert_eq!(base_url(Provider::Openai, given), "https://api.openai.com/v1");
            assert_eq!(base_url(Provider::Bedrock, given), "");
        }
        assert_eq!(
            base_url(Provider::Openai, Some("https://models.acme.example/v1/")),
            "https://models.acme.example/v1"
        );
    }
}
