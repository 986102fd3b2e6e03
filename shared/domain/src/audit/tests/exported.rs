use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::chains::Chain;
use crate::audit::export::read;
use crate::audit::{Evidence, FoundAnchor, StoredAnchor, StoredEntry};

fn exported(rng: &mut StdRng, ticket: u32, entries: usize) -> Evidence {
    let chain = Chain::random(rng, ticket, entries);
    let anchors = chain.anchors(entries - 1);
    Evidence { anchors, trail: chain.trail, at: Timestamp::UNIX_EPOCH }
}

#[test]
fn what_is_written_is_read_again_damage_included() {
    let mut rng = StdRng::seed_from_u64(1);
    let (one, mut two) = (exported(&mut rng, 1, 5), exported(&mut rng, 2, 3));
    two.trail.head = None;
    two.trail.entries[1] = StoredEntry::unreadable(None, "binary");
    two.anchors.push(StoredAnchor { seq: 3, found: FoundAnchor::Disturbed("gone".to_owned()) });
    let text = format!("{}{}", one.to_lines(), two.to_lines());
    assert_eq!(text.lines().count(), 6 + 4);
    assert_eq!(read(text.as_bytes()).unwrap(), [one, two]);
    assert_eq!(read(b"").unwrap(), []);
}

#[test]
fn a_line_is_an_entry_and_says_so() {
    let exported = exported(&mut StdRng::seed_from_u64(2), 1, 2);
    let text = exported.to_lines();
    let line: serde_json::Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
    assert_eq!((&line["place"], &line["entry"]["seq"]), (&2.into(), &2.into()));
    let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(header["anchors"][0]["anchor"]["seq"], 1);
    assert_eq!(header["head"]["seq"], 2);
}

#[test]
fn a_damaged_line_is_found_where_it_is() {
    let mut rng = StdRng::seed_from_u64(3);
    let text = exported(&mut rng, 1, 6).to_lines().into_bytes();
    let ends: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'\n').collect();
    for place in 1..=6 {
        for _ in 0..50 {
            let mut damaged = text.clone();
            let at = rng.random_range(ends[place - 1] + 1..ends[place]);
            damaged[at] ^= 1 << rng.random_range(0..8);
            let all = read(&damaged).unwrap();
            if all == read(&text).unwrap() {
                continue;
            }
            let broken = all[0].verify().unwrap_err();
            assert_eq!(broken.seq, place as u64, "{broken}: {}", String::from_utf8_lossy(&damaged));
        }
    }
}

#[test]
fn a_file_that_is_no_export_is_refused() {
    for (text, line) in [("nonsense", 1), ("\n\n{\"place\":1}", 3), ("{\"workflow_id\":\"x\"}", 1)] {
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!(error.line, line, "{error}");
    }
}
