//! Configuration and clients.

use std::str::FromStr;

use domain::gate::policy::{self, ApprovalPolicy, GateRule, RiskThresholds};
use domain::person::Person;
use runtime::env::{ConfigError, optional, parsed, required};
use store::{Gates, Store, Tokens};

/// Which of the two deployed functions this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Opens, decides and delivers gates.
    Gates,
    /// Makes approval links.
    Links,
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "gates" => Ok(Self::Gates),
            "links" => Ok(Self::Links),
            other => Err(format!("expected `gates` or `links`, not `{other}`")),
        }
    }
}

/// What template.yaml sets for the entry `gates`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who is asked, how many approvals it takes, and how long people have.
    pub policy: ApprovalPolicy,
    /// `APPROVAL_CODES`: whether who has a link may type a mailed code instead of signing in.
    pub codes: bool,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        let approvers = people("APPROVERS", Some(required("APPROVERS")?))?;
        if approvers.is_empty() {
            return Err(ConfigError::Missing("APPROVERS"));
        }
        Ok(Self {
            codes: parsed("APPROVAL_CODES")?,
            policy: ApprovalPolicy {
                approvers,
                escalation: people("ESCALATION_APPROVERS", optional("ESCALATION_APPROVERS"))?,
                spec: GateRule { required: parsed("SPEC_APPROVALS")?, seconds: parsed("SPEC_APPROVAL_SECONDS")? },
                pr: GateRule { required: parsed("PR_APPROVALS")?, seconds: parsed("PR_APPROVAL_SECONDS")? },
                at_risk: parsed("RISK_APPROVALS")?,
                thresholds: RiskThresholds {
                    files: parsed("RISK_FILES")?,
                    confidence_percent: parsed("RISK_CONFIDENCE_PERCENT")?,
                },
            },
        })
    }
}

/// A list of people; empty where the variable is not set.
fn people(name: &'static str, text: Option<String>) -> Result<Vec<Person>, ConfigError> {
    policy::people(&text.unwrap_or_default()).map_err(|error| ConfigError::Invalid { name, reason: error.to_string() })
}

/// Everything that a request works with.
pub enum Context {
    /// As `gates`.
    Gates(GatesContext),
    /// As `links`.
    Links(Gates),
}

/// What the entry `gates` works with.
pub struct GatesContext {
    /// Configuration.
    pub config: Config,
    /// Workflows and their audit trail.
    pub store: Store,
    /// Gates.
    pub gates: Gates,
    /// Task tokens.
    pub tokens: Tokens,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let entry: Entry = parsed("ENTRY")?;
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        let gates = Gates::new(dynamo.clone(), required("GATES_TABLE")?);
        if entry == Entry::Links {
            return Ok(Self::Links(gates));
        }
        Ok(Self::Gates(GatesContext {
            config: Config::from_env()?,
            store: Store::new(dynamo.clone(), required("STATE_TABLE")?, required("AUDIT_TABLE")?),
            gates,
            tokens: Tokens::new(dynamo, required("TOKENS_TABLE")?),
            sfn: aws_sdk_sfn::Client::new(&aws),
        }))
    }
}
