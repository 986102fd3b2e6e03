//! Configuration and clients.

use domain::dead_letters::DeadLetterQueue;
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
    /// The queues of dead letters.
    pub dead_letters: Vec<DeadLetterUrls>,
}

/// A queue of dead letters, and where its messages came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterUrls {
    /// Which.
    pub queue: DeadLetterQueue,
    /// Its address.
    pub url: String,
    /// The address of the queue that they go back to, where they came from one.
    pub back_to: Option<String>,
}

impl DeadLetterUrls {
    fn from_env() -> Result<Vec<Self>, ConfigError> {
        use DeadLetterQueue::{Delivery, Email, Finish, Inbound, Slack, Stream, Ticket};
        let all = [
            (Inbound, required("INBOUND_DEAD_LETTERS_URL")?, Some(required("INBOUND_QUEUE_URL")?)),
            (Ticket, required("TICKET_DEAD_LETTERS_URL")?, Some(required("TICKET_QUEUE_URL")?)),
            (Email, required("EMAIL_DEAD_LETTERS_URL")?, Some(required("EMAIL_QUEUE_URL")?)),
            (Slack, required("SLACK_DEAD_LETTERS_URL")?, Some(required("SLACK_QUEUE_URL")?)),
            (Delivery, required("DELIVERY_DEAD_LETTERS_URL")?, Some(required("DELIVERY_QUEUE_URL")?)),
            (Finish, required("FINISH_DEAD_LETTERS_URL")?, None),
            (Stream, required("STREAM_DEAD_LETTERS_URL")?, None),
        ];
        Ok(all.into_iter().map(|(queue, url, back_to)| Self { queue, url, back_to }).collect())
    }
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
                dead_letters: DeadLetterUrls::from_env()?,
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
