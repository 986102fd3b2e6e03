//! Presigned URLs for a sandbox. They are signed by a freshly assumed role, so that they live a whole hour and no
//! longer, whatever is left of this function's own session.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::Credentials;
use aws_sdk_sts::error::DisplayErrorContext;
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use store::Objects;

/// How long a URL lives: as long as the role's session.
pub(crate) const VALID: Duration = Duration::from_hours(1);

/// Makes bucket clients that sign as the bundle role.
pub struct Signer {
    aws: SdkConfig,
    sts: aws_sdk_sts::Client,
    bucket: String,
    role: String,
}

impl Signer {
    /// A signer for a bucket that takes `role`.
    pub fn new(aws: &SdkConfig, bucket: String, role: String) -> Self {
        Self { aws: aws.clone(), sts: aws_sdk_sts::Client::new(aws), bucket, role }
    }

    /// The bucket, signing for an hour from now.
    pub(crate) async fn objects(&self, id: &WorkflowId) -> Result<Objects, Failure> {
        let answer = self
            .sts
            .assume_role()
            .role_arn(&self.role)
            .role_session_name(id.as_str())
            .duration_seconds(3_600)
            .send()
            .await
            .map_err(|error| {
                Failure::new(
                    FailureKind::Transient,
                    format!("the role for a run's addresses could not be assumed: {}", DisplayErrorContext(error)),
                )
            })?;
        let Some(session) = answer.credentials else {
            return Err(Failure::new(FailureKind::Internal, "STS answered without credentials"));
        };
        let credentials = Credentials::new(
            session.access_key_id,
            session.secret_access_key,
            Some(session.session_token),
            None,
            "bundle-role",
        );
        let aws = self
            .aws
            .clone()
            .into_builder()
            .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials))
            .build();
        Ok(Objects::new(Objects::client(&aws), &self.bucket))
    }
}
