//! Signature headers. Input: a byte for the scheme (and one header twice), and, with zeros between them, the delivery's
//! id, time, signature and body. `{n}` stands for the time now, `{s}` for the right signature.

use domain::Timestamp;
use http::{HeaderMap, HeaderValue};

use crate::keys::Keys;
use crate::oracle::hmac;
use crate::signature::{TOLERANCE_SECONDS, VerifiedDelivery, github, simple, standard};

const NOW: i64 = 1_800_000_000;
const KEYS: [&[u8]; 2] = [b"the next key, live already......", b"a signing key of thirty-two byte"];

/// Compares the verifier with the oracle.
pub fn run(input: &[u8]) {
    let [flags, rest @ ..] = input else { return };
    let mut fields = rest.splitn(4, |byte| *byte == 0);
    let mut next = || fields.next().unwrap_or_default().to_vec();
    let (id, time, signature, body) = (next(), next(), next(), next());
    let time = replace(&time, b"{n}", NOW.to_string().as_bytes());
    let key = KEYS[usize::from(flags >> 2 & 1)];
    let (names, signed, right) = match flags & 3 {
        0 | 3 => {
            let signed = [&id[..], b".", &time, b".", &body].concat();
            let right = format!("v1,{}", hmac::base64(&hmac::sign(key, &signed)));
            (["webhook-id", "webhook-timestamp", "webhook-signature"], signed, right)
        }
        1 => {
            let signed = [&time[..], b".", &body].concat();
            let right = format!("sha256={}", hmac::hex(&hmac::sign(key, &signed)));
            (["x-unused", "x-flux-lens-timestamp", "x-flux-lens-signature"], signed, right)
        }
        _ => {
            let right = format!("sha256={}", hmac::hex(&hmac::sign(key, &body)));
            (["x-github-delivery", "x-unused", "x-hub-signature-256"], body.clone(), right)
        }
    };
    let signature = replace(&signature, b"{s}", right.as_bytes());
    let values = [&id[..], &time, &signature];
    let mut headers = HeaderMap::new();
    for (at, (name, value)) in names.into_iter().zip(values).enumerate() {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            if usize::from(flags >> 4) == at + 1 {
                headers.append(name, value.clone());
            }
            headers.append(name, value);
        }
    }
    let keys = Keys(KEYS.map(<[u8]>::to_vec).to_vec());
    let Ok(now) = Timestamp::from_second(NOW) else { return };
    let result = match flags & 3 {
        0 | 3 => standard(&headers, &body, &keys, now),
        1 => simple(&headers, &body, &keys, now),
        _ => github(&headers, &body, &keys),
    };
    let doubled = (1..=3).contains(&(flags >> 4)) && names[usize::from(flags >> 4) - 1] != "x-unused";
    let expected = !doubled && holds(flags & 3, values, &signed);
    assert_eq!(result.is_ok(), expected, "{} {names:?} {headers:?}: {:?}", flags & 3, result.as_ref().err());
    if let Ok(delivery) = result {
        said(&delivery, &body, &id, flags & 3);
    }
}

fn said(delivery: &VerifiedDelivery<'_>, body: &[u8], id: &[u8], scheme: u8) {
    assert_eq!(delivery.body(), body);
    if scheme != 1 {
        assert_eq!(delivery.id().as_bytes(), id);
    }
}

/// Whether the values are those of a delivery that one of the keys signed in time.
fn holds(scheme: u8, [id, time, signature]: [&[u8]; 3], signed: &[u8]) -> bool {
    let text = |value: &[u8]| {
        let plain = !value.is_empty() && value.iter().all(|byte| *byte == b'\t' || (b' '..=b'~').contains(byte));
        plain.then(|| String::from_utf8_lossy(value).into_owned())
    };
    if scheme != 1 && text(id).is_none() {
        return false;
    }
    if scheme != 2 {
        let in_time = text(time)
            .filter(|time| time.len() <= 15 && time.chars().all(|c| c.is_ascii_digit()))
            .is_some_and(|time| {
                time.parse::<i128>().is_ok_and(|time| (time - i128::from(NOW)).abs() <= i128::from(TOLERANCE_SECONDS))
            });
        if !in_time {
            return false;
        }
    }
    let Some(signature) = text(signature) else { return false };
    KEYS.iter().any(|key| {
        let code = hmac::sign(key, signed);
        match scheme {
            0 | 3 => {
                let right = format!("v1,{}", hmac::base64(&code));
                signature.split([' ', '\t']).any(|one| one == right)
            }
            _ => {
                signature.strip_prefix("sha256=").is_some_and(|digits| digits.to_ascii_lowercase() == hmac::hex(&code))
            }
        }
    })
}

fn replace(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    match text.windows(what.len()).position(|window| window == what) {
        Some(at) => [&text[..at], by, &text[at + what.len()..]].concat(),
        None => text.to_vec(),
    }
}
