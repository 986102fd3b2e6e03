//! `bench-home`: how long the home page takes with many open gates, through the deployed function and the engine.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use domain::budget::Usage;
use domain::gate::policy::{Asked, RiskFacts};
use domain::gate::{About, Gate, GateKind, Subject};
use domain::ids::{CommitSha, Generation, Revision, TicketKey, WorkflowId};
use domain::person::{Actor, Person};
use domain::ticket::{Priority, Ticket};
use domain::workflow::{Event, RoundLimits, Workflow};
use domain::{Digest, Timestamp};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use toolchain::Toolchain;

use crate::cli::BenchHomeOptions;
use crate::demo::spinner;
use crate::settings::{API_APPROVER, Settings};
use crate::stack::Stack;
use crate::{folder, ui};

/// What the page may take, at the median.
const LIMIT: Duration = Duration::from_millis(200);
/// Rows written at once.
const WRITERS: usize = 8;

/// Brings a stack up, opens gates for the holder of the API token, and measures.
pub(crate) async fn run(toolchain: &Toolchain, options: &BenchHomeOptions) -> Result<ExitCode> {
    let (name, parent) = (folder::name(1), toolchain.root().join(".stack"));
    folder::remove_stale(&parent);
    let progress = spinner();
    let stack = Stack::start(toolchain, Settings::new(&name, parent.join(&name)), &progress).await;
    progress.finish_and_clear();
    let stack = stack?;
    let result = measure(&stack, options).await;
    stack.stop().await;
    let good = result?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(stack: &Stack, options: &BenchHomeOptions) -> Result<bool> {
    let empty = times(stack, options.count, 0).await?;
    ui::step(format_args!("opening {} gates", options.gates));
    // Later than now, so that the sweeper does not look for executions that there are none of.
    let at = Timestamp::now() + SignedDuration::from_hours(1);
    let writes = stream::iter(0..options.gates).map(|n| open(stack, n, at));
    writes.buffer_unordered(WRITERS).try_collect::<()>().await?;
    let full = times(stack, options.count, options.gates).await?;
    for (what, times) in [("none", &empty), ("all", &full)] {
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        ui::say(format_args!(
            "home page, {what} of {} gates open: median {} ms, slowest of {} {} ms",
            options.gates,
            median.as_millis(),
            times.len(),
            slowest.as_millis()
        ));
    }
    let median = full[full.len() / 2];
    if median >= LIMIT {
        ui::warn(format_args!("the limit is {} ms", LIMIT.as_millis()));
    }
    Ok(median < LIMIT)
}

/// How long it took, sorted. The page must show that so many gates wait.
async fn times(stack: &Stack, count: usize, gates: u32) -> Result<Vec<Duration>> {
    let (http, url) = (reqwest::Client::new(), format!("{}/", stack.url()));
    let visit = async || -> Result<(Duration, String)> {
        let begun = Instant::now();
        let answer = http.get(&url).bearer_auth(stack.api_token().expose_secret()).send().await?.error_for_status()?;
        let body = answer.text().await?;
        Ok((begun.elapsed(), body))
    };
    // A cold start is another matter.
    visit().await?;
    let mut times = Vec::new();
    for _ in 0..count.max(1) {
        let (time, body) = visit().await?;
        let shown = format!("Waiting for me <span class=\"soft\">{gates}</span>");
        ensure!(body.contains(&shown), "the page does not say that {gates} gates wait");
        times.push(time);
    }
    times.sort_unstable();
    Ok(times)
}

/// A workflow whose SPEC waits for a decision, in rows as production writes them, but without messages to anybody.
async fn open(stack: &Stack, n: u32, at: Timestamp) -> Result<()> {
    let ticket = ticket(n, at)?;
    let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
    let (mut workflow, mut entry) =
        Workflow::create(id.clone(), &ticket, RoundLimits::default(), Actor::system("bench"), at)?;
    let gate = gate(&workflow, &ticket, at)?;
    let (revision, kind) = (Revision::FIRST, GateKind::Spec);
    for event in [
        Event::PlanningStarted { revision },
        Event::SpecProposed {
            revision,
            spec_digest: Digest::of("spec"),
            base_commit: commit()?,
            usage: Usage::default(),
            facts: RiskFacts::default(),
            approvals: Box::default(),
            forecast: None,
        },
        Event::GateOpened { gate: gate.id.clone(), kind, subject_digest: gate.subject_digest, due_at: gate.due_at },
    ] {
        let change = workflow.apply(event, Actor::system("bench"), at)?;
        (workflow, entry) = (change.workflow, change.entry);
    }
    let writes = stack.gates().open_writes(&gate)?;
    stack.store().create(&workflow, &entry, &ticket, writes).await.with_context(|| format!("writing {id}"))
}

fn commit() -> Result<CommitSha> {
    Ok("a".repeat(40).parse()?)
}

fn gate(workflow: &Workflow, ticket: &Ticket, at: Timestamp) -> Result<Gate> {
    let subject = Subject::Spec {
        revision: Revision::FIRST,
        spec_digest: Digest::of("spec"),
        base_commit: commit()?,
        ticket_digest: workflow.ticket.digest,
    };
    let asked = Asked::one_of(vec![Person::from_email(API_APPROVER)], SignedDuration::from_hours(24));
    let id = GateKind::Spec.gate_id(&workflow.id, 1)?;
    let gate = Gate::new(id, workflow.id.clone(), subject, ticket.reporter.clone(), asked, at)?;
    let about = About { title: ticket.title.clone(), repository: ticket.repository.clone() };
    Ok(Gate { about: Some(about), ..gate })
}

fn ticket(n: u32, at: Timestamp) -> Result<Ticket> {
    Ok(Ticket {
        key: TicketKey::flux_lens(format!("BENCH-{n}")),
        version: 1,
        updated_at: at,
        title: format!("Ticket {n} of many that wait for a decision at the same time"),
        description: "As long as a short description is.".repeat(10),
        url: format!("https://lens.example/t/{n}"),
        priority: Priority::Normal,
        labels: vec![],
        reporter: Person::from_email("rita@acme.example"),
        assignee: None,
        repository: "acme/shop".parse()?,
        base_branch: "main".to_owned(),
    })
}
