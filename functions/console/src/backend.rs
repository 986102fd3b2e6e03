//! What the console reads and asks of others.

use std::future::Future;

use domain::audit::{Evidence, Trail};
use domain::dead_letters::{DeadLetterQueue, DeadLetters};
use domain::diff::ChangeDiff;
use domain::failure::Failure;
use domain::gate::requests::{ChangeAnswer, CodeAnswer, DecideAnswer, LinkGrant};
use domain::gate::{DecisionRequest, Gate};
use domain::ids::{Attempt, GateId, Revision, WorkflowId};
use domain::person::{Actor, Person};
use domain::qa::QaReport;
use domain::refusal::AccessRefusal;
use domain::signing::SigningKey;
use domain::slot::{Pause, SlotPool};
use domain::spec::{Spec, SpecDraft};
use domain::steps::{EditOutput, Redriven};
use domain::workflow::{Expense, ResumePoint, Workflow};
use domain::{Digest, Timestamp, WorkflowState};
use secrecy::SecretString;
use serde::Deserialize;
use store::{ApiToken, InboxItem, Line, LogLine, Session, Span, StoreError, Summary};

use crate::sign_in::{Account, NotIdentified};
use crate::slack::SlackAccess;

/// What the secrets open, as they are now.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The API token.
    pub token: SecretString,
    /// On whose behalf its holder acts.
    pub holder: Person,
    /// The key of session cookies.
    pub session_key: SigningKey,
    /// The key of the cookie of a sign-in on its way.
    pub sign_in_key: SigningKey,
    /// The key of forms.
    pub form_key: SigningKey,
    /// By what people sign in; without it nobody can.
    pub oauth: Option<OauthApp>,
}

