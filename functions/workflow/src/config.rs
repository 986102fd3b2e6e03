//! Configuration and clients.

use domain::budget::{Budget, Prices, micro_usd};
use domain::slot::SlotPool;
use domain::task::{ModelTarget, Provider, RunLimits};
use domain::verify::VerifyPolicy;
use github::Host;
use runtime::Invoker;
use runtime::env::{ConfigError, json, optional, parsed, required};
use store::{Objects, Slots, Store, Tokens};

use crate::packages::Packages;
use crate::urls::Signer;

/// What template.yaml sets.
#[derive(Debug, Clone)]
pub struct Config {
    /// Most runs at once.
    pub max_runs: usize,
    /// Most plannings at once.
    pub max_plans: usize,
    /// Longest agent run, seconds.
    pub agent_seconds: u64,
    /// Longest QA run, seconds.
    pub qa_seconds: u64,
    /// Longest silence of an agent, seconds.
    pub silence_seconds: u64,
    /// The role that signs a run's URLs.
    pub bundle_role: String,
    /// The ECS cluster.
    pub cluster: String,
    /// The model that the agent uses.
    pub model: ModelTarget,
    /// What all runs of one ticket may spend.
    pub budget: Budget,
    /// Whether a SPEC may name files under `.github/workflows`.
    pub allow_workflow_files: bool,
    /// The function that keeps gates.
    pub approvals_function: String,
    /// The function that gives read tokens.
    pub github_auth_function: String,
    /// The code host's API.
    pub github_api_url: String,
}

/// Everything a step works with.
pub struct Context {
    /// Configuration.
    pub config: Config,
    /// Workflows and their audit trail.
    pub store: Store,
    /// The bucket.
    pub objects: Objects,
    /// Slots.
    pub slots: Slots,
    /// Task tokens.
    pub tokens: Tokens,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Signs a run's URLs.
    pub signer: Signer,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// GitHub.
    pub host: Host,
    /// Where setup may fetch packages from.
    pub packages: Packages,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        let provider: Provider = serde_json::from_value(required("MODEL_PROVIDER")?.into())
            .map_err(|error| ConfigError::Invalid { name: "MODEL_PROVIDER", reason: error.to_string() })?;
        let usd: f64 = parsed("RUN_MAX_USD")?;
        Ok(Self {
            max_runs: parsed("MAX_RUNS")?,
            max_plans: parsed("MAX_PLANS")?,
            agent_seconds: parsed("AGENT_SECONDS")?,
            qa_seconds: parsed("QA_SECONDS")?,
            silence_seconds: parsed("SILENCE_SECONDS")?,
            bundle_role: required("BUNDLE_ROLE_ARN")?,
            cluster: required("ECS_CLUSTER")?,
            model: ModelTarget::new(
                provider,
                optional("MODEL_BASE_URL"),
                required("AGENT_MODEL")?,
                json::<Prices>("MODEL_PRICES")?,
            ),
            budget: Budget {
                max_tokens: parsed("RUN_MAX_TOKENS")?,
                max_micro_usd: micro_usd(usd),
                max_turns: parsed("RUN_MAX_TURNS")?,
            },
            allow_workflow_files: parsed("ALLOW_WORKFLOW_FILES")?,
            approvals_function: required("APPROVALS_FUNCTION")?,
            github_auth_function: required("GITHUB_AUTH_READ_FUNCTION")?,
            github_api_url: required("GITHUB_API_URL")?,
        })
    }

    /// Slots of a pool.
    pub(crate) const fn capacity(&self, pool: SlotPool) -> usize {
        match pool {
            SlotPool::Plan => self.max_plans,
            SlotPool::Run => self.max_runs,
        }
    }

    /// Limits of an agent run.
    pub(crate) const fn agent_limits(&self) -> RunLimits {
        self.limits(self.agent_seconds)
    }

    /// Limits of a QA run.
    pub(crate) const fn qa_limits(&self) -> RunLimits {
        self.limits(self.qa_seconds)
    }

    const fn limits(&self, total_seconds: u64) -> RunLimits {
        let policy = self.verify_policy();
        RunLimits {
            total_seconds,
            silence_seconds: self.silence_seconds,
            max_file_bytes: policy.max_file_bytes,
            max_total_bytes: policy.max_total_bytes,
            max_files: MAX_FILES,
            max_output_bytes: MAX_OUTPUT_BYTES,
        }
    }

    /// What a change set must keep to.
    pub(crate) const fn verify_policy(&self) -> VerifyPolicy {
        VerifyPolicy::new(self.allow_workflow_files)
    }
}

const MAX_FILES: u64 = 2_000;
const MAX_OUTPUT_BYTES: u64 = 8 * 1024 * 1024;

impl Context {
    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let config = Config::from_env()?;
        let host = Host::new(&config.github_api_url)
            .map_err(|error| ConfigError::Invalid { name: "GITHUB_API_URL", reason: error.to_string() })?;
        let aws = runtime::aws_config().await;
        let dynamo = aws_sdk_dynamodb::Client::new(&aws);
        let state = required("STATE_TABLE")?;
        Ok(Self {
            store: Store::new(dynamo.clone(), &state, required("AUDIT_TABLE")?),
            objects: Objects::new(Objects::client(&aws), required("BUCKET")?),
            slots: Slots::new(dynamo.clone(), &state),
            tokens: Tokens::new(dynamo, required("TOKENS_TABLE")?),
            sfn: aws_sdk_sfn::Client::new(&aws),
            ecs: aws_sdk_ecs::Client::new(&aws),
            signer: Signer::new(&aws, required("BUCKET")?, config.bundle_role.clone()),
            invoker: Invoker::from_config(&aws),
            host,
            packages: Packages::from_env(&aws)?,
            config,
        })
    }
}
