//! [`Backend`] over DynamoDB, S3, Secrets Manager and Lambda.

use std::time::Duration;

use aws_config::SdkConfig;
use domain::audit::{Evidence, Trail};
use domain::dead_letters::{DeadLetterQueue, DeadLetters};
use domain::diff::{ChangeDiff, MAX_DIFF_BYTES};
use domain::failure::{Failure, FailureKind};
use domain::gate::requests::{ApprovalRequest, ChangeAnswer, CodeAnswer, DecideAnswer, LinkGrant};
use domain::gate::{DecisionRequest, Gate};
use domain::ids::{Attempt, GateId, Revision, WorkflowId};
use domain::inbound::SecretOwner;
use domain::person::{Actor, Person};
use domain::qa::QaReport;
use domain::refusal::AccessRefusal;
use domain::signing::SigningKey;
use domain::slot::{Pause, SlotPool};
use domain::spec::{Spec, SpecDraft};
use domain::steps::{Done, EditOutput, Redriven, SweeperAsk, WorkflowStep};
use domain::workflow::{Event, Expense, ResumePoint, Workflow};
use domain::{Digest, Timestamp, WorkflowState};
use runtime::Invoker;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slack::Slack;
use store::keys::objects;
use store::{
    Anchors, ApiToken, ConsoleTable, Gates, InboxItem, Line, LogLine, Objects, Session, Slots, Span, Store, StoreError,
    Summary,
};

use crate::backend::{Backend, OauthApp, Secrets};
use crate::config::Config;
use crate::sign_in::{Account, Github, NotIdentified};
use crate::slack::SlackAccess;

/// How long Slack's requests may take before somebody is told that it takes long. Slack gives up after three seconds,
/// some of which pass on the way and, at worst, with our start.
const SLACK_PATIENCE: Duration = Duration::from_millis(1_800);
/// Largest SPEC or report that is read, bytes.
const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// The deployed one.
pub struct Aws {
    /// Workflows, their audit trail and their progress.
    pub store: Store,
    /// Who waits for a place.
    pub slots: Slots,
    /// Gates and links.
    pub gates: Gates,
    /// Sessions and API tokens.
    pub console: ConsoleTable,
    /// Who people are.
    pub github: Github,
    /// Slack, without its token, where the deployment has it.
    pub slack: Option<Slack>,
    /// The bucket.
    pub objects: Objects,
    /// The anchors of audit trails.
    pub anchors: Anchors,
    /// Where tokens and keys are read from.
    pub secrets: runtime::Secrets,
    /// Calls to our other functions.
    pub invoker: Invoker,
    /// Their names, and the secrets'.
    pub config: Config,
}

#[derive(Deserialize)]
struct TokenSecret {
    token: SecretString,
    email: String,
}

#[derive(Deserialize)]
struct SlackTokenSecret {
    token: SecretString,
}

#[derive(Deserialize)]
struct SlackSigningSecret {
    signing_secret: SecretString,
}

#[derive(Deserialize)]
struct KeySecret {
    key: SecretString,
}

impl Aws {
    /// Clients for what the configuration names.
    ///
    /// # Errors
    /// When there can be no client for GitHub or Slack.
    pub fn new(sdk: &SdkConfig, config: &Config) -> Result<Self, Failure> {
        let dynamo = aws_sdk_dynamodb::Client::new(sdk);
        Ok(Self {
            store: Store::new(dynamo.clone(), &config.state_table, &config.audit_table),
            slots: Slots::new(dynamo.clone(), &config.state_table),
            gates: Gates::new(dynamo.clone(), &config.gates_table),
            console: ConsoleTable::new(dynamo, &config.console_table),
            slack: config.slack.as_ref().map(|it| Slack::new(&it.api_url, SecretString::default())).transpose()?,
            github: Github::new(&config.settings, &config.github_api_url)?,
            objects: Objects::new(Objects::client(sdk), &config.bucket),
            anchors: Anchors::new(Objects::client(sdk), &config.audit_bucket),
            secrets: runtime::Secrets::from_config(sdk),
            invoker: Invoker::from_config(sdk),
            config: config.clone(),
        })
    }
}

impl Aws {
    /// A document of a run. A sandbox could write some of them; what counts is what was collected, and told of in the audit
    /// trail. Anything else is not even parsed, so that it cannot keep a page from being shown.
    async fn document<T: DeserializeOwned>(
        &self,
        key: &str,
        most: u64,
        digest: Digest,
    ) -> Result<Option<T>, StoreError> {
        let found = match self.objects.try_get(key, most).await {
            Err(StoreError::TooLarge { .. }) => None,
            found => found?.filter(|bytes| Digest::of(bytes) == digest),
        };
        found.map(|bytes| parsed(key, &bytes)).transpose()
    }
}

fn parsed<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::Malformed { what: format!("the object {key}"), reason: error.to_string() })
}

