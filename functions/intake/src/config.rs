//! Configuration and clients.

use domain::workflow::RoundLimits;
use github::Host;
use runtime::Invoker;
use runtime::env::{ConfigError, parsed, required};
use store::{Gates, Store};

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The state machine.
    pub state_machine: String,
    /// The function that keeps gates.
    pub approvals_function: String,
    /// The function that does the state machine's bookkeeping.
    pub workflow_function: String,
    /// The function that gives read tokens.
    pub github_auth_function: String,
    /// The code host's API.
    pub github_api_url: String,
    /// How often a new workflow may go round.
    pub limits: RoundLimits,
}

/// Everything that a message works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Workflows, tickets and deliveries.
    pub store: Store,
    /// Gates, read only.
    pub gates: Gates,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// The queue, to put failed messages off.
    pub sqs: aws_sdk_sqs::Client,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// GitHub.
    pub host: Host,
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let config = Config {
            state_machine: required("STATE_MACHINE_ARN")?,
            approvals_function: required("APPROVALS_FUNCTION")?,
            workflow_function: required("WORKFLOW_FUNCTION")?,
            github_auth_function: required("GITHUB_AUTH_READ_FUNCTION")?,
            github_api_url: required("GITHUB_API_URL")?,
            limits: RoundLimits {
                plan_revisions: parsed("PLAN_REVISIONS")?,
                repairs: parsed("REPAIRS")?,
                review_rounds: parsed("REVIEW_ROUNDS")?,
                scope_changes: parsed("SCOPE_CHANGES")?,
            },
        };
        let host = Host::new(&config.github_api_url)
            .map_err(|error| ConfigError::Invalid { name: "GITHUB_API_URL", reason: error.to_string() })?;
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        Ok(Self {
            store: Store::new(dynamo.clone(), required("STATE_TABLE")?, required("AUDIT_TABLE")?),
            gates: Gates::new(dynamo, required("GATES_TABLE")?),
            sfn: aws_sdk_sfn::Client::new(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
            invoker: Invoker::from_config(&aws),
            host,
            config,
        })
    }
}
