//! Lists, counts and the book of expenses.

use domain::budget::Usage;
use domain::ids::{Revision, WorkflowId};
use domain::person::Actor;
use domain::workflow::{Event, Workflow};
use domain::{Timestamp, WorkflowState};
use store::{Span, Summary};
use testkit::World;
use testkit::sample::{at, now, ticket};

async fn ids(world: &World, state: WorkflowState, span: &Span) -> (Vec<WorkflowId>, bool) {
    let (found, more) = world.store.summaries(state, span).await.unwrap();
    (found.into_iter().map(|summary| summary.id).collect(), more)
}

async fn tell(world: &World, workflow: &Workflow, event: Event, at: Timestamp) -> Workflow {
    let change = workflow.apply(event, Actor::system("test"), at).unwrap();
    world.store.commit(&change, vec![]).await.unwrap();
    change.workflow
}

#[tokio::test]
async fn a_list_is_walked_in_order_and_everything_is_on_it_once() {
    let world = World::start().await;
    let mut planned = Vec::new();
    for n in 0..5 {
        let begun = world.begin(&ticket(&format!("FL-{n}"))).await;
        // Two changed at the same moment.
        planned.push(tell(&world, &begun, Event::PlanningStarted { revision: Revision::FIRST }, at(n / 2)).await);
    }
    planned.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
    let expected: Vec<_> = planned.iter().map(|workflow| workflow.id.clone()).collect();
    for limit in 1..=5 {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let span = Span { since: now(), after, limit };
            let (found, more) = world.store.summaries(WorkflowState::Planning, &span).await.unwrap();
            assert!(found.len() <= limit);
            after = found.last().map(|last| (last.updated_at, last.id.clone()));
            walked.extend(found.into_iter().map(|summary| summary.id));
            if !more {
                break;
            }
        }
        assert_eq!(walked, expected, "{limit} at a time");
    }
    let all = Span::newest(5);
    assert_eq!(ids(&world, WorkflowState::Planning, &all).await, (expected.clone(), false));
    assert_eq!(ids(&world, WorkflowState::Pending, &all).await, (vec![], false));
    assert_eq!(ids(&world, WorkflowState::Planning, &Span::since(at(2), 5)).await, (expected[..1].to_vec(), false));
    assert_eq!(world.store.count(WorkflowState::Planning, now()).await.unwrap(), (5, false));
    assert_eq!(world.store.count(WorkflowState::Planning, at(1)).await.unwrap(), (3, false));
}

#[tokio::test]
async fn a_summary_is_a_part_of_the_row() {
    let world = World::start().await;
    let planned = world.planned(&ticket("FL-1"), &testkit::sample::sha("a"), &[]).await;
    let (found, _) = world.store.summaries(WorkflowState::Planning, &Span::newest(1)).await.unwrap();
    assert_eq!(found, [Summary::from(planned)]);
}

#[tokio::test]
async fn what_an_event_cost_is_written_with_it() {
    let world = World::start().await;
    let begun = world.begin(&ticket("FL-1")).await;
    let usage = Usage { micro_usd: 41, ..Usage::default() };
    let declined = Event::FoundUnsuitable { reason: "no".to_owned(), usage };
    let planning = tell(&world, &begun, Event::PlanningStarted { revision: Revision::FIRST }, at(10)).await;
    let change = planning.apply(declined, Actor::system("test"), at(20)).unwrap();
    world.store.commit(&change, vec![]).await.unwrap();
    // The loser of a race spends nothing.
    assert!(world.store.commit(&change, vec![]).await.is_err());

    let spent = async |since, limit| world.store.expenses(since, at(100), limit).await.unwrap();
    let (found, more) = spent(now(), 10).await;
    assert_eq!((found.as_slice(), more), ([change.expense().unwrap()].as_slice(), false));
    assert_eq!((found[0].micro_usd, found[0].repository.as_str()), (41, "acme/web"));
    assert_eq!(spent(at(21), 10).await, (vec![], false));
    assert_eq!(spent(now(), 0).await, (vec![], true));
}
