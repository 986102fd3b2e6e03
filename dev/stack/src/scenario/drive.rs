//! Following a workflow from its ticket to its end, and deciding where a person is asked.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use domain::WorkflowState;
use domain::ids::{GateId, WorkflowId};
use domain::workflow::Workflow;
use model_sim::Consumer;
use store::StoreError;
use tokio::time::sleep;

use super::collect::lines;
use super::load::{Choice, DecisionLine, GateName, Scenario};
use super::people::{Ask, People};
use super::result::StateLine;
use crate::stack::Stack;

/// How often the workflow is read.
const POLL: Duration = Duration::from_millis(40);
/// How long the ticket may take to become a workflow.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How long a workflow may stand still.
const STANDSTILL: Duration = Duration::from_mins(10);
/// How long the agent may take to ask the model, before a run is cancelled.
const BUSY: Duration = Duration::from_secs(30);

/// Something to tell whoever watches.
#[derive(Debug, Clone)]
pub enum Happening {
    /// The workflow changed its state, or was created.
    State(StateLine),
    /// A person is asked.
    Asked(GateName, Ask),
    /// A person has decided, here.
    Decided(DecisionLine),
    /// The agent or a quality gate did something.
    Progress(store::LogLine),
    /// The workflow has a pull request.
    PullRequest(String),
}

/// Who decides.
pub trait Decider: Send {
    /// The decision at an open gate, once there is one. Asked again and again.
    fn decision(&mut self, gate: GateName, ask: &Ask) -> Option<DecisionLine>;
    /// The gate was decided elsewhere, or the decision was accepted.
    fn closed(&mut self);
    /// A decision was refused; where this is no error, another is asked for.
    fn refused(&mut self, error: anyhow::Error) -> Result<()>;
    /// Decisions that were never made.
    fn left(&self) -> Vec<DecisionLine>;
    /// Whether the run is to be cancelled now.
    fn cancels_run(&mut self) -> bool;
    /// What is said when the workflow has ended and is to go on.
    fn goes_on(&mut self) -> Option<DecisionLine>;
}

/// Decides as `decisions.json` says.
#[derive(Debug)]
pub struct Scripted {
    lines: std::collections::VecDeque<DecisionLine>,
}

impl Scripted {
    /// The decisions of a scenario.
    pub fn new(lines: &[DecisionLine]) -> Self {
        Self { lines: lines.iter().cloned().collect() }
    }
}

impl Decider for Scripted {
    fn decision(&mut self, gate: GateName, _: &Ask) -> Option<DecisionLine> {
        let is_next = self.lines.front().is_some_and(|line| line.gate == gate);
        is_next.then(|| self.lines.pop_front()).flatten()
    }

    fn closed(&mut self) {}

    fn refused(&mut self, error: anyhow::Error) -> Result<()> {
        Err(error)
    }

    fn left(&self) -> Vec<DecisionLine> {
        self.lines.iter().cloned().collect()
    }

    fn cancels_run(&mut self) -> bool {
        let is_next =
            self.lines.front().is_some_and(|line| line.gate == GateName::Run && line.decision == Choice::Cancel);
        is_next && self.lines.pop_front().is_some()
    }

    fn goes_on(&mut self) -> Option<DecisionLine> {
        let is_next = self.lines.front().is_some_and(|line| line.gate == GateName::End);
        is_next.then(|| self.lines.pop_front()).flatten()
    }
}

/// Follows the workflow of a scenario's ticket to its end.
pub(super) async fn follow(
    stack: &Stack,
    scenario: &Scenario,
    decider: &mut dyn Decider,
    tell: &mut (dyn FnMut(Happening) + Send),
) -> Result<Workflow> {
    let id = scenario.workflow_id();
    let mut people = People::new(stack, scenario).await?;
    let mut watch = Watch { stack, id: &id, told: 0, logs: None, pull: None };
    let mut open: Option<(GateName, Ask)> = None;
    let mut moved = Instant::now();
    let mut version = 0;
    let workflow = arrive(stack, scenario, &id).await?;
    let mut next = Some(workflow);
    loop {
        let workflow = match next.take() {
            Some(workflow) => workflow,
            None => stack.store().workflow(&id).await?,
        };
        watch.progress(tell).await?;
        if workflow.version != version {
            version = workflow.version;
            moved = Instant::now();
            watch.states(&workflow, tell).await?;
        }
        if workflow.state.is_terminal() {
            watch.progress(tell).await?;
            let Some(line) = decider.goes_on() else { return Ok(workflow) };
            people.retry(line.comment.as_deref()).await?;
            tell(Happening::Decided(line));
            moved = Instant::now();
            continue;
        }
        let gate = gate(&workflow);
        if let Some((_, ask)) = &open
            && gate.as_ref().is_none_or(|(_, id)| *id != ask.gate)
        {
            open = None;
            decider.closed();
        }
        if let (None, Some((name, gate))) = (&open, gate) {
            let ask = Ask { gate, pull: workflow.pr.as_ref().map(|pr| pr.number), link: Some(people.link().await?) };
            tell(Happening::Asked(name, ask.clone()));
            open = Some((name, ask));
            moved = Instant::now();
            continue;
        }
        if let Some((name, ask)) = &open
            && let Some(line) = decider.decision(*name, ask)
        {
            match people.decide(ask, &line).await {
                Ok(()) => tell(Happening::Decided(line)),
                Err(error) => decider.refused(error)?,
            }
            moved = Instant::now();
        }
        if workflow.state == WorkflowState::Executing && decider.cancels_run() {
            agent_is_busy(stack, scenario).await?;
            people.cancel()?;
            let line = DecisionLine {
                gate: GateName::Run,
                decision: Choice::Cancel,
                comment: None,
                via: super::load::Via::Ticket,
            };
            tell(Happening::Decided(line));
        }
        if moved.elapsed() > STANDSTILL && open.is_none() {
            bail!("the workflow {id} has stood in {} for {} minutes", workflow.state, STANDSTILL.as_secs() / 60);
        }
        sleep(POLL).await;
    }
}