impl Backend for Aws {
    async fn secrets(&self) -> Result<Secrets, Failure> {
        let TokenSecret { token, email } = self.secrets.json(&self.config.api_token_secret_arn).await?;
        if token.expose_secret().len() < 16 {
            return Err(Failure::new(FailureKind::Internal, "the API token is too short to be one"));
        }
        let KeySecret { key } = self.secrets.json(&self.config.signing_key_secret_arn).await?;
        let oauth: Option<OauthApp> = match &self.config.github_oauth_secret_arn {
            Some(arn) => Some(self.secrets.json(arn).await?),
            None => None,
        };
        let mut held = vec![("the console's API token", &token), ("the console's signing key", &key)];
        held.extend(oauth.as_ref().map(|app| ("the OAuth app's secret", &app.client_secret)));
        let tell = async |fingerprints| self.store.put_known_secrets(SecretOwner::Console, fingerprints).await;
        self.secrets.announce(&held, tell).await;
        let derived = |purpose| SigningKey::derive(key.expose_secret(), purpose);
        let (session_key, sign_in_key, form_key) = (derived("session"), derived("sign-in"), derived("form"));
        Ok(Secrets { token, holder: Person::from_email(email), session_key, sign_in_key, form_key, oauth })
    }

    async fn slack(&self) -> Result<Option<SlackAccess>, Failure> {
        let (Some(config), Some(client)) = (&self.config.slack, &self.slack) else { return Ok(None) };
        let (SlackSigningSecret { signing_secret }, SlackTokenSecret { token }) = tokio::try_join!(
            self.secrets.json(&config.signing_secret_arn),
            self.secrets.json(&config.token_secret_arn)
        )?;
        let held = [("Slack's signing secret", &signing_secret), ("Slack's bot token", &token)];
        let tell = async |fingerprints| self.store.put_known_secrets(SecretOwner::Console, fingerprints).await;
        self.secrets.announce(&held, tell).await;
        let (team, client) = (config.team.clone(), client.with_token(token));
        Ok(Some(SlackAccess { team, signing_secret, client, patience: SLACK_PATIENCE }))
    }

    async fn summaries(&self, state: WorkflowState, span: &Span) -> Result<(Vec<Summary>, bool), StoreError> {
        self.store.summaries(state, span).await
    }

    async fn count(&self, state: WorkflowState, since: Timestamp) -> Result<(usize, bool), StoreError> {
        self.store.count(state, since).await
    }

    async fn expenses(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Expense>, bool), StoreError> {
        self.store.expenses(since, now, limit).await
    }

