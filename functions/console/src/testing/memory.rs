//! A backend in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::audit::{Evidence, Trail};
use domain::budget::Budget;
use domain::dead_letters::{DeadLetterQueue, DeadLetters};
use domain::diff::ChangeDiff;
use domain::failure::{Failure, FailureKind};
use domain::gate::code::{CodeRefusal, LinkCode};
use domain::gate::requests::{ChangeAnswer, CodeAnswer, DecideAnswer, LinkGrant};
use domain::gate::{DecisionRequest, Gate, GateStatus, Refusal};
use domain::ids::{Attempt, GateId, LinkId, Revision, WorkflowId};
use domain::person::{Actor, Person};
use domain::qa::QaReport;
use domain::refusal::AccessRefusal;
use domain::role::{Membership, Role, Scopes};
use domain::signing::SigningKey;
use domain::slot::{Pause, SlotPool, Waiter};
use domain::spec::{Spec, SpecDraft};
use domain::steps::{EditOutput, Redriven};
use domain::task::{ProgressEvent, RunKind, RunOutcome};
use domain::workflow::{Event, Expense, ResumePoint, Resumption, Workflow};
use domain::{Digest, Timestamp, WorkflowState};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use store::{ApiToken, InboxItem, Line, LogLine, Session, Span, StoreError, Summary};

use super::{BASE, Story, TOKEN, change_diff, now, person, qa, qa_digest};
use crate::backend::{Backend, OauthApp, Secrets};
use crate::secret_text::{self, SessionSecret};
use crate::sign_in::{Account, NotIdentified};
use crate::slack::SlackAccess;
use crate::{Budgets, Console, Settings};

/// The code that is mailed for every link.
pub(crate) const CODE: &str = "012345";

/// Everything in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<Rows>>);

#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) stories: BTreeMap<WorkflowId, Story>,
    pub(crate) links: BTreeMap<Digest, LinkGrant>,
    pub(crate) codes: BTreeMap<Digest, LinkCode>,
    pub(crate) decisions: Vec<DecisionRequest>,
    pub(crate) cancels: Vec<String>,
    /// What operators had done besides.
    pub(crate) operations: Vec<String>,
    pub(crate) pauses: Vec<(SlotPool, Pause)>,
    pub(crate) dead_letters: Vec<DeadLetters>,
    /// `sweeper` does not answer.
    pub(crate) no_sweeper: bool,
    /// Who waits for a place.
    pub(crate) queue: Vec<(SlotPool, Waiter)>,
    /// What was read for lists and figures, in order.
    pub(crate) reads: Vec<String>,
    pub(crate) down: bool,
    pub(crate) no_oauth: bool,
    /// Slack, where a test has one.
    pub(crate) slack: Option<SlackAccess>,
    /// `approvals` takes a decision and does not answer.
    pub(crate) no_answers: bool,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) tokens: BTreeMap<String, ApiToken>,
    pub(crate) refusals: Vec<AccessRefusal>,
    /// Whom GitHub tells of, by the code that they bring.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Codes and verifiers that GitHub was asked about.
    pub(crate) exchanges: Vec<(String, String)>,
}

/// The key of the memory's session cookies.
fn session_key() -> SigningKey {
    SigningKey::derive("key", "session")
}

/// A person as a sign-in knows them: under one number and two addresses.
pub(crate) fn signed_in_person(name: &str) -> Person {
    let github_id = name.bytes().fold(7, |id, byte| id * 31 + u64::from(byte));
    Person {
        name: name.to_owned(),
        github_id: Some(github_id),
        github_login: Some(name.to_owned()),
        email: Some(format!("{name}@home.example")),
        other_emails: vec![format!("{name}@acme.example")],
        ..Person::default()
    }
}

fn settings() -> Settings {
    Settings {
        base_url: BASE.to_owned(),
        github_url: "https://github.example".to_owned(),
        codes: true,
        budgets: Budgets {
            plan: Budget { max_tokens: 400_000, max_micro_usd: 2_000_000, max_turns: 40 },
            run: Budget { max_tokens: 4_000_000, max_micro_usd: 300_000, max_turns: 200 },
        },
        role_rules: "viewer=org:1 approver=team:2 admin=user:3".parse().unwrap(),
        session_idle: SignedDuration::from_hours(2),
        session_lifetime: SignedDuration::from_hours(12),
    }
}

impl Memory {
    pub(crate) fn with(stories: impl IntoIterator<Item = Story>) -> Self {
        let stories = stories.into_iter().map(|story| (story.workflow.id.clone(), story)).collect();
        Self(Arc::new(Mutex::new(Rows { stories, ..Rows::default() })))
    }

