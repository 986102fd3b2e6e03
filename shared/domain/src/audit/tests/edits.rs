//! 100,000 edits of honest chains, each with the place where it must be found. That place comes from what was edited,
//! never from the code under test.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::chains::{Chain, hashed, time, words};
use crate::audit::{ANCHOR_PATIENCE, AuditEntry, AuditHead, StoredEntry, Trail};
use crate::digest::Digest;
use crate::person::Actor;
use crate::workflow::Event;

/// How many edits of each sort.
const FIELDS: usize = 20_000;
const BITS: usize = 20_000;
const DROPPED: usize = 10_000;
const SWAPPED: usize = 12_000;
const CUT: usize = 10_000;
const DOUBLED: usize = 10_000;
const SPLICED: usize = 10_000;
const FORGED: usize = 3_000;
const REWRITTEN: usize = 3_000;
const ROWS: usize = 2_000;

/// So many edits are made of each chain.
const EDITS_PER_CHAIN: usize = 40;
/// The longest chain. Most workflows have some thirty entries; an edit of one place does not know how many follow.
const LONGEST: usize = 9;

/// An edited trail, and where that must show.
struct Edit {
    trail: Trail,
    /// By the chain and the row alone. `None`: they were rewritten together, and nothing shows.
    alone: Option<usize>,
    /// With the anchors of all entries.
    anchored: usize,
}

impl Edit {
    fn at(trail: Trail, place: usize) -> Self {
        Self { trail, alone: Some(place), anchored: place }
    }
}

/// Makes so many edits and looks whether each is found, and that the chains before them hold.
fn found(edits: usize, seed: u64, edit: impl Fn(&mut StdRng, &Chain) -> Edit) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut made = 0;
    while made < edits {
        let length = rng.random_range(1..=LONGEST);
        let chain = Chain::random(&mut rng, 1, length);
        honest(&mut rng, &chain);
        for _ in 0..EDITS_PER_CHAIN.min(edits - made) {
            let edit = edit(&mut rng, &chain);
            assert_ne!(edit.trail, chain.trail, "that is no edit");
            judge(&mut rng, &chain, &edit);
            made += 1;
        }
    }
}

fn judge(rng: &mut StdRng, chain: &Chain, edit: &Edit) {
    let alone = edit.trail.verify().err().map(|broken| broken.seq);
    assert_eq!(alone, edit.alone.map(|place| place as u64), "{:#?}", edit.trail);
    // Anchors come in order, so that those of the last entries may be missing.
    let (length, now) = (chain.entries.len(), Timestamp::MAX);
    let anchors = chain.anchors(rng.random_range(edit.anchored.min(length)..=length));
    let broken = edit.trail.verify_anchored(&anchors, now).unwrap_err();
    assert_eq!(broken.seq, edit.anchored as u64, "{broken}\n{:#?}", edit.trail);
    if edit.alone.is_none() {
        // Without the anchor nobody would know: that is what anchors are for.
        let earlier = edit.trail.verify_anchored(&chain.anchors(edit.anchored - 1), now).unwrap();
        assert!(earlier.waiting.is_none_or(|waiting| waiting.late && waiting.from == edit.anchored as u64));
    }
}

/// An honest chain holds, with all of its anchors or with some still to come.
fn honest(rng: &mut StdRng, chain: &Chain) {
    chain.trail.verify().unwrap();
    let length = chain.entries.len();
    let anchored = rng.random_range(0..=length);
    let anchors = chain.anchors(anchored);
    let next = chain.entries.get(anchored).map(|entry| entry.at);
    let now = next.unwrap_or(Timestamp::MAX).checked_add(ANCHOR_PATIENCE).unwrap_or(Timestamp::MAX);
    let standing = chain.trail.verify_anchored(&anchors, now).unwrap();
    assert_eq!((standing.entries, standing.anchored), (length as u64, anchored as u64));
    let waiting = standing.waiting.map(|waiting| (waiting.from, waiting.since, waiting.late));
    assert_eq!(waiting, next.map(|at| (anchored as u64 + 1, Some(at), false)));
    if next.is_some() {
        let later = now + SignedDuration::from_nanos(1);
        assert!(chain.trail.verify_anchored(&anchors, later).unwrap().waiting.unwrap().late);
    }
}

/// A place of the chain, from 1.
fn place(rng: &mut StdRng, chain: &Chain) -> usize {
    rng.random_range(1..=chain.entries.len())
}

