//! The channel to Slack: one message for each gate, replaced as it is decided, and what happens next in its thread.
//!
//! A row of the outbox only says that something was recorded. What to tell follows from the audit trail and from how
//! far the thread was told ([`SlackThread`]), so that rows may come late, twice or in any order: the first one tells
//! everything, and the others find nothing left. One sender at a time has a thread, and what was posted is written down
//! before anything else is done. A message comes twice only where Slack took one and its answer was lost, which nobody
//! here can know.

mod desk;
mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::audit::AuditEntry;
use domain::failure::{Failure, FailureKind};
use domain::gate::{Gate, GateStatus, Subject};
use domain::ids::GateId;
use domain::outbox::Notice;
use domain::workflow::{Event, Workflow};
use domain::{Digest, Timestamp};
use slack::{Message, Posted, Slack};
use store::{OutboxRow, SlackBudget, SlackMessage, SlackThread, StoreError};

pub(crate) use self::desk::Desk;
pub use self::rows::SlackRows;
use crate::config::SlackChannel;
use crate::facts::{History, State};
use crate::notifier::{Notifier, inconsistent};
use crate::texts::slack as texts;
use crate::ticket::{gate_of, spec_of};
use crate::unsent::Unsent;

/// How soon a thread that another sender has is tried again.
const TAKEN: Duration = Duration::from_secs(5);

/// Tells a workflow's thread what it does not know yet.
pub(crate) async fn send<S: State>(
    notifier: &Notifier<S>,
    client: Option<&Result<Slack, Failure>>,
    row: &OutboxRow,
    now: fn() -> Timestamp,
) -> Result<(), Unsent> {
    let (Some(channel), Some(client)) = (&notifier.slack, client) else {
        tracing::info!(workflow = %row.workflow_id, "Slack was turned off; nothing is told there");
        return Ok(());
    };
    let client = client.as_ref().map_err(Clone::clone)?;
    let Notice::Recorded { entry } = row.message.notice else {
        return Err(inconsistent("a notice of another channel came to Slack").into());
    };
    let turn = notifier.desk.turn(now).await?;
    let told = take_and_tell(notifier, channel, client, row, entry, now).await;
    turn.end(&told, now());
    told
}

async fn take_and_tell<S: State>(
    notifier: &Notifier<S>,
    channel: &SlackChannel,
    client: &Slack,
    row: &OutboxRow,
    entry: u64,
    now: fn() -> Timestamp,
) -> Result<(), Unsent> {
    let state = &notifier.state;
    let mut thread = match state.take_thread(&row.workflow_id, now()).await {
        Err(StoreError::Conflict(what)) => return Err(Unsent::after(TAKEN, FailureKind::Contention, what)),
        taken => taken?,
    };
    let told = if thread.told >= entry { Ok(()) } else { tell(notifier, channel, client, &mut thread, now()).await };
    if let Err(error) = state.release_thread(&thread).await {
        tracing::warn!(%error, "a thread was not given back; it is free again after a while");
    }
    told
}

async fn tell<S: State>(
    notifier: &Notifier<S>,
    channel: &SlackChannel,
    client: &Slack,
    thread: &mut SlackThread,
    now: Timestamp,
) -> Result<(), Unsent> {
    let workflow = notifier.state.workflow(&thread.workflow_id).await?;
    let trail = notifier.state.trail(&workflow.id).await?;
    Teller { notifier, channel, client, workflow: &workflow, trail: &trail, now }.tell(thread).await
}

/// Says things about one workflow.
struct Teller<'a, S> {
    notifier: &'a Notifier<S>,
    channel: &'a SlackChannel,
    client: &'a Slack,
    workflow: &'a Workflow,
    trail: &'a [AuditEntry],
    now: Timestamp,
}

