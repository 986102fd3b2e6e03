//! Where the setup of a sandbox may fetch packages from: CodeArtifact, and hosts that the operator allows.
//!
//! The token is made here and not in the sandbox, because the gates' sandbox has no role to make one with. It opens one
//! repository for reading, for little longer than one run, and stands in the run's `task.json`, which only the run's
//! supervisor can fetch.

use aws_config::SdkConfig;
use aws_sdk_codeartifact::Client;
use aws_sdk_codeartifact::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_codeartifact::types::PackageFormat;
use domain::failure::{Failure, FailureKind};
use domain::packages::{AccessToken, Ecosystem, HostName, Mirror, PackageSources};
use runtime::env::{ConfigError, optional, parsed, required};

/// How much longer than its run a token lives, seconds: a sandbox takes a while to start.
const MARGIN: u64 = 900;
/// The limits that CodeArtifact sets on a token's life, seconds.
const TOKEN_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

/// What the operator allows.
#[derive(Debug, Clone)]
pub struct Packages {
    hosts: Vec<HostName>,
    repository: Option<Repository>,
    client: Client,
}

/// A repository of CodeArtifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its domain.
    pub domain: String,
    /// The domain's owner: an account.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Where it keeps contents.
    pub contents: HostName,
}

impl Repository {
    /// Reads `CODEARTIFACT_DOMAIN`, and what goes with it.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(domain) = optional("CODEARTIFACT_DOMAIN") else { return Ok(None) };
        Ok(Some(Self {
            domain,
            owner: required("CODEARTIFACT_OWNER")?,
            name: required("CODEARTIFACT_REPOSITORY")?,
            contents: parsed("CODEARTIFACT_CONTENTS_HOST")?,
        }))
    }
}

impl Packages {
    /// From a repository, if there is one, and from hosts.
    pub fn new(aws: &SdkConfig, repository: Option<Repository>, hosts: Vec<HostName>) -> Self {
        Self { hosts, repository, client: Client::new(aws) }
    }

    /// Reads `SETUP_HOSTS`, and the variables of a [`Repository`].
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, ConfigError> {
        let hosts = HostName::list(&optional("SETUP_HOSTS").unwrap_or_default())
            .map_err(|error| ConfigError::Invalid { name: "SETUP_HOSTS", reason: error.to_string() })?;
        Ok(Self::new(aws, Repository::from_env()?, hosts))
    }

    /// The sources for a run of so many seconds.
    ///
    /// # Errors
    /// CodeArtifact does not give a token.
    pub(crate) async fn sources(&self, seconds: u64) -> Result<PackageSources, Failure> {
        let mirrors = match &self.repository {
            Some(repository) => repository.mirrors(&self.client, seconds).await?,
            None => vec![],
        };
        Ok(PackageSources { mirrors, hosts: self.hosts.clone() })
    }
}

impl Repository {
    async fn mirrors(&self, client: &Client, seconds: u64) -> Result<Vec<Mirror>, Failure> {
        let seconds = (seconds + MARGIN).clamp(*TOKEN_SECONDS.start(), *TOKEN_SECONDS.end());
        let answer = client
            .get_authorization_token()
            .domain(&self.domain)
            .domain_owner(&self.owner)
            .duration_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
            .send()
            .await
            .map_err(|error| self.failure("a token", &error, &DisplayErrorContext(&error)))?;
        let token = answer.authorization_token.map(AccessToken::new);
        let token =
            token.ok_or_else(|| Failure::new(FailureKind::Internal, "CodeArtifact answered without a token"))?;
        let mut mirrors = Vec::new();
        for ecosystem in Ecosystem::ALL {
            let url = self.address(client, ecosystem).await?;
            let redirects = vec![self.contents.clone()];
            mirrors.push(Mirror { ecosystem, url, token: Some(token.clone()), redirects });
        }
        Ok(mirrors)
    }

    async fn address(&self, client: &Client, ecosystem: Ecosystem) -> Result<String, Failure> {
        let format = match ecosystem {
            Ecosystem::Npm => PackageFormat::Npm,
            Ecosystem::Pypi => PackageFormat::Pypi,
            Ecosystem::Cargo => PackageFormat::Cargo,
        };
        let answer = client
            .get_repository_endpoint()
            .domain(&self.domain)
            .domain_owner(&self.owner)
            .repository(&self.name)
            .format(format)
            .send()
            .await
            .map_err(|error| self.failure("an address", &error, &DisplayErrorContext(&error)))?;
        answer
            .repository_endpoint
            .ok_or_else(|| Failure::new(FailureKind::Internal, "CodeArtifact answered without an address"))
    }

    /// What is wrong with our settings stays wrong; all else passes.
    fn failure(&self, what: &str, error: &impl ProvideErrorMetadata, text: &dyn std::fmt::Display) -> Failure {
        let lasting = ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"];
        let kind = if error.code().is_some_and(|code| lasting.contains(&code)) {
            FailureKind::Internal
        } else {
            FailureKind::Transient
        };
        let Self { domain, name, .. } = self;
        Failure::new(kind, format!("CodeArtifact did not give {what} for `{name}` of the domain `{domain}`: {text}"))
    }
}
