use jiff::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::chains::{Chain, anchored, hashed};
use crate::audit::{Anchor, Evidence, FoundAnchor, Problem, StoredAnchor, StoredEntry, Trail};
use crate::workflow::Event;

fn chain() -> Chain {
    Chain::random(&mut StdRng::seed_from_u64(7), 1, 4)
}

/// The trail with what `change` makes of the third entry's fields.
fn changed(chain: &Chain, change: impl FnOnce(&mut Value)) -> Trail {
    let mut trail = chain.trail.clone();
    let mut fields = trail.entries[2].fields().unwrap().clone();
    change(&mut fields);
    trail.entries[2] = StoredEntry::new(Some(3), fields);
    trail
}

#[test]
fn a_field_that_this_program_does_not_know_counts() {
    let chain = chain();
    for field in ["/event/extra", "/actor/extra", "/extra"] {
        let (parent, name) = field.rsplit_once('/').unwrap();
        let trail = changed(&chain, |fields| fields.pointer_mut(parent).unwrap()[name] = json!(1));
        let broken = trail.verify().unwrap_err();
        assert_eq!((broken.seq, broken.problem), (3, Problem::Changed), "{field}");
    }
}

#[test]
fn what_a_later_version_wrote_is_no_fault() {
    let chain = chain();
    let mut last = serde_json::to_value(&chain.entries[3]).unwrap();
    last["event"] = json!({ "type": "teleported", "to": "the moon" });
    last["hash"] = json!(crate::audit::hash_of(last.clone()).unwrap());
    let mut trail = chain.trail.clone();
    trail.entries[3] = StoredEntry::new(Some(4), last);
    trail.head.as_mut().unwrap().hash = trail.entries[3].hash().unwrap();
    trail.verify().unwrap();
    assert!(trail.entries[3].entry().unwrap_err().contains("teleported"));
    assert_eq!(trail.readable().len(), 3);
}

#[test]
fn an_entry_of_an_earlier_version_keeps_its_hash() {
    // Before there was a count of refused connections, entries had none.
    let mut fields = json!({
        "workflow_id": "wf-00000000000000000000-1", "seq": 1, "at": "2026-11-22T10:00:00Z",
        "actor": { "kind": "system", "component": "workflow" }, "from": "EXECUTING", "to": "EXECUTING",
        "event": { "type": "run_ended", "attempt": 1, "outcome": { "kind": "completed" },
                   "usage": { "input_tokens": 1 }, "isolation": [] },
        "previous": crate::audit::genesis(&"wf-00000000000000000000-1".parse().unwrap()),
    });
    fields["hash"] = json!(crate::audit::hash_of(fields.clone()).unwrap());
    let stored = StoredEntry::new(Some(1), fields);
    let entry = stored.entry().unwrap();
    assert!(matches!(entry.event, Event::RunEnded { refused_connections: 0, .. }));
    assert_ne!(entry.compute_hash().unwrap(), entry.hash, "what it is read as has more fields");
    let head = Some(crate::audit::AuditHead { seq: 1, hash: entry.hash });
    Trail { workflow_id: entry.workflow_id, entries: vec![stored], head }.verify().unwrap();
}

#[test]
fn integers_count_to_their_last_digit() {
    let digest = |number: u64| crate::audit::hash_of(json!({ "tokens": [number] })).unwrap();
    assert_ne!(digest((1 << 53) + 1), digest(1 << 53), "the same double");
    assert_ne!(digest(u64::MAX), digest(u64::MAX - 1));
    assert_eq!(digest(7), crate::Digest::of_json(&json!({ "tokens": [7] })).unwrap());
    let negative = |number: i64| crate::audit::hash_of(json!(number)).unwrap();
    assert_ne!(negative(i64::MIN), negative(i64::MIN + 1));
}

