//! Task tokens.

use domain::gate::GateKind;
use domain::ids::{Generation, TaskToken, TicketKey, WorkflowId};
use domain::slot::SlotPool;
use testkit::World;
use testkit::sample::now;

#[tokio::test]
async fn the_newest_token_counts_and_only_what_was_told_is_forgotten() {
    let world = World::start().await;
    let tokens = &world.tokens;
    let id = WorkflowId::derive(&TicketKey::flux_lens("1"), Generation::FIRST);
    let gate = GateKind::Spec.gate_id(&id, 1).unwrap();
    let (old, new) = (TaskToken::new("old"), TaskToken::new("new"));

    tokens.put_gate(&gate, &old, now()).await.unwrap();
    tokens.put_gate(&gate, &new, now()).await.unwrap();
    assert_eq!(tokens.gate(&gate).await.unwrap().unwrap().expose(), "new");
    tokens.remove_gate(&gate, &old).await.unwrap();
    assert!(tokens.gate(&gate).await.unwrap().is_some(), "whoever told the old one leaves the new one alone");
    for _ in 0..2 {
        tokens.remove_gate(&gate, &new).await.unwrap();
        assert!(tokens.gate(&gate).await.unwrap().is_none());
    }

    let [plan, run] = SlotPool::ALL;
    tokens.put_slot(plan, &id, &old, now()).await.unwrap();
    tokens.put_slot(plan, &id, &new, now()).await.unwrap();
    assert!(tokens.slot(run, &id).await.unwrap().is_none(), "each pool has its own");
    tokens.remove_slot(plan, &id, &old).await.unwrap();
    assert_eq!(tokens.slot(plan, &id).await.unwrap().unwrap().expose(), "new");
    tokens.remove_slot(plan, &id, &new).await.unwrap();
    assert!(tokens.slot(plan, &id).await.unwrap().is_none());
    tokens.put_slot(plan, &id, &old, now()).await.unwrap();
    tokens.forget_slot(plan, &id).await.unwrap();
    assert_eq!(world.everything().await, "");
}