    async fn line(&self, pool: SlotPool) -> Result<Line, StoreError> {
        self.slots.line(pool).await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, StoreError> {
        self.store.workflow(id).await
    }

    async fn trail(&self, id: &WorkflowId) -> Result<Trail, StoreError> {
        self.store.trail(id).await
    }

    async fn evidence(&self, id: &WorkflowId, now: Timestamp) -> Result<Evidence, StoreError> {
        self.store.evidence(&self.anchors, id, now).await
    }

    async fn logs(&self, id: &WorkflowId, after: Option<&str>, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        self.store.logs(id, after, limit).await
    }

    async fn last_logs(&self, id: &WorkflowId, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        self.store.last_logs(id, limit).await
    }

    async fn gate(&self, id: &GateId) -> Result<Option<Gate>, StoreError> {
        self.gates.gate(id).await
    }

    async fn link(&self, digest: Digest) -> Result<Option<LinkGrant>, StoreError> {
        self.gates.link(digest).await
    }

    async fn inbox(&self, email: &str) -> Result<Vec<InboxItem>, StoreError> {
        self.gates.inbox(email).await
    }

    async fn spec(&self, id: &WorkflowId, revision: Revision, digest: Digest) -> Result<Option<Spec>, StoreError> {
        let key = objects::spec_json(id, revision);
        let Some(bytes) = self.objects.try_get(&key, MAX_DOCUMENT_BYTES).await? else { return Ok(None) };
        let spec: Spec = parsed(&key, &bytes)?;
        Ok((spec.digest().ok() == Some(digest)).then_some(spec))
    }

    async fn qa(&self, id: &WorkflowId, attempt: Attempt, digest: Digest) -> Result<Option<QaReport>, StoreError> {
        self.document(&objects::qa_json(id, attempt), MAX_DOCUMENT_BYTES, digest).await
    }

    async fn diff(&self, id: &WorkflowId, attempt: Attempt, digest: Digest) -> Result<Option<ChangeDiff>, StoreError> {
        self.document(&objects::diff(id, attempt), MAX_DIFF_BYTES, digest).await
    }

    async fn decide(&self, gate: &GateId, decision: DecisionRequest) -> Result<DecideAnswer, Failure> {
        let request = ApprovalRequest::Decide { gate: gate.clone(), decision };
        self.invoker.call(&self.config.approvals_function, &request).await
    }

    async fn edit_spec(&self, id: &WorkflowId, of: Digest, draft: SpecDraft, by: Actor) -> Result<EditOutput, Failure> {
        let step = WorkflowStep::EditSpec { workflow_id: id.clone(), of, draft: Box::new(draft), by };
        self.invoker.call(&self.config.workflow_function, &step).await
    }

    async fn send_code(&self, link: Digest) -> Result<CodeAnswer, Failure> {
        self.invoker.call(&self.config.approvals_function, &ApprovalRequest::SendCode { link }).await
    }

    async fn check_code(&self, link: Digest, code: &str) -> Result<CodeAnswer, Failure> {
        let request = ApprovalRequest::CheckCode { link, code: code.to_owned() };
        self.invoker.call(&self.config.approvals_function, &request).await
    }

    async fn extend(&self, gate: &GateId, by: Actor, due_at: Timestamp) -> Result<ChangeAnswer, Failure> {
        let request = ApprovalRequest::Extend { gate: gate.clone(), by, due_at };
        self.invoker.call(&self.config.approvals_function, &request).await
    }

    async fn hand_on(&self, gate: &GateId, by: Actor, to: Person) -> Result<ChangeAnswer, Failure> {
        let request = ApprovalRequest::Delegate { gate: gate.clone(), by, to: Box::new(to) };
        self.invoker.call(&self.config.approvals_function, &request).await
    }

    async fn cancel(&self, id: &WorkflowId, actor: &Actor, reason: &str, now: Timestamp) -> Result<Workflow, Failure> {
        let decide = |workflow: &Workflow| {
            // Asked for before: `workflow` is asked again, in case that call was lost.
            let event = Event::CancelRequested { reason: reason.to_owned() };
            Ok((workflow.cancel_requested.is_none() || workflow.state.is_terminal()).then_some(event))
        };
        let workflow = self.store.record(id, actor, now, decide).await?;
        let step = WorkflowStep::Cancel { workflow_id: id.clone() };
        let Done::Done = self.invoker.call(&self.config.workflow_function, &step).await?;
        Ok(workflow)
    }

    async fn resume(
        &self,
        id: &WorkflowId,
        from: Option<ResumePoint>,
        words: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Workflow, Failure> {
        let workflow = self.store.resume(id, from, words, actor, now).await?;
        // It is written down: what cannot be started now is started by the next sweep.
        let ask = SweeperAsk::Start { workflow_id: id.clone() };
        let started: Result<bool, Failure> = self.invoker.call(&self.config.sweeper_function, &ask).await;
        if let Err(failure) = started {
            tracing::warn!(workflow = %id, %failure, "the resumed workflow waits for the next sweep");
        }
        Ok(workflow)
    }

    async fn set_pause(&self, pool: SlotPool, pause: Option<Pause>) -> Result<(), Failure> {
        let step = WorkflowStep::PauseSlots { pool, pause };
        let Done::Done = self.invoker.call(&self.config.workflow_function, &step).await?;
        Ok(())
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetters>, Failure> {
        self.invoker.call(&self.config.sweeper_function, &SweeperAsk::DeadLetters).await
    }

    async fn redrive(&self, queue: DeadLetterQueue) -> Result<Redriven, Failure> {
        self.invoker.call(&self.config.sweeper_function, &SweeperAsk::Redrive { queue }).await
    }

    async fn identify(&self, app: &OauthApp, code: String, verifier: String) -> Result<Account, NotIdentified> {
        self.github.identify(app, code, verifier).await
    }

    async fn put_session(&self, session: &Session, ends: Timestamp) -> Result<(), StoreError> {
        self.console.put_session(session, ends).await
    }

    async fn session(&self, family: &str) -> Result<Option<Session>, StoreError> {
        self.console.session(family).await
    }

    async fn rotate_session(&self, session: &Session, next: Digest, now: Timestamp) -> Result<bool, StoreError> {
        self.console.rotate_session(session, next, now).await
    }

    async fn session_seen(&self, family: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.console.session_seen(family, now).await
    }

    async fn end_session(&self, family: &str) -> Result<(), StoreError> {
        self.console.end_session(family).await
    }

    async fn put_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        self.console.put_token(token).await
    }

    async fn token(&self, digest: Digest) -> Result<Option<ApiToken>, StoreError> {
        self.console.token(digest).await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.console.tokens().await
    }

    async fn revoke_token(&self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        self.console.revoke_token(digest, now).await
    }

    async fn token_used(&self, digest: Digest, day: &str) -> Result<bool, StoreError> {
        self.console.token_used(digest, day).await
    }

    async fn put_refusal(&self, refusal: &AccessRefusal, distinct: u64) -> Result<(), StoreError> {
        self.store.put_refusal(refusal, distinct).await
    }

    async fn refusals(&self, day: &str, limit: i32) -> Result<Vec<AccessRefusal>, StoreError> {
        self.store.refusals(day, limit).await
    }
}