    pub(crate) fn console(&self) -> Arc<Console<Self>> {
        self.console_at(now)
    }

    /// The console by another clock.
    pub(crate) fn console_at(&self, now: fn() -> Timestamp) -> Arc<Console<Self>> {
        Arc::new(Console::new(self.clone(), settings(), now))
    }

    /// Signs somebody in, and returns their cookie's value.
    pub(crate) fn session_for(&self, name: &str, role: Role) -> String {
        self.session_with(name, role, |_| {})
    }

    /// Signs somebody in, in a session that is changed then.
    pub(crate) fn session_with(&self, name: &str, role: Role, change: impl FnOnce(&mut Session)) -> String {
        let secret = SessionSecret::new(&secret_text::name().unwrap()).unwrap();
        let mut session = Session {
            family: secret.family.clone(),
            person: signed_in_person(name),
            role,
            current: secret.digest(),
            previous: None,
            rotated_at: now(),
            signed_in_at: now(),
            last_seen: now(),
        };
        change(&mut session);
        self.0.lock().unwrap().sessions.insert(session.family.clone(), session);
        secret.sealed(&session_key())
    }

    /// Makes an API token of somebody's, changed then, and returns it.
    pub(crate) fn token_with(&self, name: &str, scopes: Scopes, change: impl FnOnce(&mut ApiToken)) -> String {
        let secret = secret_text::new_token().unwrap();
        let mut token = ApiToken {
            digest: Digest::of(secret.expose_secret()),
            owner: signed_in_person(name),
            label: "nightly".to_owned(),
            scopes,
            created_at: now(),
            expires_at: now() + SignedDuration::from_hours(24),
            revoked_at: None,
            last_used: None,
        };
        change(&mut token);
        self.0.lock().unwrap().tokens.insert(token.digest.to_string(), token);
        secret.expose_secret().to_owned()
    }

    /// Lets GitHub tell of somebody, by the code that is their name.
    pub(crate) fn account_for(&self, name: &str, membership: Membership) {
        let account = Account { person: signed_in_person(name), membership };
        self.0.lock().unwrap().accounts.insert(name.to_owned(), account);
    }

    /// Why something was refused, in order.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.0.lock().unwrap().refusals.iter().map(|refusal| refusal.why.clone()).collect()
    }

    /// Makes a link to the gate of the only story, as its approver `name` gets it.
    pub(crate) fn link_for(&self, name: &str, number: u8) -> String {
        let mut rows = self.0.lock().unwrap();
        let gate = rows.stories.values().next().unwrap().gate.clone().unwrap();
        let link = LinkId::from_random([number; 32]);
        let grant = LinkGrant { gate: gate.id, subject_digest: gate.subject_digest, recipient: person(name) };
        rows.links.insert(link.digest(), grant);
        link.expose().to_owned()
    }

    pub(crate) fn change_gate(&self, change: impl FnOnce(&mut Gate)) {
        let mut rows = self.0.lock().unwrap();
        change(rows.stories.values_mut().next().unwrap().gate.as_mut().unwrap());
    }

    /// Changes a gate as `approvals` would.
    fn change(&self, id: &GateId, rule: impl FnOnce(&Gate) -> Result<Gate, Refusal>) -> ChangeAnswer {
        let mut rows = self.0.lock().unwrap();
        let found = rows.stories.values_mut().filter_map(|story| story.gate.as_mut()).find(|found| found.id == *id);
        let Some(found) = found else { return ChangeAnswer::NotFound };
        match rule(found) {
            Ok(changed) => {
                *found = changed;
                ChangeAnswer::Changed
            }
            Err(refusal) => ChangeAnswer::Refused { message: refusal.to_string(), refusal },
        }
    }

    /// Decides a gate as `approvals` would.
    fn decide_now(&self, gate: &GateId, decision: DecisionRequest) -> DecideAnswer {
        let mut rows = self.0.lock().unwrap();
        rows.decisions.push(decision.clone());
        let found = rows.stories.values_mut().filter_map(|story| story.gate.as_mut()).find(|found| found.id == *gate);
        let Some(found) = found else { return DecideAnswer::NotFound };
        match found.decide(decision, now()) {
            Ok(decided) => {
                *found = decided;
                match found.status {
                    GateStatus::Pending => DecideAnswer::Counted {
                        approvals: found.quorum.required - found.missing_approvals(),
                        required: found.quorum.required,
                    },
                    status => DecideAnswer::Decided { status },
                }
            }
            Err(refusal) => DecideAnswer::Refused { message: refusal.to_string(), refusal },
        }
    }

    fn find<T>(&self, id: &WorkflowId, take: impl FnOnce(&Story) -> T) -> Result<T, StoreError> {
        let rows = self.0.lock().unwrap();
        rows.stories.get(id).map(take).ok_or_else(|| StoreError::NotFound(format!("workflow {id}")))
    }
}

