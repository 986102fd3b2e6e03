//! The client against a tracker that keeps state, and the parser against the webhooks of that tracker.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::time::Duration;

use domain::failure::{Failure, FailureKind};
use domain::ticket::{TicketEventKind, TicketStatus};
use flux_lens_sim::{Config, Fault, Running, Status, start};
use serde_json::json;
use tickets::flux_lens::{FluxLens, FluxLensError, RetryPolicy, parse_event};

const TOKEN: &str = "flux-lens-sim-token";

struct World {
    sim: Running,
    client: FluxLens,
}

impl World {
    async fn new() -> Self {
        let sim = start(Config::default()).await.unwrap();
        sim.create(
            serde_json::from_value(json!({"id": "FL-1", "title": "Fix it", "repository": "acme/shop"})).unwrap(),
        )
        .unwrap();
        let client = client(&sim, TOKEN);
        Self { sim, client }
    }

    fn fault(&self, fault: serde_json::Value) {
        self.sim.inject(serde_json::from_value::<Fault>(fault).unwrap());
    }

    fn statuses(&self) -> Vec<u16> {
        self.sim.state().calls.iter().map(|call| call.status).collect()
    }
}

fn client(sim: &Running, token: &str) -> FluxLens {
    let quick = RetryPolicy {
        repeats: 2,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        longest_wait: Duration::from_millis(5),
    };
    FluxLens::new(&sim.base_url(), token.into()).unwrap().with_retry(quick)
}

#[tokio::test]
async fn a_ticket_is_read_moved_and_commented() {
    let world = World::new().await;
    assert_eq!(world.client.ticket("FL-1").await.unwrap().status, "Open");
    world.client.set_status("FL-1", TicketStatus::InProgress).await.unwrap();
    world.client.comment("FL-1", "**Planned.**", "wf-1:2").await.unwrap();
    assert_eq!(world.client.ticket("FL-1").await.unwrap().status, "In Progress");
    let state = world.sim.state();
    let record = state.ticket("FL-1").unwrap();
    assert_eq!((record.status, record.comments[0].body.as_str()), (Status::InProgress, "**Planned.**"));
}

#[tokio::test]
async fn a_passing_fault_is_waited_out() {
    let world = World::new().await;
    world.fault(json!({"method": "PATCH", "status": 503}));
    world.fault(json!({"method": "PATCH", "status": 429}));
    world.client.set_status("FL-1", TicketStatus::Done).await.unwrap();
    assert_eq!(world.statuses(), [503, 429, 200]);
}

#[tokio::test]
async fn a_lasting_fault_is_given_up_and_may_pass_later() {
    let world = World::new().await;
    world.fault(json!({"status": 502, "times": 9}));
    let error = world.client.comment("FL-1", "Hello", "k").await.unwrap_err();
    assert!(matches!(&error, FluxLensError::Unavailable { reason, .. } if reason == "status 502"), "{error:?}");
    assert_eq!(Failure::from(error).kind, FailureKind::Transient);
    assert_eq!(world.statuses(), [502, 502, 502], "the first try and two repeats");
}

#[tokio::test]
async fn what_a_repeat_cannot_mend_is_not_repeated() {
    let world = World::new().await;
    let gone = world.client.ticket("FL-9").await.unwrap_err();
    assert!(gone.is_final() && matches!(gone, FluxLensError::NotFound { .. }), "{gone:?}");
    let stranger = client(&world.sim, "guess").ticket("FL-1").await.unwrap_err();
    assert!(!stranger.is_final() && matches!(stranger, FluxLensError::Unauthorized { status: 401, .. }));
    assert!(!format!("{stranger:?} {:?}", client(&world.sim, "guess")).contains("guess"));
    world.sim.cancel("FL-1").unwrap();
    let refused = world.client.set_status("FL-1", TicketStatus::Blocked).await.unwrap_err();
    insta::assert_snapshot!(refused, @r#"Flux Lens refused PATCH /tickets/FL-1 (422): the ticket "FL-1" is cancelled; that is final"#);
    assert!(refused.is_final());
    assert_eq!(world.statuses(), [404, 401, 422]);
}

#[tokio::test]
async fn an_id_cannot_lead_elsewhere() {
    let world = World::new().await;
    for id in ["", ".", "..", "../tickets/FL-1", "FL-1?x=", "FL-1#", "%2e%2e"] {
        let error = world.client.ticket(id).await.unwrap_err();
        assert!(matches!(error, FluxLensError::NotFound { .. }), "{id}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_a_passing_fault() {
    let world = World::new().await;
    let client = world.client.clone();
    world.sim.shutdown().await;
    let error = client.ticket("FL-1").await.unwrap_err();
    assert!(matches!(error, FluxLensError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unusable_address_is_refused_at_the_start() {
    for address in ["", "lens.example", "ftp://lens.example", "mailto:a@b"] {
        assert!(matches!(FluxLens::new(address, TOKEN.into()), Err(FluxLensError::Setup(_))), "{address}");
    }
}

#[tokio::test]
async fn the_trackers_own_tickets_are_understood() {
    let world = World::new().await;
    let state = world.sim.state();
    let ticket = &state.ticket("FL-1").unwrap().ticket;
    let body = json!({"event": "ticket.created", "ticket": ticket}).to_string();
    let event = parse_event(body.as_bytes()).unwrap();
    assert_eq!((event.kind, event.ticket.key.id.as_str()), (TicketEventKind::Created, "FL-1"));
    assert_eq!(event.ticket.repository.as_str(), "acme/shop");
}
