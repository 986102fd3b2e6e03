//! Our own functions over a world, as `template.yaml` would configure them.

use std::sync::Arc;

use aws_config::SdkConfig;
use domain::Timestamp;
use domain::budget::{Budget, Prices};
use domain::gate::policy::{ApprovalPolicy, GateRule, RiskThresholds};
use domain::task::{ModelTarget, Provider};
use github::Host;
use github_auth::{Grant, TokenCache};
use runtime::Secrets;
use serde_json::Value;
use workflow::{Packages, Signer};

use crate::sample::person;
use crate::{CodeHost, Functions, World};

impl World {
    /// The entry `gates` of `approvals`, with ann, bob and rita as approvers, and carl where they do nothing. A SPEC waits for an hour, a pull request
    /// for two. `step_functions` says where Step Functions is.
    pub fn gates_function(&self, step_functions: &SdkConfig) -> approvals::Context {
        approvals::Context::Gates(approvals::GatesContext {
            config: approvals::Config {
                codes: true,
                policy: ApprovalPolicy {
                    approvers: ["ann", "bob", "rita"].map(person).to_vec(),
                    escalation: vec![person("carl")],
                    spec: GateRule { required: 1, seconds: 3_600 },
                    pr: GateRule { required: 1, seconds: 7_200 },
                    at_risk: 2,
                    thresholds: RiskThresholds { files: 15, confidence_percent: 60 },
                },
            },
            store: self.store.clone(),
            gates: self.gates.clone(),
            tokens: self.tokens.clone(),
            sfn: aws_sdk_sfn::Client::new(step_functions),
        })
    }

    /// `github-auth` with these credentials and this grant. Where a personal token will do is for the test to say.
    pub fn github_auth_function(&self, host: &CodeHost, credentials: &Value, grant: Grant) -> github_auth::Context {
        github_auth::Context {
            config: github_auth::Config {
                grant,
                credentials_secret: self.secret(credentials),
                allow_personal_token: false,
                github_api_url: host.api_url(),
            },
            host: Host::new(&host.api_url()).unwrap(),
            secrets: Secrets::from_config(&self.aws),
            cache: TokenCache::default(),
        }
    }

    /// `workflow`, with one slot of each pool.
    pub fn workflow_function(&self, functions: &Functions, host: &CodeHost) -> workflow::Context {
        let role = self.bucket_role();
        workflow::Context {
            store: self.store.clone(),
            objects: self.objects.clone(),
            slots: self.slots.clone(),
            tokens: self.tokens.clone(),
            sfn: self.states(),
            ecs: aws_sdk_ecs::Client::new(&self.aws),
            signer: Signer::new(&self.aws, self.names.bucket.clone(), role.clone()),
            invoker: functions.invoker(&self.aws),
            host: Host::new(&host.api_url()).unwrap(),
            packages: Packages::new(&self.aws, None, None, vec![]),
            config: workflow::Config {
                max_runs: 1,
                max_plans: 1,
                agent_seconds: 600,
                qa_seconds: 300,
                silence_seconds: 60,
                bundle_role: role,
                cluster: self.cluster(),
                model: ModelTarget {
                    provider: Provider::Anthropic,
                    base_url: "http://127.0.0.1:1".to_owned(),
                    model: "model".to_owned(),
                    prices: Prices::default(),
                },
                budget: Budget { max_tokens: 1_000, max_micro_usd: 1_000, max_turns: 10 },
                allow_workflow_files: false,
                approvals_function: Functions::APPROVALS.to_owned(),
                github_auth_function: Functions::GITHUB_AUTH.to_owned(),
                github_api_url: host.api_url(),
            },
        }
    }
}

impl Functions {
    /// The name of `approvals`.
    pub const APPROVALS: &str = "approvals";
    /// The name of `sweeper`.
    pub const SWEEPER: &str = "sweeper";
    /// The name of `approvals`, entry `links`.
    pub const LINKS: &str = "approval-links";
    /// The name of `workflow`.
    pub const WORKFLOW: &str = "workflow";
    /// The name of `github-auth`.
    pub const GITHUB_AUTH: &str = "github-auth";

    /// Serves the entry `gates` of `approvals`, at one time.
    pub fn serve_gates(&self, world: &World, now: Timestamp) {
        let context = Arc::new(world.gates_function(&world.aws));
        self.on(Self::APPROVALS, move |request| {
            let context = Arc::clone(&context);
            async move { approvals::handle(&context, request, now).await }
        });
    }

    /// Serves the entry `links` of `approvals`, at one time.
    pub fn serve_links(&self, world: &World, now: Timestamp) {
        let context = Arc::new(approvals::Context::Links(world.gates.clone()));
        self.on(Self::LINKS, move |request| {
            let context = Arc::clone(&context);
            async move { approvals::handle(&context, request, now).await }
        });
    }

    /// Serves `github-auth`, at one time.
    pub fn serve_github_auth(&self, context: &Arc<github_auth::Context>, now: Timestamp) {
        let context = Arc::clone(context);
        self.on(Self::GITHUB_AUTH, move |request| {
            let context = Arc::clone(&context);
            async move { Ok(serde_json::to_value(github_auth::handle(&context, request, now).await?).unwrap()) }
        });
    }

    /// Serves `workflow`, at one time.
    pub fn serve_workflow(&self, context: &Arc<workflow::Context>, now: Timestamp) {
        let context = Arc::clone(context);
        self.on(Self::WORKFLOW, move |request| {
            let context = Arc::clone(&context);
            async move { workflow::handle(&context, request, now).await }
        });
    }
}