impl Backend for Memory {
    async fn secrets(&self) -> Result<Secrets, Failure> {
        if self.0.lock().unwrap().down {
            return Err(Failure::new(FailureKind::Transient, "ordered"));
        }
        Ok(Secrets {
            token: TOKEN.into(),
            holder: person("ann"),
            session_key: session_key(),
            sign_in_key: SigningKey::derive("key", "sign-in"),
            form_key: SigningKey::derive("key", "form"),
            oauth: (!self.0.lock().unwrap().no_oauth)
                .then(|| OauthApp { client_id: "client".to_owned(), client_secret: "secret".into() }),
        })
    }

    async fn slack(&self) -> Result<Option<SlackAccess>, Failure> {
        Ok(self.0.lock().unwrap().slack.clone())
    }

    async fn summaries(&self, state: WorkflowState, span: &Span) -> Result<(Vec<Summary>, bool), StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads.push(format!("summaries {state}"));
        let all = rows.stories.values().map(|story| Summary::from(story.workflow.clone()));
        let place = |it: &Summary| (it.updated_at, it.id.clone());
        let mut found: Vec<Summary> = all.filter(|it| it.state == state && it.updated_at >= span.since).collect();
        found.retain(|it| span.after.as_ref().is_none_or(|after| place(it) < *after));
        found.sort_by_key(|it| std::cmp::Reverse(place(it)));
        let more = found.len() > span.limit;
        found.truncate(span.limit);
        Ok((found, more))
    }

    async fn count(&self, state: WorkflowState, since: Timestamp) -> Result<(usize, bool), StoreError> {
        let (found, more) = self.summaries(state, &Span::since(since, 1_000)).await?;
        Ok((found.len(), more))
    }

    async fn expenses(&self, since: Timestamp, _: Timestamp, limit: usize) -> Result<(Vec<Expense>, bool), StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads.push("expenses".to_owned());
        let all = rows.stories.values().flat_map(|story| story.expenses.clone());
        let mut found: Vec<Expense> = all.filter(|expense| expense.at >= since).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }

    async fn line(&self, pool: SlotPool) -> Result<Line, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads.push(format!("queue {}", pool.as_str()));
        let mut waiters: Vec<Waiter> =
            rows.queue.iter().filter(|(of, _)| *of == pool).map(|(_, waiter)| waiter.clone()).collect();
        waiters.sort_by_key(Waiter::order_key);
        let pause = rows.pauses.iter().find(|(of, _)| *of == pool).map(|(_, pause)| pause.clone());
        Ok(Line { waiters, pause })
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Workflow, StoreError> {
        self.find(id, |story| story.workflow.clone())
    }

    async fn trail(&self, id: &WorkflowId) -> Result<Trail, StoreError> {
        self.find(id, |story| Trail::of(id.clone(), &story.trail, Some(story.workflow.audit)))
    }

    async fn evidence(&self, id: &WorkflowId, now: Timestamp) -> Result<Evidence, StoreError> {
        let trail = self.trail(id).await?;
        Ok(Evidence { trail, anchors: self.find(id, |story| story.anchors.clone())?, at: now })
    }

    async fn logs(&self, _: &WorkflowId, after: Option<&str>, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        let line = |seq, event| LogLine { attempt: Attempt::FIRST, run: RunKind::Agent, seq, at: now(), event };
        let tool = |failed| ProgressEvent::Tool { name: "edit".to_owned(), summary: "src/<b>.js".to_owned(), failed };
        let lines = [
            line(1, ProgressEvent::Started { isolation: vec!["network-namespace".to_owned()] }),
            line(2, ProgressEvent::Heartbeat),
            line(3, tool(Some(true))),
            line(4, ProgressEvent::Ended { outcome: RunOutcome::Completed }),
        ];
        let later = lines.into_iter().filter(|line| after.is_none_or(|after| line.position().as_str() > after));
        Ok(later.take(usize::try_from(limit).unwrap()).collect())
    }

    async fn last_logs(&self, id: &WorkflowId, limit: i32) -> Result<Vec<LogLine>, StoreError> {
        self.logs(id, None, limit).await
    }

    async fn gate(&self, id: &GateId) -> Result<Option<Gate>, StoreError> {
        let rows = self.0.lock().unwrap();
        Ok(rows.stories.values().filter_map(|story| story.gate.clone()).find(|gate| gate.id == *id))
    }

    async fn link(&self, digest: Digest) -> Result<Option<LinkGrant>, StoreError> {
        Ok(self.0.lock().unwrap().links.get(&digest).cloned())
    }

    async fn inbox(&self, email: &str) -> Result<Vec<InboxItem>, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads.push(format!("inbox {email}"));
        let asks = |gate: &&Gate| {
            let mut awaited = gate.awaited();
            gate.status == GateStatus::Pending && awaited.any(|p| p.email.as_deref() == Some(email))
        };
        Ok(rows.stories.values().filter_map(|story| story.gate.as_ref()).filter(asks).map(InboxItem::of).collect())
    }

    async fn spec(&self, id: &WorkflowId, _: Revision, digest: Digest) -> Result<Option<Spec>, StoreError> {
        self.find(id, |story| story.specs.iter().find(|spec| spec.digest().unwrap() == digest).cloned())
    }

    async fn qa(&self, id: &WorkflowId, _: Attempt, digest: Digest) -> Result<Option<QaReport>, StoreError> {
        let found = self.find(id, |story| (qa(&story.workflow), qa_digest(&story.workflow)))?;
        Ok(Some(found).filter(|(_, found)| *found == digest).map(|(report, _)| report))
    }

    async fn diff(&self, id: &WorkflowId, _: Attempt, digest: Digest) -> Result<Option<ChangeDiff>, StoreError> {
        let diff = self.find(id, |story| change_diff(&story.workflow))?;
        let stored = Digest::of(serde_json::to_vec(&diff).unwrap());
        Ok((stored == digest).then_some(diff))
    }

    async fn decide(&self, gate: &GateId, decision: DecisionRequest) -> Result<DecideAnswer, Failure> {
        let answer = self.decide_now(gate, decision);
        if self.0.lock().unwrap().no_answers {
            return std::future::pending().await;
        }
        Ok(answer)
    }

    async fn edit_spec(&self, id: &WorkflowId, of: Digest, draft: SpecDraft, by: Actor) -> Result<EditOutput, Failure> {
        let mut rows = self.0.lock().unwrap();
        let story = rows.stories.get_mut(id).unwrap();
        Ok(story.edited(of, draft, by))
    }

    async fn send_code(&self, link: Digest) -> Result<CodeAnswer, Failure> {
        let mut rows = self.0.lock().unwrap();
        let refused = |refusal: CodeRefusal| CodeAnswer::Refused { message: refusal.to_string(), refusal };
        Ok(match LinkCode::ask(rows.codes.get(&link), now()) {
            Ok(row) => {
                let made = row.made(LinkCode::digest_of(link, row.number, CODE), now());
                rows.codes.insert(link, made);
                CodeAnswer::Sent
            }
            Err(refusal) => refused(refusal),
        })
    }

    async fn check_code(&self, link: Digest, code: &str) -> Result<CodeAnswer, Failure> {
        let mut rows = self.0.lock().unwrap();
        let refused = |refusal: CodeRefusal| CodeAnswer::Refused { message: refusal.to_string(), refusal };
        let Some(row) = rows.codes.get(&link) else { return Ok(refused(CodeRefusal::Spent)) };
        let typed = match row.typed(now()) {
            Ok(typed) => typed,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let answer = typed.check(LinkCode::digest_of(link, typed.number, code));
        rows.codes.insert(link, typed);
        Ok(answer.map_or_else(refused, |()| CodeAnswer::Right))
    }

    async fn extend(&self, gate: &GateId, by: Actor, due_at: Timestamp) -> Result<ChangeAnswer, Failure> {
        Ok(self.change(gate, |gate| gate.extend(&by, due_at, now())))
    }

    async fn hand_on(&self, gate: &GateId, by: Actor, to: Person) -> Result<ChangeAnswer, Failure> {
        Ok(self.change(gate, |gate| gate.delegate(&by, &to, &[person("bob")], now())))
    }

    async fn cancel(&self, id: &WorkflowId, actor: &Actor, reason: &str, now: Timestamp) -> Result<Workflow, Failure> {
        let mut rows = self.0.lock().unwrap();
        let story = rows.stories.get_mut(id).unwrap();
        let event = Event::CancelRequested { reason: reason.to_owned() };
        let change = story
            .workflow
            .apply(event, actor.clone(), now)
            .map_err(|error| Failure::new(FailureKind::Superseded, error.to_string()))?;
        story.workflow = change.workflow.clone();
        rows.cancels.push(format!("{}: {reason}", actor.label()));
        Ok(change.workflow)
    }

    async fn resume(
        &self,
        id: &WorkflowId,
        from: Option<ResumePoint>,
        words: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Workflow, Failure> {
        let mut rows = self.0.lock().unwrap();
        let workflow = rows.stories[id].workflow.clone();
        let points = workflow.resume_points();
        let from = from.or_else(|| points.first().copied()).filter(|from| points.contains(from));
        let refused = || Failure::new(FailureKind::Superseded, "It cannot go on there. Nothing was changed.");
        let number = workflow.execution().resumption + 1;
        let resumption = Resumption { number, from: from.ok_or_else(refused)? };
        let event = Event::Resumed { resumption, comment: words.map(str::to_owned) };
        let change = workflow.apply(event, actor.clone(), now).unwrap();
        rows.stories.get_mut(id).unwrap().workflow = change.workflow.clone();
        rows.operations.push(format!("{} resumed from {}", actor.label(), resumption.from.as_str()));
        Ok(change.workflow)
    }

    async fn set_pause(&self, pool: SlotPool, pause: Option<Pause>) -> Result<(), Failure> {
        let mut rows = self.0.lock().unwrap();
        rows.operations.push(format!("{} rests: {}", pool.as_str(), pause.is_some()));
        rows.pauses.retain(|(of, _)| *of != pool);
        rows.pauses.extend(pause.map(|pause| (pool, pause)));
        Ok(())
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetters>, Failure> {
        let rows = self.0.lock().unwrap();
        let down = || Failure::new(FailureKind::Transient, "ordered");
        if rows.no_sweeper { Err(down()) } else { Ok(rows.dead_letters.clone()) }
    }

    async fn redrive(&self, queue: DeadLetterQueue) -> Result<Redriven, Failure> {
        self.0.lock().unwrap().operations.push(format!("{} handed back", queue.as_str()));
        Ok(Redriven { moved: 3 })
    }

    async fn identify(&self, _: &OauthApp, code: String, verifier: String) -> Result<Account, NotIdentified> {
        let mut rows = self.0.lock().unwrap();
        rows.exchanges.push((code.clone(), verifier));
        rows.accounts.get(&code).cloned().ok_or(NotIdentified::Refused)
    }

    async fn put_session(&self, session: &Session, _: Timestamp) -> Result<(), StoreError> {
        self.0.lock().unwrap().sessions.insert(session.family.clone(), session.clone());
        Ok(())
    }

    async fn session(&self, family: &str) -> Result<Option<Session>, StoreError> {
        Ok(self.0.lock().unwrap().sessions.get(family).cloned())
    }

    async fn rotate_session(&self, session: &Session, next: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let found = rows.sessions.get_mut(&session.family).filter(|found| found.current == session.current);
        let Some(found) = found else { return Ok(false) };
        found.previous = Some(std::mem::replace(&mut found.current, next));
        (found.rotated_at, found.last_seen) = (now, now);
        Ok(true)
    }

    async fn session_seen(&self, family: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        Ok(rows.sessions.get_mut(family).map(|session| session.last_seen = now).is_some())
    }

    async fn end_session(&self, family: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().sessions.remove(family);
        Ok(())
    }

    async fn put_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        self.0.lock().unwrap().tokens.insert(token.digest.to_string(), token.clone());
        Ok(())
    }

    async fn token(&self, digest: Digest) -> Result<Option<ApiToken>, StoreError> {
        Ok(self.0.lock().unwrap().tokens.get(&digest.to_string()).cloned())
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        Ok(self.0.lock().unwrap().tokens.values().cloned().collect())
    }

    async fn revoke_token(&self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let found = rows.tokens.get_mut(&digest.to_string()).filter(|token| token.revoked_at.is_none());
        Ok(found.map(|token| token.revoked_at = Some(now)).is_some())
    }

    async fn token_used(&self, digest: Digest, day: &str) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let found = rows.tokens.get_mut(&digest.to_string());
        Ok(found.map(|token| token.last_used = Some(day.to_owned())).is_some())
    }

    async fn put_refusal(&self, refusal: &AccessRefusal, _: u64) -> Result<(), StoreError> {
        self.0.lock().unwrap().refusals.push(refusal.clone());
        Ok(())
    }

    async fn refusals(&self, day: &str, _: i32) -> Result<Vec<AccessRefusal>, StoreError> {
        let rows = self.0.lock().unwrap();
        Ok(rows.refusals.iter().rev().filter(|refusal| AccessRefusal::day(refusal.at) == day).cloned().collect())
    }
}