impl<S: State> Teller<'_, S> {
    async fn tell(&self, thread: &mut SlackThread) -> Result<(), Unsent> {
        let from = thread.told;
        let news = || self.trail.iter().filter(move |entry| entry.seq > from);
        // First what replaces something: done again, it changes nothing.
        let changed: BTreeSet<&GateId> = news().filter_map(|entry| gate_of_event(&entry.event)).collect();
        let ended = self.workflow.state.is_terminal();
        let mut gone = BTreeSet::new();
        for message in thread.messages.iter_mut().filter(|message| ended || changed.contains(&message.gate)) {
            if !self.replace(message).await? {
                gone.insert(message.gate.clone());
            }
        }
        thread.messages.retain(|message| !gone.contains(&message.gate));
        for entry in news() {
            thread.told = entry.seq;
            if self.entry(thread, entry).await? {
                self.notifier.state.save_thread(thread).await?;
            }
        }
        Ok(self.notifier.state.save_thread(thread).await?)
    }

    /// Tells one entry. `true`: something was posted.
    async fn entry(&self, thread: &mut SlackThread, entry: &AuditEntry) -> Result<bool, Unsent> {
        match &entry.event {
            Event::GateOpened { gate, .. } => self.ask(thread, gate).await,
            Event::GateStage { gate, stage, .. } => {
                let open = gate_of(&self.notifier.state, gate).await?;
                // A later stage says more, and the gate may be decided by now.
                if open.stage != *stage || !self.is_open(&open) {
                    return Ok(false);
                }
                if !thread.messages.iter().any(|message| message.gate == *gate) {
                    return self.ask(thread, gate).await;
                }
                let team = &self.channel.team;
                self.reply(thread, gate, &texts::reminder(&open, *stage, &open.awaited().collect::<Vec<_>>(), team))
                    .await
            }
            Event::GateDelegated { gate, to, .. } => {
                let open = gate_of(&self.notifier.state, gate).await?;
                if !self.is_open(&open) {
                    return Ok(false);
                }
                self.reply(thread, gate, &texts::handed_on(&open, to, &self.channel.team)).await
            }
            _ => match (texts::progress(entry), thread.messages.last().map(|message| message.gate.clone())) {
                (Some(line), Some(gate)) => self.reply(thread, &gate, &line).await,
                _ => Ok(false),
            },
        }
    }

    /// Posts the question of a gate, unless it is answered or the channel's hour is full.
    async fn ask(&self, thread: &mut SlackThread, gate: &GateId) -> Result<bool, Unsent> {
        let (state, channel) = (&self.notifier.state, &self.channel.channel);
        let gate = gate_of(state, gate).await?;
        if !self.is_open(&gate) || thread.messages.iter().any(|message| message.gate == gate.id) {
            return Ok(false);
        }
        let budget = state.count_post(channel, self.channel.per_hour, self.now).await?;
        let message = match budget {
            SlackBudget::Post => self.render(&gate).await?,
            SlackBudget::SayLimit => texts::limit_reached(self.channel.per_hour, &self.notifier.base_url),
            SlackBudget::Quiet => return Ok(false),
        };
        let posted = match self.client.post(channel, &message, None).await {
            Ok(posted) => posted,
            Err(error) => {
                if let Err(error) = state.return_post(channel, budget, self.now).await {
                    tracing::warn!(%error, "a message that was not posted stays counted for this hour");
                }
                return Err(error.into());
            }
        };
        if budget == SlackBudget::Post {
            let Posted { channel, ts } = posted;
            thread.messages.push(SlackMessage { gate: gate.id, channel, ts, shown: shown(&message)? });
        }
        Ok(true)
    }

    /// Says something below a gate's message. What can no longer be said anywhere counts as said.
    async fn reply(&self, thread: &mut SlackThread, gate: &GateId, line: &Message) -> Result<bool, Unsent> {
        let Some(message) = thread.messages.iter().find(|message| message.gate == *gate) else { return Ok(false) };
        match self.client.post(&message.channel, line, Some(&message.ts)).await {
            Err(error) if error.is_final() => {
                tracing::warn!(%gate, %error, "Slack does not take a reply");
                Ok(false)
            }
            posted => Ok(posted.map(|_| true)?),
        }
    }

    /// Replaces a gate's message where it shows something else. `false`: it is gone.
    async fn replace(&self, message: &mut SlackMessage) -> Result<bool, Unsent> {
        let gate = gate_of(&self.notifier.state, &message.gate).await?;
        let next = self.render(&gate).await?;
        let digest = shown(&next)?;
        if digest == message.shown {
            return Ok(true);
        }
        let at = Posted { channel: message.channel.clone(), ts: message.ts.clone() };
        match self.client.update(&at, &next).await {
            Err(error) if error.is_final() => {
                tracing::warn!(gate = %gate.id, %error, "a message in Slack can no longer be replaced");
                Ok(false)
            }
            updated => {
                updated?;
                message.shown = digest;
                Ok(true)
            }
        }
    }

    fn is_open(&self, gate: &Gate) -> bool {
        gate.status == GateStatus::Pending && !self.workflow.state.is_terminal()
    }

    /// What a gate's message shows now.
    async fn render(&self, gate: &Gate) -> Result<Message, Failure> {
        let (state, workflow) = (&self.notifier.state, self.workflow);
        let workflow_page = workflow.id.page(&self.notifier.base_url);
        let gate_page = format!("{workflow_page}/gate");
        let facts = texts::GateFacts { workflow, gate, gate_page: &gate_page, workflow_page: &workflow_page };
        if !self.is_open(gate) {
            return Ok(texts::outcome(&facts));
        }
        let ticket = state.ticket(&workflow.id).await?;
        if let Subject::Spec { revision, .. } = gate.subject {
            let spec = spec_of(state, workflow, gate, revision).await?;
            return Ok(texts::question(&facts, &ticket, texts::About::Spec(&spec)));
        }
        let history = History::of(self.trail);
        let qa = match &workflow.qa {
            Some(qa) => Some(state.qa(&workflow.id, qa.attempt, qa.report).await?),
            None => None,
        };
        Ok(texts::question(&facts, &ticket, texts::About::Pr { files: &history.files, qa: qa.as_ref() }))
    }
}

/// The gate whose message an event changes.
fn gate_of_event(event: &Event) -> Option<&GateId> {
    match event {
        Event::GateDecided { gate, .. }
        | Event::GateApproved { gate, .. }
        | Event::GateStage { gate, .. }
        | Event::GateExtended { gate, .. }
        | Event::GateDelegated { gate, .. }
        | Event::SpecReplaced { gate, .. } => Some(gate),
        _ => None,
    }
}

fn shown(message: &Message) -> Result<Digest, Failure> {
    Digest::of_json(&(&message.text, &message.blocks))
        .map_err(|error| Failure::new(FailureKind::Internal, format!("a message has no canonical form: {error}")))
}
