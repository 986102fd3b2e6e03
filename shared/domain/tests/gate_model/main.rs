//! Every way that a gate can go: two tries of its step, people who decide at once and twice, an edit, a cancel, the
//! clock, and a crash between any two writes. The rules are production's own ([`domain::gate`]); the model adds the rows,
//! their conditions, the task token and the functions' order of writing.
//!
//! A second test breaks the protocol in one way at a time: the properties below must notice each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bugs;
mod model;
mod properties;
mod world;

use bugs::Bug;
use model::Protocol;
use stateright::{Checker as _, HasDiscoveries, Model as _};
use world::Cast;

/// Who takes part. Each is explored to its end.
const CASTS: [Cast; 5] = [Cast::TwoDeciders, Cast::TwoApprovals, Cast::Edit, Cast::Cancel, Cast::Outsiders];

#[test]
fn every_way_through_a_gate_keeps_its_promises() {
    for cast in CASTS {
        let checker = Protocol::sound(cast).checker().threads(2).spawn_bfs().join();
        checker.assert_properties();
        assert!(checker.is_done());
        println!("{cast:?}: {} states", checker.unique_state_count());
    }
}

#[test]
fn every_broken_protocol_is_caught() {
    for bug in Bug::ALL {
        let protocol = Protocol { cast: bug.shown_by(), bug: Some(bug) };
        let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).threads(2).spawn_bfs().join();
        let broken = checker.discoveries().keys().any(|name| properties::PROMISES.contains(name));
        assert!(broken, "{bug:?} breaks no promise");
    }
}
