//! The engine's APIs, as far as these tests need them, without an SDK: the engine knows its root user by the key's id
//! and does not check root's signatures.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use toolchain::engine::Engine;

/// A caller with all permissions.
#[derive(Debug)]
pub struct Client {
    http: ureq::Agent,
    url: String,
    key: String,
    account: String,
}

impl Client {
    /// A client of this engine.
    pub fn new(engine: &Engine) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(2)));
        Self {
            http: config.build().into(),
            url: engine.url(),
            key: engine.root().access_key_id.clone(),
            account: engine.account_id().to_owned(),
        }
    }

    /// A call of a service with a JSON protocol, such as `AWSStepFunctions.StartExecution`.
    ///
    /// # Errors
    /// The service's own.
    pub fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let mut answer = self
            .http
            .post(&self.url)
            .header("authorization", self.authorization(service))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .send(body.to_string())
            .with_context(|| format!("calling {target}"))?;
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
        if !answer.status().is_success() {
            bail!("{target} answered {}: {text}", answer.status());
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// A call of a service with the query protocol. Answers XML.
    ///
    /// # Errors
    /// The service's own.
    pub fn query(&self, service: &str, version: &str, fields: &[(&str, &str)]) -> Result<String> {
        let form = fields.iter().copied().chain([("Version", version)]);
        let mut answer = self
            .http
            .post(&self.url)
            .header("authorization", self.authorization(service))
            .send_form(form)
            .with_context(|| format!("calling {service}"))?;
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("{service} answered {}: {text}", answer.status());
        }
        Ok(text)
    }

    /// A page of the engine's own, such as `/_ministack/ses/messages`.
    ///
    /// # Errors
    /// When it is not there or not JSON.
    pub fn page(&self, path: &str) -> Result<Value> {
        let mut answer =
            self.http.get(format!("{}{path}", self.url)).call().with_context(|| format!("reading {path}"))?;
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
        if !answer.status().is_success() {
            bail!("{path} answered {}: {text}", answer.status());
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Puts an object, or makes a bucket of a path without a key.
    ///
    /// # Errors
    /// S3's own.
    pub fn put_object(&self, path: &str, body: &[u8]) -> Result<()> {
        let mut answer = self
            .http
            .put(format!("{}/{path}", self.url))
            .header("authorization", self.authorization("s3"))
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
            .send(body)
            .with_context(|| format!("storing {path}"))?;
        if !answer.status().is_success() {
            bail!("storing {path} answered {}: {}", answer.status(), answer.body_mut().read_to_string()?);
        }
        Ok(())
    }

    /// The address of an object.
    pub fn object_url(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// A role that `service` may take, without any permission.
    ///
    /// # Errors
    /// IAM's own.
    pub fn create_role(&self, name: &str, service: &str) -> Result<String> {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]});
        let trust = trust.to_string();
        self.query(
            "iam",
            "2010-05-08",
            &[("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
        )?;
        Ok(format!("arn:aws:iam::{}:role/{name}", self.account))
    }

    fn authorization(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.key
        )
    }
}
