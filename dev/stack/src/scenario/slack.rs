//! Deciding by the message in Slack, as a member of the simulated workspace does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use domain::ids::{GateId, WorkflowId};
use slack_sim::{Answered, Endpoint, Message};
use tokio::time::sleep;

use super::people::Ask;
use crate::console::Answer;
use crate::settings::SLACK_MEMBER;
use crate::stack::Stack;

/// How long a message may take.
const MESSAGE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(40);

/// Presses the button, and says why where a dialog asks.
pub(super) async fn decide(stack: &Stack, ask: &Ask, answer: Answer, comment: Option<&str>) -> Result<()> {
    let slack = stack.slack();
    let endpoint = Endpoint::new(format!("{}/slack/interactions", stack.url()));
    let message = question(stack, &ask.gate).await?;
    let button = match answer {
        Answer::Approve => "approve",
        Answer::Revise => "revise",
        Answer::Reject => "reject",
    };
    let before = slack.whispers().len();
    let pressed = slack.press(&endpoint, SLACK_MEMBER, &message.ts, button).await.map_err(anyhow::Error::msg)?;
    taken(&pressed)?;
    if answer == Answer::Approve {
        let told = slack.whispers().split_off(before).join(" ");
        ensure!(!told.contains("Nothing was decided"), "Slack's member was told: {told}");
        return Ok(());
    }
    let words = comment.context("whoever sends back or rejects says why")?;
    let sent = slack.submit(&endpoint, SLACK_MEMBER, &[("comment", words)]).await.map_err(anyhow::Error::msg)?;
    taken(&sent)?;
    ensure!(sent.reply.body.is_empty(), "the dialog stays open: {}", sent.reply.body);
    Ok(())
}

fn taken(answered: &Answered) -> Result<()> {
    let reply = &answered.reply;
    ensure!(reply.status == 200, "Slack was answered {}: {}", reply.status, reply.body);
    ensure!(reply.in_time, "Slack would not have waited so long");
    Ok(())
}

/// Waits for the message that asks about a gate.
async fn question(stack: &Stack, gate: &GateId) -> Result<Message> {
    let started = Instant::now();
    while started.elapsed() < MESSAGE {
        let asks = |message: &Message| {
            let button = message.buttons().remove("approve");
            let value = button.and_then(|button| button["value"].as_str().map(str::to_owned)).unwrap_or_default();
            value.split(' ').next() == Some(gate.as_str())
        };
        if let Some(message) = stack.slack().messages().into_iter().find(asks) {
            return Ok(message);
        }
        sleep(POLL).await;
    }
    bail!("no message in Slack asked about {gate} within {} s", MESSAGE.as_secs())
}

/// What the channel says about a workflow: its questions, each with its thread.
pub(super) fn said(stack: &Stack, id: &WorkflowId) -> Vec<String> {
    let messages = stack.slack().messages();
    let ours = |message: &&Message| {
        let page = message.buttons().remove("open").and_then(|button| button["url"].as_str().map(str::to_owned));
        message.thread_ts.is_none() && page.is_some_and(|page| page.split('/').any(|part| part == id.as_str()))
    };
    let mut said = Vec::new();
    for question in messages.iter().filter(ours) {
        said.push(question.text.clone());
        let replies = messages.iter().filter(|message| message.thread_ts.as_ref() == Some(&question.ts));
        said.extend(replies.map(|reply| format!("↳ {}", reply.text)));
    }
    said
}