/// The trail with other fields at a place.
fn with(chain: &Chain, place: usize, fields: Value) -> Trail {
    let mut trail = chain.trail.clone();
    trail.entries[place - 1] = StoredEntry::new(Some(place as u64), fields);
    trail
}

/// Every field of a value, as a path.
fn fields(value: &Value, at: &str, all: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, value)| (format!("{at}/{n}"), value)).collect(),
        _ => vec![],
    };
    for (path, value) in inner {
        fields(value, &path, all);
        all.push(path);
    }
}

/// Another value in the place of this one.
fn other(rng: &mut StdRng, value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => match number.as_u64() {
            Some(number) if rng.random() => json!(number ^ 1),
            Some(number) => json!(number ^ (1 << rng.random_range(0..64))),
            None => json!(0),
        },
        // A digest, an id or a time is flipped to another one where it can be, so that it is still read.
        Value::String(text) if text.contains(|c: char| c.is_ascii_digit()) && rng.random() => {
            let flip = |c: char| if c.is_ascii_digit() { char::from(b'0' + (c as u8 - b'0' + 1) % 10) } else { c };
            json!(text.chars().map(flip).collect::<String>())
        }
        Value::String(text) => json!(format!("{text}{}.", words(rng))),
        _ => json!("another value"),
    }
}

#[test]
fn a_field_that_is_changed_removed_or_added() {
    found(FIELDS, 1, |rng, chain| {
        let place = place(rng, chain);
        let mut value = serde_json::to_value(&chain.entries[place - 1]).unwrap();
        let mut paths = Vec::new();
        fields(&value, "", &mut paths);
        let path = &paths[rng.random_range(0..paths.len())];
        let (parent, name) = path.rsplit_once('/').unwrap();
        let kind = rng.random_range(0..8);
        let changed = other(rng, value.pointer(path).unwrap());
        match value.pointer_mut(parent).unwrap() {
            Value::Object(fields) if kind == 0 => drop(fields.shift_remove(name)),
            Value::Object(fields) if kind == 1 => drop(fields.insert(format!("{name}_"), changed)),
            Value::Object(fields) => drop(fields.insert(name.to_owned(), changed)),
            Value::Array(items) if kind == 0 => drop(items.remove(name.parse().unwrap())),
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = changed,
            _ => unreachable!(),
        }
        Edit::at(with(chain, place, value), place)
    });
}

#[test]
fn a_bit_that_is_flipped() {
    found(BITS, 2, |rng, chain| {
        let place = place(rng, chain);
        let fields = chain.trail.entries[place - 1].fields().unwrap();
        let honest = serde_json::to_vec(fields).unwrap();
        loop {
            let mut bytes = honest.clone();
            bytes[rng.random_range(0..honest.len())] ^= 1 << rng.random_range(0..8);
            let entry = match serde_json::from_slice::<Value>(&bytes) {
                // The same value in other words, such as an escape in capitals, is the same entry.
                Ok(value) if value == *fields => continue,
                Ok(value) => StoredEntry::new(Some(place as u64), value),
                Err(error) => StoredEntry::unreadable(Some(place as u64), error.to_string()),
            };
            let mut trail = chain.trail.clone();
            trail.entries[place - 1] = entry;
            return Edit::at(trail, place);
        }
    });
}

#[test]
fn an_entry_that_is_dropped() {
    found(DROPPED, 3, |rng, chain| {
        let place = place(rng, chain);
        let mut trail = chain.trail.clone();
        trail.entries.remove(place - 1);
        Edit::at(trail, place)
    });
}

#[test]
fn two_entries_that_are_swapped() {
    found(SWAPPED, 4, |rng, chain| {
        let (one, two) = (place(rng, chain), place(rng, chain));
        if one == two {
            // There is nothing to swap it with: it goes to another place.
            let mut trail = chain.trail.clone();
            trail.entries[one - 1] = trail.entries[one - 1].clone().moved(Some(one as u64 + 1));
            return Edit::at(trail, one);
        }
        let mut trail = chain.trail.clone();
        trail.entries.swap(one - 1, two - 1);
        // In a table the places stay; in a file they go along.
        if rng.random() {
            for place in [one, two] {
                trail.entries[place - 1] = trail.entries[place - 1].clone().moved(Some(place as u64));
            }
        }
        Edit::at(trail, one.min(two))
    });
}

