//! A running stack.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use indicatif::ProgressBar;
use secrecy::SecretString;
use store::{Anchors, Gates, Objects, Slots, Store};
use toolchain::Toolchain;
use toolchain::engine::Engine;

use crate::aws::Aws;
use crate::bringup::{self, Phases};
use crate::console::Console;
use crate::deploy::{Outputs, told};
use crate::door::Door;
use crate::fargate::Fargate;
use crate::folder::Folder;
use crate::mail::Mailbox;
use crate::services::Services;
use crate::settings::{MAINTAINER, Settings};
use crate::sweep::Clock;

/// How long sandboxes get to end with the stack.
const GRACE: Duration = Duration::from_secs(10);

/// A deployment on a local engine, with its surroundings. Dropping it ends everything; [`Stack::stop`] does so with a
/// word to the sandboxes first.
#[derive(Debug)]
pub struct Stack {
    running: Running,
    store: Store,
    gates: Gates,
    slots: Slots,
    objects: Objects,
    anchors: Anchors,
}

/// What runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) fargate: Fargate,
    pub(crate) sweeper: Clock,
    pub(crate) door: Door,
    pub(crate) services: Services,
    pub(crate) engine: Engine,
    pub(crate) aws: Aws,
    pub(crate) outputs: Outputs,
    pub(crate) settings: Settings,
    pub(crate) api_token: SecretString,
    pub(crate) phases: Phases,
    /// Last, so that it goes last.
    pub(crate) folder: Folder,
}

impl Stack {
    /// Builds what is to be deployed, and brings a stack up.
    ///
    /// # Errors
    /// When a program does not compile, the engine refuses the template, or a port or folder cannot be had. Nothing
    /// is left running then.
    pub async fn start(toolchain: &Toolchain, settings: Settings, progress: &ProgressBar) -> Result<Self> {
        bringup::start(toolchain, settings, progress).await
    }

    pub(crate) fn new(running: Running) -> Result<Self> {
        let (aws, outputs) = (&running.aws, &running.outputs);
        let (state, dynamo) = (outputs.get("StateTable")?, &aws.dynamodb);
        Ok(Self {
            store: Store::new(dynamo.clone(), state, outputs.get("AuditTable")?),
            gates: Gates::new(dynamo.clone(), outputs.get("GatesTable")?),
            slots: Slots::new(dynamo.clone(), state),
            objects: Objects::new(aws.s3.clone(), outputs.get("Bucket")?),
            anchors: Anchors::new(aws.s3.clone(), outputs.get("AuditBucket")?),
            running,
        })
    }

    /// The stack's name.
    pub fn name(&self) -> &str {
        &self.running.settings.name
    }

    /// Where the stack keeps everything.
    pub fn folder(&self) -> &Path {
        &self.running.settings.folder
    }

    /// The address of pages, API and webhooks: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        self.running.door.url()
    }

    /// The engine's process.
    pub fn engine(&self) -> &Engine {
        &self.running.engine
    }

    /// Root's clients of the engine.
    pub fn aws(&self) -> &Aws {
        &self.running.aws
    }

    /// What the deployment says about itself.
    pub fn outputs(&self) -> &Outputs {
        &self.running.outputs
    }

    /// How long each phase of the start took.
    pub fn phases(&self) -> &[(&'static str, Duration)] {
        &self.running.phases.0
    }

    /// Workflows and audit trails.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Gates.
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// Slots.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// SPECs, change sets and reports.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The anchors of audit trails.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The GitHub simulator.
    ///
    /// # Errors
    /// When the stack uses GitHub itself.
    pub fn github(&self) -> Result<&github_sim::Running> {
        self.running.services.github.as_ref().context("this stack uses GitHub itself, not the simulator")
    }

    /// The Flux Lens simulator.
    pub fn flux_lens(&self) -> &flux_lens_sim::Running {
        &self.running.services.flux_lens.0
    }

    /// The scripted model.
    ///
    /// # Errors
    /// When the stack uses a real model.
    pub fn model(&self) -> Result<&model_sim::Running> {
        let model =
            self.running.services.model.as_ref().context("this stack uses a real model, not the scripted one")?;
        Ok(&model.0)
    }

    /// The package repository.
    pub fn packages(&self) -> &codeartifact_sim::Running {
        &self.running.services.packages
    }

    /// The Slack workspace.
    pub fn slack(&self) -> &slack_sim::Slack {
        &self.running.services.slack
    }

    /// The mails that were sent.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(&self.running.engine.url())
    }

    /// The console, as an approver sees it.
    pub fn console(&self) -> Console {
        Console::new(
            self.url(),
            self.running.api_token.clone(),
            self.running.services.github.as_ref().map(|_| MAINTAINER),
        )
    }

    /// The API's bearer token.
    pub fn api_token(&self) -> &SecretString {
        &self.running.api_token
    }

    /// How many events wait for `intake`, or are with it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn inbound_events(&self) -> Result<u64> {
        const COUNTS: [QueueAttributeName; 2] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let url = self.running.outputs.get("InboundQueueUrl")?;
        let ask =
            self.running.aws.queues.get_queue_attributes().queue_url(url).set_attribute_names(Some(COUNTS.into()));
        let counts = ask.send().await.map_err(told)?.attributes.unwrap_or_default();
        COUNTS.iter().map(|name| Ok(counts.get(name).map_or(Ok(0), |count| count.parse::<u64>())?)).sum()
    }

    /// An error if the engine has ended by itself.
    ///
    /// # Errors
    /// With the end of the engine's log.
    pub fn check(&mut self) -> Result<()> {
        Ok(self.running.engine.check()?)
    }

    /// Ends everything, and returns when it is gone.
    pub async fn stop(self) {
        let Running { fargate, sweeper, door, services, engine, folder, .. } = self.running;
        drop(sweeper);
        if tokio::time::timeout(GRACE, fargate.stop()).await.is_err() {
            tracing::warn!("sandboxes take long to end; they are killed");
        }
        if let Err(error) = tokio::task::spawn_blocking(move || engine.stop()).await {
            tracing::warn!(%error, "the engine ended badly");
        }
        drop(door);
        let Services { github, flux_lens, model, packages, slack, .. } = services;
        if let Some(github) = github
            && let Err(error) = github.shutdown().await
        {
            tracing::debug!("the GitHub simulator's state is not saved: {error:#}");
        }
        flux_lens.0.shutdown().await;
        if let Some(model) = model {
            model.0.shutdown().await;
        }
        packages.shutdown().await;
        drop(slack);
        drop(folder);
    }
}
