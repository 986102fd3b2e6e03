//! What the people of a scenario do, each on the way that a person has.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use domain::ids::GateId;
use github_sim::{MergeMethod, RepoName};
use tokio::time::sleep;

use super::load::{Choice, DecisionLine, Scenario, Via};
use super::slack;
use crate::console::Answer;
use crate::settings::{APPROVER, MAINTAINER};
use crate::stack::Stack;

/// How long a mail may take.
const MAIL: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(40);

/// What is asked of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The gate.
    pub gate: GateId,
    /// The pull request, where it is about one.
    pub pull: Option<u64>,
    /// The link in the approver's mail.
    pub link: Option<String>,
}

/// The people of a scenario.
#[derive(Debug)]
pub(super) struct People<'a> {
    stack: &'a Stack,
    scenario: &'a Scenario,
    repo: RepoName,
    /// Mails that are about something else.
    read: Vec<String>,
}

impl<'a> People<'a> {
    /// Mails that are there already are not about this scenario.
    pub(super) async fn new(stack: &'a Stack, scenario: &'a Scenario) -> Result<Self> {
        let (owner, name) = scenario.ticket.repository.split_once('/').context("the repository is not owner/name")?;
        let repo = RepoName::new(owner, name).map_err(anyhow::Error::msg)?;
        let read = stack.mailbox().all().await?.into_iter().map(|mail| mail.message_id).collect();
        Ok(Self { stack, scenario, repo, read })
    }

    /// Waits for the mail about a gate that was just opened, and returns the link in it.
    pub(super) async fn link(&mut self) -> Result<String> {
        let (started, start) = (Instant::now(), format!("{}/approvals/", self.stack.url()));
        loop {
            for mail in self.stack.mailbox().all().await? {
                if self.read.contains(&mail.message_id) {
                    continue;
                }
                let text = mail.body_text.as_deref().unwrap_or_default();
                let is_ours =
                    mail.subject.contains(&self.scenario.ticket_id) || text.contains(&self.scenario.ticket_id);
                let to_approver = mail.to.iter().any(|to| to.contains(APPROVER));
                self.read.push(mail.message_id.clone());
                if let Some(link) = mail.link(&start).filter(|_| is_ours && to_approver) {
                    return Ok(link);
                }
            }
            if started.elapsed() > MAIL {
                bail!("no mail with an approval link came to {APPROVER} within {} s", MAIL.as_secs());
            }
            sleep(POLL).await;
        }
    }

    /// Does what a line says.
    pub(super) async fn decide(&mut self, ask: &Ask, line: &DecisionLine) -> Result<()> {
        let comment = line.comment.as_deref();
        match line.via {
            // At GitHub itself nobody signs in by themselves: the API's approver decides in their place.
            Via::Link if self.stack.github().is_err() => {
                self.stack.console().decide(ask.gate.as_str(), answer(line.decision)?, comment).await
            }
            Via::Link => {
                let link = ask.link.as_deref().context("no link was sent for this gate")?;
                self.stack.console().decide_by_link(link, answer(line.decision)?, comment).await
            }
            Via::Api => self.stack.console().decide(ask.gate.as_str(), answer(line.decision)?, comment).await,
            Via::Slack => slack::decide(self.stack, ask, answer(line.decision)?, comment).await,
            Via::Github => self.act_at_github(ask.pull.context("there is no pull request")?, line).await,
            Via::Ticket => bail!("a gate is not decided at the ticket"),
        }
    }

    async fn act_at_github(&self, number: u64, line: &DecisionLine) -> Result<()> {
        let (github, who) = (self.stack.github()?, Some(MAINTAINER));
        let words = line.comment.as_deref().unwrap_or_default();
        let failed = |error: github_sim::ApiError| anyhow::anyhow!("GitHub refused: {error:?}");
        match line.decision {
            Choice::Merge => {
                github.review(&self.repo, number, who, "APPROVE", words).await.map_err(failed)?;
                github.merge(&self.repo, number, who, MergeMethod::default()).await.map_err(failed)?;
            }
            Choice::RequestChanges => {
                github.review(&self.repo, number, who, "REQUEST_CHANGES", words).await.map_err(failed)?;
            }
            Choice::Close => {
                if !words.is_empty() {
                    github.review(&self.repo, number, who, "COMMENT", words).await.map_err(failed)?;
                }
                github.close(&self.repo, number, who).await.map_err(failed)?;
            }
            other => bail!("{other:?} cannot be said at GitHub"),
        }
        Ok(())
    }

    /// Has the workflow go on.
    pub(super) async fn retry(&self, words: Option<&str>) -> Result<()> {
        self.stack.console().retry(self.scenario.workflow_id().as_str(), words.unwrap_or_default()).await
    }

    /// Cancels the ticket.
    pub(super) fn cancel(&self) -> Result<()> {
        Ok(self.stack.flux_lens().cancel(&self.scenario.ticket_id)?)
    }
}

fn answer(choice: Choice) -> Result<Answer> {
    Ok(match choice {
        Choice::Approve => Answer::Approve,
        Choice::Revise | Choice::RequestChanges => Answer::Revise,
        Choice::Reject | Choice::Close => Answer::Reject,
        Choice::Merge | Choice::Cancel | Choice::Retry => bail!("{choice:?} is not said at a gate"),
    })
}
