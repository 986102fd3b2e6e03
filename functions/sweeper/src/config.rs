//! Configuration and clients.

use runtime::Invoker;
use runtime::env::{ConfigError, required};
use store::{Gates, Slots, Store};

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The function that keeps gates.
    pub approvals_function: String,
    /// The function that does the state machine's bookkeeping.
    pub workflow_function: String,
    /// The state machine.
    pub state_machine: String,
    /// The inbound queue, for hints to look at a pull request.
    pub queue_url: String,
}

/// Everything that a sweep works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Workflows.
    pub store: Store,
    /// Gates, read only.
    pub gates: Gates,
    /// Slots, read only.
    pub slots: Slots,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// The inbound queue.
    pub sqs: aws_sdk_sqs::Client,
    /// Calls to our other functions.
    pub invoker: Invoker,
}

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        let state = required("STATE_TABLE")?;
        Ok(Self {
            config: Config {
                approvals_function: required("APPROVALS_FUNCTION")?,
                workflow_function: required("WORKFLOW_FUNCTION")?,
                state_machine: required("STATE_MACHINE_ARN")?,
                queue_url: required("INBOUND_QUEUE_URL")?,
            },
            store: Store::new(dynamo.clone(), &state, required("AUDIT_TABLE")?),
            gates: Gates::new(dynamo.clone(), required("GATES_TABLE")?),
            slots: Slots::new(dynamo, &state),
            sfn: aws_sdk_sfn::Client::new(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
            invoker: Invoker::from_config(&aws),
        })
    }
}
