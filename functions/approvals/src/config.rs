//! Configuration and clients.

use std::str::FromStr;

use domain::person::Person;
use runtime::env::{ConfigError, list, parsed, required};
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
    /// Who may approve.
    pub approvers: Vec<Person>,
    /// How long a SPEC waits for a decision, seconds.
    pub spec_seconds: i64,
    /// How long a pull request waits for a decision, seconds.
    pub pr_seconds: i64,
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
        let approvers: Vec<Person> = list("APPROVERS").into_iter().map(Person::from_email).collect();
        if approvers.is_empty() {
            return Err(ConfigError::Missing("APPROVERS"));
        }
        Ok(Self::Gates(GatesContext {
            config: Config {
                approvers,
                spec_seconds: parsed("SPEC_APPROVAL_SECONDS")?,
                pr_seconds: parsed("PR_APPROVAL_SECONDS")?,
            },
            store: Store::new(dynamo.clone(), required("STATE_TABLE")?, required("AUDIT_TABLE")?),
            gates,
            tokens: Tokens::new(dynamo, required("TOKENS_TABLE")?),
            sfn: aws_sdk_sfn::Client::new(&aws),
        }))
    }
}
