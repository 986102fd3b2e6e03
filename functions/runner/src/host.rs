//! What a run needs from the machine that it runs on.

use std::fmt;
use std::sync::Arc;

use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use camino::Utf8PathBuf;
use domain::task::{ModelTarget, Provider};
use runtime::Secrets;
use runtime::env::{ConfigError, optional, parsed_or, required};
use secrecy::SecretString;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::disk::Measure;
use crate::environment::ToolEnvironment;
use crate::packages::dial::Dial;
use crate::pi::launch::PiProgram;
use crate::progress::Clock;
use crate::proxy::Upstream;
use crate::proxy::upstream::bedrock::BedrockUpstream;
use crate::proxy::upstream::http::HttpUpstream;
use crate::sandbox::Sandbox;
use crate::transfer::Transfers;

/// Where the image has Pi.
const DEFAULT_PI: &str = "/opt/pi/node_modules/@earendil-works/pi-coding-agent/dist/bundle/cli.js";

/// The program's environment variables, read once.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `PI_TICKETS_TASK_URL`: presigned URL of `task.json`.
    pub task_url: String,
    /// `PI_TICKETS_NODE` (default `node`) and `PI_TICKETS_PI` (default: where the image has it).
    pub pi: PiProgram,
    /// `PI_TICKETS_WORK_DIR`: where workspaces are made (default: the system's temporary folder).
    pub work_dir: Utf8PathBuf,
    /// `PI_TICKETS_NETWORK=surrounded`: what surrounds the container keeps it from every network (default: nothing does,
    /// so that the sandbox has to).
    pub surrounded: bool,
    /// `PI_TICKETS_ALLOW_WEAK_SANDBOX=true`: go on where the sandbox cannot keep its promises. Never in AWS.
    pub weak: bool,
    /// `MODEL_SECRET_ARN`: the secret with the model provider's key; not needed for Bedrock, absent in mode `qa`.
    pub model_secret: Option<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("pi", &self.pi).field("work_dir", &self.work_dir).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    /// `PI_TICKETS_TASK_URL` is missing, or a path is not usable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let temporary = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
        Ok(Self {
            task_url: required(domain::task::TASK_URL_VARIABLE)?,
            pi: PiProgram {
                node: parsed_or("PI_TICKETS_NODE", "node".into())?,
                entry: parsed_or("PI_TICKETS_PI", DEFAULT_PI.into())?,
            },
            work_dir: parsed_or("PI_TICKETS_WORK_DIR", temporary)?,
            surrounded: optional("PI_TICKETS_NETWORK").is_some_and(|value| value == "surrounded"),
            weak: optional("PI_TICKETS_ALLOW_WEAK_SANDBOX").is_some_and(|value| value == "true"),
            model_secret: optional("MODEL_SECRET_ARN"),
        })
    }
}

/// The machine.
#[derive(Clone)]
pub struct Host {
    /// Pi and its Node.
    pub pi: PiProgram,
    /// Where workspaces are made.
    pub work_dir: Utf8PathBuf,
    /// What commands of the repository may know.
    pub environment: ToolEnvironment,
    /// The isolation.
    pub sandbox: Arc<dyn Sandbox>,
    /// The model provider's credential.
    pub access: ModelAccess,
    /// Presigned transfers.
    pub transfers: Transfers,
    /// Connections to hosts that the operator allowed.
    pub dial: Arc<dyn Dial>,
    /// What is free on the disk.
    pub measure: Measure,
    /// The time, for progress lines.
    pub clock: Clock,
    /// Cancelled when the program is told to stop.
    pub stop: CancellationToken,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("pi", &self.pi).field("sandbox", &self.sandbox).finish_non_exhaustive()
    }
}

/// How the supervisor comes to the model provider's credential.
#[derive(Debug, Clone)]
pub enum ModelAccess {
    /// By the task role: the key from Secrets Manager, or Bedrock itself.
    TaskRole {
        /// The secret: JSON `{"api_key": "…"}`.
        secret: Option<String>,
    },
    /// A key at hand.
    Key(SecretString),
}

#[derive(Deserialize)]
struct ModelSecret {
    api_key: SecretString,
}

/// Why the model cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No secret is configured.
    #[error("the model provider needs a key, and MODEL_SECRET_ARN is not set")]
    NoSecret,
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] domain::failure::Failure),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] crate::proxy::upstream::http::ClientError),
}

impl ModelAccess {
    /// The provider behind the proxy.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub async fn upstream(&self, model: &ModelTarget) -> Result<Upstream, AccessError> {
        if model.provider == Provider::Bedrock {
            let shared = runtime::aws_config().await;
            // The proxy repeats calls itself.
            let config = aws_sdk_bedrockruntime::config::Builder::from(&shared).retry_config(RetryConfig::disabled());
            let client = aws_sdk_bedrockruntime::Client::from_conf(config.build());
            return Ok(Upstream::Bedrock(BedrockUpstream::new(client, model.model.clone())));
        }
        let key = match self {
            Self::Key(key) => key.clone(),
            Self::TaskRole { secret: None } => return Err(AccessError::NoSecret),
            Self::TaskRole { secret: Some(arn) } => {
                let secrets = Secrets::from_config(&runtime::aws_config().await);
                secrets.json::<ModelSecret>(arn).await?.api_key
            }
        };
        Ok(Upstream::Http(HttpUpstream::new(model.provider.into(), &model.base_url, key)?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The image is not built by tests; what it says must at least be so.
    #[test]
    fn the_image_has_pi_where_the_program_looks() {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let image = std::fs::read_to_string(crate_folder.join("Dockerfile")).unwrap();
        let pi = DEFAULT_PI.strip_prefix("/opt/pi/").unwrap();
        assert!(image.contains("COPY --from=pi /opt/pi /opt/pi\n"), "{image}");
        assert!(crate_folder.join("pi").join(pi).is_file(), "{pi} is not in the installed package");
        let top = crate_folder.ancestors().nth(2).unwrap();
        let copied: Vec<_> = image.split_whitespace().filter(|word| word.starts_with("functions/runner/pi/")).collect();
        assert_eq!(copied.len(), 2, "{copied:?}");
        for file in copied {
            assert!(top.join(file).is_file(), "{file}");
        }
    }
}