#[test]
fn a_tail_that_is_cut_off() {
    found(CUT, 5, |rng, chain| {
        let left = place(rng, chain) - 1;
        let mut trail = chain.trail.clone();
        trail.entries.truncate(left);
        if rng.random() {
            return Edit::at(trail, left + 1);
        }
        trail.head = Some(chain.head_at(left));
        Edit { trail, alone: None, anchored: left + 1 }
    });
}

#[test]
fn an_entry_that_stands_twice() {
    found(DOUBLED, 6, |rng, chain| {
        let one = place(rng, chain);
        let at = rng.random_range(1..=chain.entries.len() + 1);
        let mut trail = chain.trail.clone();
        trail.entries.insert(at - 1, trail.entries[one - 1].clone());
        // In a table what follows moves on; in a file it keeps its number.
        if rng.random() {
            trail.entries = (1..).zip(trail.entries).map(|(place, entry)| entry.moved(Some(place))).collect();
        }
        // The copy in front of the original cannot be told from it: the second is one too many.
        Edit::at(trail, if at == one { at + 1 } else { at })
    });
}

#[test]
fn an_entry_of_another_workflow() {
    let mut rng = StdRng::seed_from_u64(7);
    let others: Vec<Chain> = (2..30).map(|ticket| Chain::random(&mut rng, ticket, LONGEST)).collect();
    found(SPLICED, 7, |rng, chain| {
        let place = place(rng, chain);
        let other = &others[rng.random_range(0..others.len())];
        let mut trail = chain.trail.clone();
        trail.entries[place - 1] = other.trail.entries[place - 1].clone();
        Edit::at(trail, place)
    });
}

/// The trail with a forged entry at a place, and so many of those after it made to fit.
fn forged(rng: &mut StdRng, chain: &Chain, place: usize, successors: usize) -> Trail {
    let mut trail = chain.trail.clone();
    let mut forged = chain.entries[place - 1].clone();
    match rng.random_range(0..3) {
        0 => forged.at += SignedDuration::from_millis(1),
        1 => forged.actor = Actor::system(format!("{}.", forged.actor.label())),
        _ => forged.event = Event::CancelRequested { reason: time(rng).to_string() },
    }
    let mut last = hashed(forged);
    trail.entries[place - 1] = StoredEntry::from(&last);
    for next in &chain.entries[place..place + successors] {
        last = hashed(AuditEntry { previous: last.hash, ..next.clone() });
        trail.entries[place_of(&last) - 1] = StoredEntry::from(&last);
    }
    trail
}

fn place_of(entry: &AuditEntry) -> usize {
    usize::try_from(entry.seq).unwrap()
}

#[test]
fn a_forged_entry_with_a_fitting_hash() {
    found(FORGED, 8, |rng, chain| {
        let place = place(rng, chain);
        let trail = forged(rng, chain, place, 0);
        // Of two that do not fit, the chain alone blames the second; the anchor knows better.
        Edit { trail, alone: Some((place + 1).min(chain.entries.len())), anchored: place }
    });
}

#[test]
fn a_chain_that_is_written_anew() {
    found(REWRITTEN, 9, |rng, chain| {
        let (place, length) = (place(rng, chain), chain.entries.len());
        let mut trail = forged(rng, chain, place, length - place);
        if rng.random() {
            return Edit { trail, alone: Some(length), anchored: place };
        }
        trail.head = Some(AuditHead { seq: length as u64, hash: trail.entries[length - 1].hash().unwrap() });
        Edit { trail, alone: None, anchored: place }
    });
}

#[test]
fn a_row_that_names_another_end() {
    found(ROWS, 10, |rng, chain| {
        let length = chain.entries.len();
        let (earlier, last) = (place(rng, chain) - 1, chain.head_at(length));
        let foreign = Digest::of(words(rng));
        let (head, bad) = match rng.random_range(0..5) {
            0 => (None, length),
            1 => (Some(AuditHead { hash: foreign, ..last }), length),
            2 => (Some(AuditHead { seq: last.seq + rng.random_range(1..9), ..last }), length + 1),
            3 => (Some(chain.head_at(earlier)), earlier + 1),
            _ => (Some(AuditHead { seq: earlier as u64, hash: foreign }), earlier.max(1)),
        };
        Edit::at(Trail { head, ..chain.trail.clone() }, bad)
    });
}

#[test]
fn a_hundred_thousand_edits_are_made() {
    let sorts = [FIELDS, BITS, DROPPED, SWAPPED, CUT, DOUBLED, SPLICED, FORGED, REWRITTEN, ROWS];
    assert_eq!(sorts.iter().sum::<usize>(), 100_000);
}