/// GitHub's OAuth app.
#[derive(Debug, Clone, Deserialize)]
pub struct OauthApp {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// Rows, objects, secrets and other functions.
pub trait Backend: Send + Sync + 'static {
    /// The secrets.
    fn secrets(&self) -> impl Future<Output = Result<Secrets, Failure>> + Send;
    /// What is needed to hear Slack; `None` where the deployment has none.
    fn slack(&self) -> impl Future<Output = Result<Option<SlackAccess>, Failure>> + Send;
    /// Workflows in one state, the one changed last first; and whether there are more.
    fn summaries(
        &self,
        state: WorkflowState,
        span: &Span,
    ) -> impl Future<Output = Result<(Vec<Summary>, bool), StoreError>> + Send;
    /// How many workflows in one state changed at `since` or later; and whether there are more than were counted.
    fn count(
        &self,
        state: WorkflowState,
        since: Timestamp,
    ) -> impl Future<Output = Result<(usize, bool), StoreError>> + Send;
    /// What was spent from `since` to `now`, at most `limit` lines; and whether there are more.
    fn expenses(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Expense>, bool), StoreError>> + Send;
    /// Who waits for a slot, in order of service, and whether any are handed out.
    fn line(&self, pool: SlotPool) -> impl Future<Output = Result<Line, StoreError>> + Send;
    /// A workflow.
    fn workflow(&self, id: &WorkflowId) -> impl Future<Output = Result<Workflow, StoreError>> + Send;
    /// The audit trail of a workflow.
    fn trail(&self, id: &WorkflowId) -> impl Future<Output = Result<Trail, StoreError>> + Send;
    /// The audit trail of a workflow and its anchors.
    fn evidence(&self, id: &WorkflowId, now: Timestamp) -> impl Future<Output = Result<Evidence, StoreError>> + Send;
    /// Lines of progress after a position.
    fn logs(
        &self,
        id: &WorkflowId,
        after: Option<&str>,
        limit: i32,
    ) -> impl Future<Output = Result<Vec<LogLine>, StoreError>> + Send;
    /// The last lines of progress.
    fn last_logs(&self, id: &WorkflowId, limit: i32) -> impl Future<Output = Result<Vec<LogLine>, StoreError>> + Send;
    /// A gate.
    fn gate(&self, id: &GateId) -> impl Future<Output = Result<Option<Gate>, StoreError>> + Send;
    /// What a link stands for.
    fn link(&self, digest: Digest) -> impl Future<Output = Result<Option<LinkGrant>, StoreError>> + Send;
    /// The open gates that a person is asked about and has not approved, the one due first first.
    fn inbox(&self, email: &str) -> impl Future<Output = Result<Vec<InboxItem>, StoreError>> + Send;
    /// A SPEC, if one with this digest is stored.
    fn spec(
        &self,
        id: &WorkflowId,
        revision: Revision,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<Spec>, StoreError>> + Send;
    /// A QA report, if one with this digest is stored.
    fn qa(
        &self,
        id: &WorkflowId,
        attempt: Attempt,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<QaReport>, StoreError>> + Send;
    /// The diff of a verified change set, if one with this digest is stored.
    fn diff(
        &self,
        id: &WorkflowId,
        attempt: Attempt,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<ChangeDiff>, StoreError>> + Send;
    /// Asks `approvals` to decide.
    fn decide(
        &self,
        gate: &GateId,
        decision: DecisionRequest,
    ) -> impl Future<Output = Result<DecideAnswer, Failure>> + Send;
    /// Asks `workflow` to check and store an edit of a SPEC.
    fn edit_spec(
        &self,
        id: &WorkflowId,
        of: Digest,
        draft: SpecDraft,
        by: Actor,
    ) -> impl Future<Output = Result<EditOutput, Failure>> + Send;
    /// Asks `approvals` to have a code sent to whom a link belongs.
    fn send_code(&self, link: Digest) -> impl Future<Output = Result<CodeAnswer, Failure>> + Send;
    /// Asks `approvals` whether that is a link's code. It counts as a try.
    fn check_code(&self, link: Digest, code: &str) -> impl Future<Output = Result<CodeAnswer, Failure>> + Send;
    /// Asks `approvals` for more time.
    fn extend(
        &self,
        gate: &GateId,
        by: Actor,
        due_at: Timestamp,
    ) -> impl Future<Output = Result<ChangeAnswer, Failure>> + Send;
    /// Asks `approvals` to ask somebody in addition.
    fn hand_on(
        &self,
        gate: &GateId,
        by: Actor,
        to: Person,
    ) -> impl Future<Output = Result<ChangeAnswer, Failure>> + Send;
    /// Writes down that somebody wants a workflow to stop, and asks `workflow` to stop it.
    fn cancel(
        &self,
        id: &WorkflowId,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Workflow, Failure>> + Send;
    /// Has a workflow go on that ended, and asks `sweeper` to start it.
    fn resume(
        &self,
        id: &WorkflowId,
        from: Option<ResumePoint>,
        words: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> impl Future<Output = Result<Workflow, Failure>> + Send;
    /// Asks `workflow` to let a pool rest, or go on.
    fn set_pause(&self, pool: SlotPool, pause: Option<Pause>) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Asks `sweeper` what is in the queues of dead letters.
    fn dead_letters(&self) -> impl Future<Output = Result<Vec<DeadLetters>, Failure>> + Send;
    /// Asks `sweeper` to hand dead letters back.
    fn redrive(&self, queue: DeadLetterQueue) -> impl Future<Output = Result<Redriven, Failure>> + Send;
    /// Asks GitHub who consented.
    fn identify(
        &self,
        app: &OauthApp,
        code: String,
        verifier: String,
    ) -> impl Future<Output = Result<Account, NotIdentified>> + Send;
    /// Keeps a new session until `ends`.
    fn put_session(&self, session: &Session, ends: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// A session.
    fn session(&self, family: &str) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send;
    /// Gives a session its next id. `false`: another request did.
    fn rotate_session(
        &self,
        session: &Session,
        next: Digest,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Notes that somebody was seen.
    fn session_seen(&self, family: &str, now: Timestamp) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Ends a session.
    fn end_session(&self, family: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Keeps a new API token.
    fn put_token(&self, token: &ApiToken) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// An API token.
    fn token(&self, digest: Digest) -> impl Future<Output = Result<Option<ApiToken>, StoreError>> + Send;
    /// All API tokens.
    fn tokens(&self) -> impl Future<Output = Result<Vec<ApiToken>, StoreError>> + Send;
    /// Revokes an API token. `false`: there is none to revoke.
    fn revoke_token(&self, digest: Digest, now: Timestamp) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Notes the day on which an API token was used.
    fn token_used(&self, digest: Digest, day: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Writes a refusal down.
    fn put_refusal(
        &self,
        refusal: &AccessRefusal,
        distinct: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// The last refusals of a day, the latest first.
    fn refusals(&self, day: &str, limit: i32) -> impl Future<Output = Result<Vec<AccessRefusal>, StoreError>> + Send;
}
