//! Recognising the secrets of this deployment without holding them.
//!
//! Who holds a secret gives out [`Fingerprint`]s of it: salted digests of pieces of 32 bytes. Who scans slides a window
//! of that length over a text and compares. A fingerprint tells nothing useful about a secret that has at least 16
//! random bytes; shorter values have none.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Length of a piece, bytes. A shorter secret is one piece.
const PIECE: usize = 32;
/// Shorter values could be guessed from a fingerprint, and occur by chance.
const MIN_BYTES: usize = 16;
/// Most pieces of one secret: a 4,096-bit RSA key has 100.
const MAX_PIECES: usize = 128;
/// The beginning of a private key says only what kind of key it is.
const KEY_PREAMBLE: usize = 2 * PIECE;
/// Width of the sieve that comes before the digest, bits: one window in a million passes by chance, and a fingerprint
/// gives away that much.
const SIEVE_BITS: u32 = 20;
/// Of the rolling hash: any odd number serves.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Salt of a fingerprint: drawn at random by who makes it.
pub type Salt = [u8; 16];

/// One piece of a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// Which secret, in words for people: completes "contains …".
    pub name: String,
    length: u8,
    sieve: u32,
    salt: String,
    digest: Digest,
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.name)
    }
}

/// The fingerprints of a secret. None if it is shorter than 16 bytes.
pub fn fingerprints(name: &str, secret: &str, salt: Salt) -> Vec<Fingerprint> {
    let secret = essence(secret);
    let bytes = secret.as_bytes();
    if bytes.len() < MIN_BYTES {
        return Vec::new();
    }
    let salt = hex::encode(salt);
    let piece = |piece: &[u8]| Fingerprint {
        name: name.to_owned(),
        length: u8::try_from(piece.len()).unwrap_or(u8::MAX),
        sieve: sieve(hash(piece)),
        digest: salted(&salt, piece),
        salt: salt.clone(),
    };
    if bytes.len() < PIECE {
        return vec![piece(bytes)];
    }
    let mut pieces: Vec<Fingerprint> = bytes.chunks_exact(PIECE).take(MAX_PIECES - 1).map(piece).collect();
    if !bytes.len().is_multiple_of(PIECE) {
        pieces.push(piece(&bytes[bytes.len() - PIECE..]));
    }
    pieces
}

/// The part that is secret: a PEM key without its frame, line breaks and preamble; a key without its form's prefix.
fn essence(secret: &str) -> String {
    let secret = secret.trim();
    if !secret.contains("-----BEGIN") {
        return secret.strip_prefix("whsec_").unwrap_or(secret).to_owned();
    }
    let body: String =
        secret.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains("-----")).collect();
    if body.len() >= KEY_PREAMBLE + PIECE { body[..].chars().skip(KEY_PREAMBLE).collect() } else { body }
}

fn salted(salt: &str, piece: &[u8]) -> Digest {
    Digest::of_parts([salt.as_bytes(), piece])
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |hash, byte| roll_in(hash, *byte))
}

const fn roll_in(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(FACTOR).wrapping_add(byte as u64 + 1)
}

const fn sieve(hash: u64) -> u32 {
    (hash >> (u64::BITS - SIEVE_BITS)) as u32
}

/// The secrets that a scan looks for.
#[derive(Debug, Clone, Default)]
pub struct KnownSecrets {
    /// By length of the piece.
    pieces: BTreeMap<usize, Pieces>,
}

/// Pieces of one length.
#[derive(Debug, Clone, Default)]
struct Pieces {
    by_sieve: BTreeMap<u32, Vec<Fingerprint>>,
    /// One bit for every value of the sieve: most windows end here.
    bits: Vec<u64>,
}

impl KnownSecrets {
    /// Looks for these.
    pub fn new(fingerprints: impl IntoIterator<Item = Fingerprint>) -> Self {
        let mut known = Self::default();
        known.extend(fingerprints);
        known
    }

    /// Looks for these as well.
    pub fn extend(&mut self, fingerprints: impl IntoIterator<Item = Fingerprint>) {
        for fingerprint in fingerprints {
            let length = usize::from(fingerprint.length);
            // Anybody who may write a list could otherwise slow every scan down, or refuse every text.
            if (MIN_BYTES..=PIECE).contains(&length) && fingerprint.sieve < 1 << SIEVE_BITS {
                self.pieces.entry(length).or_default().add(fingerprint);
            }
        }
    }

    /// How many pieces are looked for.
    pub fn len(&self) -> usize {
        self.pieces.values().flat_map(|pieces| pieces.by_sieve.values()).map(Vec::len).sum()
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The name of the first secret of which `text` holds a piece.
    pub fn find(&self, text: &[u8]) -> Option<&str> {
        self.pieces.iter().find_map(|(length, pieces)| pieces.find(text, *length))
    }
}

impl Pieces {
    fn add(&mut self, fingerprint: Fingerprint) {
        self.bits.resize(1 << (SIEVE_BITS - 6), 0);
        self.bits[(fingerprint.sieve >> 6) as usize] |= 1 << (fingerprint.sieve & 63);
        self.by_sieve.entry(fingerprint.sieve).or_default().push(fingerprint);
    }