#[test]
fn damage_is_told_in_words() {
    let chain = chain();
    let told = |trail: &Trail| trail.verify().unwrap_err().to_string();
    let id = &chain.id;
    let without = changed(&chain, |fields| drop(fields.as_object_mut().unwrap().remove("previous")));
    assert_eq!(
        told(&without),
        format!("the audit trail of {id} is broken at entry 3: it cannot be read: it has no field `previous`")
    );
    let text = changed(&chain, |fields| *fields = json!("gone"));
    assert!(told(&text).ends_with("it cannot be read: it has no field `workflow_id`"));
    let mut nameless = chain.trail.clone();
    nameless.entries[1] = StoredEntry::new(None, nameless.entries[1].fields().unwrap().clone());
    assert!(told(&nameless).ends_with("entry 2: something without a number stands in its place"));
    let mut dropped = chain.trail.clone();
    dropped.entries.remove(1);
    assert!(told(&dropped).ends_with("entry 2: it is missing"));
    let mut foreign = chain.trail.clone();
    foreign.entries[0] = Chain::random(&mut StdRng::seed_from_u64(7), 2, 1).trail.entries.remove(0);
    assert!(told(&foreign).ends_with("entry 1: it belongs to another workflow"));
    let mut copied = chain.trail.clone();
    copied.entries[1] = StoredEntry::new(Some(2), copied.entries[0].fields().unwrap().clone());
    assert!(told(&copied).ends_with("entry 2: entry 1 stands in its place"));
}

#[test]
fn nothing_hides_behind_what_cannot_be_read() {
    let chain = chain();
    let mut trail = chain.trail.clone();
    trail.entries[3] = StoredEntry::unreadable(Some(4), "binary");
    trail.entries[1] = StoredEntry::unreadable(Some(2), "binary");
    let broken = trail.verify().unwrap_err();
    assert_eq!((broken.seq, broken.problem), (2, Problem::Unreadable { reason: "binary".to_owned() }));
    trail.entries.remove(0);
    assert_eq!(trail.verify().unwrap_err().seq, 1);
}

#[test]
fn a_workflow_that_is_gone_is_missed_by_its_anchors() {
    let chain = chain();
    let trail = Trail { entries: vec![], head: None, ..chain.trail.clone() };
    let gone = |anchors| Evidence { trail: trail.clone(), anchors, at: Timestamp::MAX };
    assert!(gone(vec![]).is_empty() && !gone(chain.anchors(4)).is_empty());
    assert_eq!(gone(chain.anchors(4)).verify().unwrap_err().seq, 1);
}

#[test]
fn who_was_at_an_anchor_is_found_at_its_entry() {
    let chain = chain();
    let check = |extra: StoredAnchor| {
        let mut anchors = chain.anchors(4);
        anchors.push(extra);
        chain.trail.verify_anchored(&anchors, Timestamp::MAX).unwrap_err()
    };
    let hidden = StoredAnchor { seq: 2, found: FoundAnchor::Disturbed("it was deleted".to_owned()) };
    assert_eq!(
        check(hidden).to_string().split_once("entry ").unwrap().1,
        "2: its anchor was disturbed: it was deleted"
    );
    let mut forged = chain.entries[2].clone();
    forged.at = Timestamp::UNIX_EPOCH;
    let broken = check(anchored(&hashed(forged)));
    assert_eq!((broken.seq, broken.problem), (3, Problem::AnchorDiffers), "written over with another hash");
    let FoundAnchor::Anchor(third) = chain.anchors(4).remove(2).found else { panic!() };
    for misplaced in [
        StoredAnchor { seq: 2, found: FoundAnchor::Anchor(third.clone()) },
        StoredAnchor {
            seq: 3,
            found: FoundAnchor::Anchor(Anchor { workflow_id: "wf-00000000000000000000-1".parse().unwrap(), ..third }),
        },
    ] {
        let seq = misplaced.seq;
        let broken = check(misplaced);
        assert!(matches!(broken.problem, Problem::AnchorDisturbed { .. }) && broken.seq == seq, "{broken}");
    }
    let written_again = chain.anchors(4).remove(1);
    let anchors: Vec<_> = chain.anchors(4).into_iter().chain([written_again]).collect();
    chain.trail.verify_anchored(&anchors, Timestamp::MAX).unwrap();
}
