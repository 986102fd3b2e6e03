//! The command line of the `github-sim` program.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::SecretString;

use crate::config::{AppConfig, Config, PersonalToken, WebhookConfig};

/// A GitHub that runs on this machine.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub struct Cli {
    /// Folder of the bare repositories and the state.
    #[arg(long, env = "GITHUB_SIM_STATE_DIR")]
    state_dir: PathBuf,
    /// Where to listen.
    #[arg(long, env = "GITHUB_SIM_LISTEN", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The login that acts on the pages.
    #[arg(long, env = "GITHUB_SIM_HUMAN", default_value = "maintainer")]
    human: String,
    /// The App's id.
    #[arg(long, env = "GITHUB_SIM_APP_ID", requires = "app_public_key")]
    app_id: Option<u64>,
    /// The App's name in URLs and in its login.
    #[arg(long, env = "GITHUB_SIM_APP_SLUG", default_value = "pi-tickets")]
    app_slug: String,
    /// A file with the App's RSA public key in PEM.
    #[arg(long, env = "GITHUB_SIM_APP_PUBLIC_KEY", requires = "app_id")]
    app_public_key: Option<PathBuf>,
    /// Where webhooks go.
    #[arg(long, env = "GITHUB_SIM_WEBHOOK_URL", requires = "webhook_secret")]
    webhook_url: Option<String>,
    /// The key of the webhooks' signatures.
    #[arg(long, env = "GITHUB_SIM_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<SecretString>,
    /// A personal token of the human, `ghp_…`.
    #[arg(long, env = "GITHUB_SIM_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
}

impl Cli {
    /// The configuration that the arguments describe.
    ///
    /// # Errors
    /// When the public key cannot be read.
    pub fn config(self) -> anyhow::Result<Config> {
        let mut config = Config::new(self.state_dir);
        config.listen = self.listen;
        config.human = self.human;
        if let (Some(id), Some(file)) = (self.app_id, self.app_public_key) {
            let key = std::fs::read_to_string(&file)
                .with_context(|| format!("the public key {} cannot be read", file.display()))?;
            config.app = Some(AppConfig::new(id, &self.app_slug, key));
        }
        if let (Some(url), Some(secret)) = (self.webhook_url, self.webhook_secret) {
            config.webhook = Some(WebhookConfig::new(url, secret));
        }
        if let Some(token) = self.token {
            config.personal_tokens.push(PersonalToken { token, login: config.human.clone() });
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["github-sim", "--state-dir", "/x", "--token", "ghp_x"]).unwrap();
        let config = cli.config().unwrap();
        assert_eq!(config.personal_tokens[0].login, "maintainer");
        assert!(config.app.is_none() && config.webhook.is_none());
        assert!(Cli::try_parse_from(["github-sim", "--state-dir", "/x", "--app-id", "1"]).is_err());
    }
}