    /// Slides a window over the text.
    fn find(&self, text: &[u8], length: usize) -> Option<&str> {
        let out = (1..length).fold(1_u64, |power, _| power.wrapping_mul(FACTOR));
        let mut rolling = hash(text.get(..length)?);
        let mut start = 0;
        loop {
            let value = sieve(rolling);
            if self.bits[(value >> 6) as usize] >> (value & 63) & 1 == 1 {
                let window = &text[start..start + length];
                let mut candidates = self.by_sieve.get(&value).into_iter().flatten();
                if let Some(hit) = candidates.find(|print| salted(&print.salt, window) == print.digest) {
                    return Some(&hit.name);
                }
            }
            let next = text.get(start + length)?;
            rolling = roll_in(rolling.wrapping_sub((u64::from(text[start]) + 1).wrapping_mul(out)), *next);
            start += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(secrets: &[(&str, &str)]) -> KnownSecrets {
        KnownSecrets::new(secrets.iter().flat_map(|(name, secret)| fingerprints(name, secret, [7; 16])))
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_named() {
        let short = "hQ8xv2Lm0PzR4tYw";
        let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/-_.";
        let known = known(&[("the short one", short), ("the long one", long)]);
        assert_eq!(known.len(), 1 + 3);
        assert_eq!(known.find(short.as_bytes()), Some("the short one"));
        assert_eq!(known.find(format!("x = '{short}';").as_bytes()), Some("the short one"));
        assert_eq!(known.find(format!("{}{long}", "ü".repeat(1000)).as_bytes()), Some("the long one"));
        assert_eq!(known.find(&long.as_bytes()[5..]), Some("the long one"), "the end of it");
        assert_eq!(known.find(&long.as_bytes()[..40]), Some("the long one"), "the beginning of it");
        assert_eq!(known.find(&short.as_bytes()[1..]), None);
        assert_eq!(known.find(b""), None);
        assert!(!known.is_empty());
    }

    #[test]
    fn keys_are_known_by_what_is_secret_in_them() {
        let body: Vec<String> = (0..8).map(|n| format!("{}", Digest::of(n.to_string()))).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.join("\n"));
        let known = known(&[("the App's key", &pem), ("a signing key", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")]);
        assert_eq!(known.find(&body[3].as_bytes()[..PIECE]), Some("the App's key"));
        assert_eq!(known.find(format!("{}{}", body[0], &body[1][..2]).as_bytes()), None, "the preamble is no secret");
        assert_eq!(known.find(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"), None);
        assert_eq!(known.find(b"key MDEyMzQ1Njc4OWFiY2RlZg== "), Some("a signing key"));
        let short = format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----", body[0]);
        assert_eq!(fingerprints("x", &short, [0; 16]).len(), 2, "a key that is no longer than a preamble has none");
    }

    #[test]
    fn what_could_be_guessed_has_no_fingerprint_and_a_fingerprint_holds_no_secret() {
        assert!(fingerprints("x", "fifteen letters", [0; 16]).is_empty());
        assert_eq!(
            [31, 32, 33, 64, 9_999].map(|length| fingerprints("x", &"ab".repeat(length)[..length], [0; 16]).len()),
            [1, 1, 2, 2, MAX_PIECES]
        );
        let prints = fingerprints("x", "sixteen letters!", [0; 16]);
        let text = serde_json::to_string(&prints).unwrap();
        assert!(!text.contains("sixteen"));
        assert_eq!(format!("{prints:?}"), "[Fingerprint(x)]");
        assert_ne!(prints, fingerprints("x", "sixteen letters!", [1; 16]), "salted");
        assert_eq!(serde_json::from_str::<Vec<Fingerprint>>(&text).unwrap(), prints);
    }

    #[test]
    fn fingerprints_of_another_form_are_not_looked_for() {
        let mut print = fingerprints("x", "sixteen letters!", [0; 16]).remove(0);
        print.length = 1;
        assert!(KnownSecrets::new([print.clone()]).is_empty());
        print.length = 33;
        assert!(KnownSecrets::new([print.clone()]).is_empty());
        print.length = 16;
        assert_eq!(KnownSecrets::new([print.clone()]).len(), 1);
        print.sieve = 1 << SIEVE_BITS;
        assert!(KnownSecrets::new([print]).is_empty());
    }

    proptest! {
        #[test]
        fn the_rolling_search_is_the_slow_search(text in "[ab]{0,80}", secret in "[ab]{16,40}", at in 0..80_usize) {
            let mut text = text;
            let at = at.min(text.len());
            text.insert_str(at, &secret);
            let known = known(&[("s", &secret)]);
            prop_assert_eq!(known.find(text.as_bytes()), Some("s"));
            let other = known.find(&text.as_bytes()[..at]);
            let pieces: Vec<&[u8]> = if secret.len() < PIECE { vec![secret.as_bytes()] } else {
                vec![&secret.as_bytes()[..PIECE], &secret.as_bytes()[secret.len() - PIECE..]]
            };
            let slow = pieces.iter().any(|piece| text.as_bytes()[..at].windows(piece.len()).any(|w| w == *piece));
            prop_assert_eq!(other.is_some(), slow);
        }
    }
}
