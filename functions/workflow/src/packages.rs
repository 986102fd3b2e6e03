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
use runtime::env::{ConfigError, optional};

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
    domain: String,
    /// The domain's account.
    owner: String,
    name: String,
    /// Where it keeps contents.
    contents: HostName,
}

/// Why a repository is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// The repository's name.
    #[error("it is not the ARN of a repository (arn:aws:codeartifact:REGION:ACCOUNT:repository/DOMAIN/NAME)")]
    Repository,
    /// The bucket's name.
    #[error("with it belongs the ARN of a bucket, which `aws codeartifact describe-domain` calls s3BucketArn")]
    Bucket,
}

impl Repository {
    /// By the ARNs of the repository and of the bucket where CodeArtifact keeps its contents.
    ///
    /// # Errors
    /// One of them is none.
    pub fn by_arn(repository: &str, bucket: &str) -> Result<Self, InvalidRepository> {
        let parts: Vec<&str> = repository.splitn(6, ':').collect();
        let [_, partition, "codeartifact", region, owner, resource] = parts.as_slice() else {
            return Err(InvalidRepository::Repository);
        };
        let (domain, name) = resource
            .strip_prefix("repository/")
            .and_then(|path| path.split_once('/'))
            .ok_or(InvalidRepository::Repository)?;
        let suffix = if *partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let bucket = bucket.rsplit_once(":s3:::").map(|(_, bucket)| bucket).ok_or(InvalidRepository::Bucket)?;
        let contents = format!("{bucket}.s3.{region}.{suffix}").parse().map_err(|_| InvalidRepository::Bucket)?;
        Ok(Self { domain: domain.to_owned(), owner: (*owner).to_owned(), name: name.to_owned(), contents })
    }
}

impl Packages {
    /// From a repository, if there is one, and from hosts. `endpoint`: the API's address, where it is not the region's
    /// own.
    pub fn new(
        aws: &SdkConfig,
        repository: Option<Repository>,
        endpoint: Option<String>,
        hosts: Vec<HostName>,
    ) -> Self {
        let mut config = aws_sdk_codeartifact::config::Builder::from(aws);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self { hosts, repository, client: Client::from_conf(config.build()) }
    }

    /// Reads `CODEARTIFACT_REPOSITORY_ARN`, `CODEARTIFACT_BUCKET_ARN`, `CODEARTIFACT_ENDPOINT` and `SETUP_HOSTS`, all of
    /// which may be missing.
    ///
    /// # Errors
    /// Names the variable that is wrong.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, ConfigError> {
        let invalid = |name, reason: String| ConfigError::Invalid { name, reason };
        let hosts = HostName::list(&optional("SETUP_HOSTS").unwrap_or_default())
            .map_err(|error| invalid("SETUP_HOSTS", error.to_string()))?;
        let bucket = optional("CODEARTIFACT_BUCKET_ARN").unwrap_or_default();
        let repository = optional("CODEARTIFACT_REPOSITORY_ARN")
            .map(|arn| Repository::by_arn(&arn, &bucket))
            .transpose()
            .map_err(|error| invalid("CODEARTIFACT_REPOSITORY_ARN", error.to_string()))?;
        Ok(Self::new(aws, repository, optional("CODEARTIFACT_ENDPOINT"), hosts))
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

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "arn:aws:codeartifact:eu-central-1:123456789012:repository/team/packages";
    const BUCKET: &str = "arn:aws:s3:::assets-769407342218-eu-central-1";

    #[test]
    fn a_repository_is_known_by_two_names() {
        let repository = Repository::by_arn(REPOSITORY, BUCKET).unwrap();
        assert_eq!((repository.domain.as_str(), repository.name.as_str()), ("team", "packages"));
        assert_eq!(repository.owner, "123456789012");
        assert_eq!(repository.contents.as_str(), "assets-769407342218-eu-central-1.s3.eu-central-1.amazonaws.com");
    }

    #[test]
    fn what_is_none_is_told() {
        for bad in
            ["", "team/packages", &REPOSITORY.replace("repository/", "domain/"), &REPOSITORY.replace("/packages", "")]
        {
            assert_eq!(Repository::by_arn(bad, BUCKET), Err(InvalidRepository::Repository), "{bad}");
        }
        for bad in ["", "assets", "arn:aws:s3:::a b"] {
            assert_eq!(Repository::by_arn(REPOSITORY, bad), Err(InvalidRepository::Bucket), "{bad}");
        }
    }
}
