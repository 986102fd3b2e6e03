//! One scenario on one stack.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use github_sim::{NewRepo, Role};
use tokio::time::sleep;

use super::check::{Difference, check};
use super::collect::collect;
use super::drive::{Decider, Happening, follow};
use super::load::Scenario;
use super::result::RunResult;
use crate::settings::MAINTAINER;
use crate::stack::Stack;

/// How long what follows the end may take: comments, mails, released slots.
const SETTLING: Duration = Duration::from_secs(20);
const BRIEFLY: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(60);

/// A scenario that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// What came of it.
    pub result: RunResult,
    /// What does not hold; empty on success.
    pub differences: Vec<Difference>,
    /// How long it took, from the ticket to the last check.
    pub took: Duration,
}

/// Plays a scenario: repository, script, ticket, decisions, end, checks.
///
/// # Errors
/// When the scenario cannot be set up, the workflow does not move, or a decision is refused. That something came out
/// otherwise than expected is no error but a difference.
pub async fn play(
    stack: &Stack,
    scenario: &Scenario,
    decider: &mut dyn Decider,
    tell: &mut (dyn FnMut(Happening) + Send),
) -> Result<Played> {
    let started = Instant::now();
    prepare(stack, scenario).await?;
    stack.flux_lens().create(scenario.ticket.clone())?;
    let workflow = follow(stack, scenario, decider, tell).await?;
    let ended = Instant::now();
    loop {
        let workflow = stack.store().workflow(&workflow.id).await?;
        let mut result = collect(stack, scenario, &workflow).await?;
        let mut differences = check(stack, scenario, &workflow, &result).await?;
        // Where the end is another one, what was expected after it will not come.
        let patience = if workflow.state == scenario.expect.state { SETTLING } else { BRIEFLY };
        if differences.is_empty() || ended.elapsed() > patience {
            differences.extend(decider.left().into_iter().map(|line| Difference {
                what: format!("the decision {:?} {:?}", line.gate, line.decision),
                expected: "its gate opens".to_owned(),
                found: "it did not".to_owned(),
            }));
            result.differences = differences.iter().map(ToString::to_string).collect();
            return Ok(Played { result, differences, took: started.elapsed() });
        }
        sleep(POLL).await;
    }
}

/// Makes a scenario's repository and gives the model its script: everything that the ticket needs.
///
/// # Errors
/// When the repository exists or the ticket's id is used by another script.
pub async fn prepare(stack: &Stack, scenario: &Scenario) -> Result<()> {
    let (owner, name) = scenario.ticket.repository.split_once('/').context("the repository is not owner/name")?;
    let mut repo = NewRepo::new(owner, name).from_dir(scenario.repo());
    repo.collaborators.insert(MAINTAINER.to_owned(), Role::Admin);
    let made = stack.github()?.create_repo(repo).await;
    made.map_err(|error| anyhow::anyhow!("the repository {owner}/{name} cannot be made: {}", error.message))?;
    stack.packages().publish_folder(&scenario.packages())?;
    stack.model()?.register(&scenario.name, &scenario.ticket_id, &scenario.model)?;
    Ok(())
}