/// Waits until the ticket has become a workflow.
async fn arrive(stack: &Stack, scenario: &Scenario, id: &WorkflowId) -> Result<Workflow> {
    let started = Instant::now();
    loop {
        match stack.store().workflow(id).await {
            Ok(workflow) => return Ok(workflow),
            Err(StoreError::NotFound(_)) if started.elapsed() < ARRIVAL => sleep(POLL).await,
            Err(StoreError::NotFound(_)) => {
                let state = stack.flux_lens().state();
                let delivery = state.deliveries.iter().rev().find(|d| d.ticket == scenario.ticket_id);
                bail!(
                    "the ticket {} did not become a workflow within {} s; its webhook: {delivery:?}",
                    scenario.ticket_id,
                    ARRIVAL.as_secs()
                );
            }
            Err(error) => return Err(error).context("reading the workflow"),
        }
    }
}

/// The gate at which a person is asked.
fn gate(workflow: &Workflow) -> Option<(GateName, GateId)> {
    let name = match workflow.state {
        WorkflowState::AwaitingSpecApproval => GateName::Spec,
        WorkflowState::AwaitingPrApproval => GateName::Pr,
        _ => return None,
    };
    Some((name, workflow.open_gate.clone()?))
}

/// Waits until the agent has asked the model.
async fn agent_is_busy(stack: &Stack, scenario: &Scenario) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < BUSY {
        let status = stack.model()?.status(&scenario.name);
        let used = status.and_then(|status| status.consumers.get(&Consumer::Code).map(|consumer| consumer.used));
        if used.unwrap_or(0) > 0 {
            return Ok(());
        }
        sleep(POLL).await;
    }
    bail!("the agent has not asked the model within {} s", BUSY.as_secs())
}

/// Tells what is new, once.
struct Watch<'a> {
    stack: &'a Stack,
    id: &'a WorkflowId,
    told: usize,
    logs: Option<String>,
    pull: Option<String>,
}

impl Watch<'_> {
    async fn states(&mut self, workflow: &Workflow, tell: &mut (dyn FnMut(Happening) + Send)) -> Result<()> {
        let trail = self.stack.store().audit_trail(self.id).await?;
        let lines = lines(&trail, workflow.reason.as_deref());
        for line in lines.iter().skip(self.told) {
            tell(Happening::State(line.clone()));
        }
        self.told = lines.len();
        let url = workflow.pr.as_ref().map(|pr| pr.url.clone());
        if url != self.pull {
            self.pull.clone_from(&url);
            if let Some(url) = url {
                tell(Happening::PullRequest(url));
            }
        }
        Ok(())
    }

    async fn progress(&mut self, tell: &mut (dyn FnMut(Happening) + Send)) -> Result<()> {
        let lines = self.stack.store().logs(self.id, self.logs.as_deref(), 100).await?;
        for line in lines {
            self.logs = Some(line.position());
            tell(Happening::Progress(line));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_followed_in_order_and_what_is_left_is_known() {
        let lines: Vec<DecisionLine> = serde_json::from_str(
            r#"[{"gate":"SPEC","decision":"APPROVE","via":"api"},{"gate":"RUN","decision":"CANCEL","via":"ticket"},
                {"gate":"PR","decision":"CLOSE","via":"github"},{"gate":"END","decision":"RETRY","via":"api"}]"#,
        )
        .unwrap();
        let ask = Ask { gate: "wf-0123456789abcdef0123-1.spec.1".parse().unwrap(), pull: None, link: None };
        let mut script = Scripted::new(&lines);
        assert_eq!(script.decision(GateName::Pr, &ask), None, "it is not its turn");
        assert!(!script.cancels_run());
        assert_eq!(script.decision(GateName::Spec, &ask).as_ref(), Some(&lines[0]));
        assert_eq!(script.decision(GateName::Spec, &ask), None);
        assert!(script.cancels_run());
        assert!(!script.cancels_run());
        assert_eq!(script.goes_on(), None);
        assert_eq!(script.left(), lines[2..]);
        assert_eq!(script.decision(GateName::Pr, &ask).as_ref(), Some(&lines[2]));
        assert_eq!(script.goes_on().as_ref(), Some(&lines[3]));
    }
}
