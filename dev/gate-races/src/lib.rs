//! Many decide one gate at once: people approve and reject, the time runs out, the ticket is cancelled, the sweeper hands
//! over. Whoever wins, row, audit trail and execution must say the same, and say it once.
//!
//! Each race has an execution of its own that waits for a real task token; the function is called as it is deployed.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use domain::Timestamp;
use domain::failure::FailureKind;
use domain::gate::requests::{ApprovalRequest, DecideAnswer};
use domain::gate::{DecisionRequest, Gate, GateKind, Verdict};
use domain::ids::TaskToken;
use domain::spec::FileAction;
use domain::steps::ApprovalStep;
use domain::workflow::Event;
use rand::seq::SliceRandom as _;
use serde_json::Value;
use testkit::sample::{at, by, sha, ticket};
use testkit::{Outcome, World};
use tokio::task::JoinSet;

/// How many act at once in each race.
pub const CALLERS: usize = 32;
/// The moment at which the gate of [`World::gates_function`] is due, seconds.
const DUE: i64 = 3_600;

/// How the races ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Races.
    pub races: u32,
    /// How often each status won.
    pub won: BTreeMap<&'static str, u32>,
    /// Calls that were told that another was faster.
    pub refused: u32,
}

/// Runs so many races, one after the other.
///
/// # Errors
/// The first race in which two won, none did, or row, audit trail and execution differ.
pub async fn run(world: &Arc<World>, races: u32) -> Result<Tally> {
    let mut tally = Tally::default();
    for number in 1..=races {
        race(world, number, &mut tally).await.with_context(|| format!("race {number}"))?;
    }
    Ok(tally)
}

/// What one caller does.
#[derive(Debug, Clone, Copy)]
enum Part {
    Approve(&'static str),
    Reject(&'static str),
    Expire,
    Cancel,
    Deliver,
    Reopen,
}

/// Everybody's part, as often as there are callers, in a new order each time.
fn parts() -> Vec<Part> {
    let once = [
        Part::Approve("ann"),
        Part::Approve("bob"),
        Part::Reject("ann"),
        Part::Reject("bob"),
        Part::Expire,
        Part::Cancel,
        Part::Deliver,
        Part::Reopen,
    ];
    let mut parts: Vec<Part> = once.into_iter().cycle().take(CALLERS).collect();
    parts.shuffle(&mut rand::rng());
    parts
}

async fn race(world: &Arc<World>, number: u32, tally: &mut Tally) -> Result<()> {
    let wait = world.wait().await;
    let ticket = ticket(&format!("FL-{number}"));
    let workflow = world.planned(&ticket, &sha("a"), &[("src/app.js", FileAction::Modify)]).await;
    open(world, &workflow.id, &wait.token).await?;
    let gate = world.gates.gate(&GateKind::Spec.gate_id(&workflow.id, 1)?).await?.context("no gate was opened")?;
    world.tell(&workflow.id, [Event::CancelRequested { reason: "a race".to_owned() }]).await;

    let mut calls = JoinSet::new();
    for part in parts() {
        let (world, gate, token) = (Arc::clone(world), gate.clone(), wait.token.clone());
        calls.spawn(async move { act(&world, &gate, &token, part).await });
    }
    let mut winners = Vec::new();
    while let Some(done) = calls.join_next().await {
        match done?? {
            Some(DecideAnswer::Decided { status }) => winners.push(status),
            Some(DecideAnswer::Refused { .. }) => tally.refused += 1,
            Some(DecideAnswer::Counted { .. } | DecideAnswer::NotFound) => bail!("a caller was told nonsense"),
            None => {}
        }
    }
    let [winner] = winners[..] else { bail!("{} callers were told that they decided: {winners:?}", winners.len()) };
    let row = world.gates.gate(&gate.id).await?.context("the gate is gone")?;
    ensure!(row.status == winner, "the row says {:?}, the winner was told {winner:?}", row.status);
    let trail = world.trail(&workflow.id).await;
    let decided = trail.iter().filter(|event| *event == "gate_decided").count();
    ensure!(decided == 1, "the audit trail has {decided} decisions");
    // As the sweeper does when a caller died on the way.
    ask(world, &ApprovalRequest::Deliver { gate: gate.id.clone() }, at(DUE + 60)).await?;
    let Outcome::Success(told) = wait.outcome().await else { bail!("the execution was told of a failure") };
    ensure!(told["decision"] == winner.as_str(), "the execution was told {told}, the row says {winner:?}");
    tally.races += 1;
    *tally.won.entry(winner.as_str()).or_default() += 1;
    Ok(())
}

async fn act(world: &World, gate: &Gate, token: &TaskToken, part: Part) -> Result<Option<DecideAnswer>> {
    let person = |name: &str, verdict| DecisionRequest {
        verdict,
        by: by(name),
        subject_digest: Some(gate.subject_digest),
        comment: Some("a race".to_owned()),
        sections: Vec::new(),
    };
    let id = gate.id.clone();
    let (request, now) = match part {
        Part::Approve(name) => {
            (ApprovalRequest::Decide { gate: id, decision: person(name, Verdict::Approve) }, DUE - 1)
        }
        Part::Reject(name) => (ApprovalRequest::Decide { gate: id, decision: person(name, Verdict::Reject) }, DUE - 1),
        Part::Expire => {
            let decision = DecisionRequest::fact(Verdict::Expire, domain::person::Actor::system("sweeper"), None);
            (ApprovalRequest::Decide { gate: id, decision }, DUE)
        }
        Part::Cancel => (ApprovalRequest::Cancel { workflow_id: gate.workflow_id.clone() }, DUE - 1),
        Part::Deliver => {
            ask(world, &ApprovalRequest::Deliver { gate: id }, at(DUE)).await?;
            return Ok(None);
        }
        Part::Reopen => {
            open(world, &gate.workflow_id, token).await?;
            return Ok(None);
        }
    };
    let answer = ask(world, &request, at(now)).await?;
    let Some(answer) = answer else { return Ok(None) };
    let answer: DecideAnswer = serde_json::from_value(answer)?;
    // A cancel that finds no open gate any more has lost as well.
    Ok(Some(answer).filter(|answer| !matches!((part, answer), (Part::Cancel, DecideAnswer::NotFound))))
}

async fn open(world: &World, id: &domain::WorkflowId, token: &TaskToken) -> Result<()> {
    let step = ApprovalStep::Open { workflow_id: id.clone(), kind: GateKind::Spec, task_token: token.clone() };
    approvals::handle(&world.gates_function(&world.aws), serde_json::to_value(step)?, at(0)).await?;
    Ok(())
}

/// Calls the function; `None` where it gave up because of the others.
async fn ask(world: &World, request: &ApprovalRequest, now: Timestamp) -> Result<Option<Value>> {
    let function = world.gates_function(&world.aws);
    match approvals::handle(&function, serde_json::to_value(request)?, now).await {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.kind == FailureKind::Contention => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}
