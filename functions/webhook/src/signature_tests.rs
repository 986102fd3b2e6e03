use super::*;
use flux_lens_sim::signing::{Secret, sign_simple, sign_standard};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

const BODY: &[u8] = br#"{"event":"ticket.created"}"#;
const KEY: &[u8] = b"a signing key of thirty-two byte";
const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn keys() -> Keys {
    Keys::from_bytes(vec![b"the next key, live already......".to_vec(), KEY.to_vec()])
}

fn headers(list: &[(&str, String)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn standard_headers(at: i64, body: &[u8]) -> HeaderMap {
    let signature = sign_standard(&[Secret::from_bytes(KEY)], "msg_1", Timestamp::from_second(at).unwrap(), body);
    headers(&[
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1,AAAA v2,ignored {signature}")),
    ])
}

fn simple_headers(at: i64, body: &[u8]) -> HeaderMap {
    let signature = sign_simple(&Secret::from_bytes(KEY), Timestamp::from_second(at).unwrap(), body);
    headers(&[("x-flux-lens-timestamp", at.to_string()), ("x-flux-lens-signature", signature)])
}

#[test]
fn a_good_signature_holds_with_any_live_key_and_within_the_tolerance() {
    for at in [NOW - 300, NOW, NOW + 300] {
        let (headers, keys) = (standard_headers(at, BODY), keys());
        let delivery = standard(&headers, BODY, &keys, now()).unwrap();
        assert_eq!((delivery.id(), delivery.body()), ("msg_1", BODY));
        let headers = simple_headers(at, BODY);
        let delivery = simple(&headers, BODY, &keys, now()).unwrap();
        assert_eq!((delivery.id().len(), delivery.body()), (64, BODY));
    }
}

#[test]
fn a_stale_one_does_not() {
    for at in [NOW - 301, NOW + 301] {
        assert_eq!(standard(&standard_headers(at, BODY), BODY, &keys(), now()).unwrap_err(), NotVerified::Stale);
        assert_eq!(simple(&simple_headers(at, BODY), BODY, &keys(), now()).unwrap_err(), NotVerified::Stale);
    }
}

#[test]
fn a_time_is_plain_digits_and_not_too_many() {
    let refusal = |time: &str| {
        let mut headers = standard_headers(NOW, BODY);
        headers.insert("webhook-timestamp", HeaderValue::from_str(time).unwrap());
        standard(&headers, BODY, &keys(), now()).unwrap_err()
    };
    for odd in [format!("+{NOW}"), format!("-{NOW}"), format!("{NOW}.0"), "1".repeat(16), "1".repeat(17)] {
        assert_eq!(refusal(&odd), NotVerified::Headers, "{odd}");
    }
    for far in ["1".repeat(14), "1".repeat(15), "0".to_owned()] {
        assert_eq!(refusal(&far), NotVerified::Stale, "{far}");
    }
}

#[test]
fn without_the_key_nothing_holds() {
    let others = Keys::from_bytes(vec![b"another".to_vec()]);
    assert_eq!(standard(&standard_headers(NOW, BODY), BODY, &others, now()).unwrap_err(), NotVerified::Mismatch);
    let none = Keys::from_bytes(vec![]);
    assert_eq!(standard(&standard_headers(NOW, BODY), BODY, &none, now()).unwrap_err(), NotVerified::Mismatch);
}

#[test]
fn missing_doubled_and_odd_headers_are_refused() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut without = standard_headers(NOW, BODY);
        without.remove(name);
        assert_eq!(standard(&without, BODY, &keys(), now()).unwrap_err(), NotVerified::Headers, "{name}");
        let mut doubled = standard_headers(NOW, BODY);
        let value = doubled[name].clone();
        doubled.append(name.parse::<HeaderName>().unwrap(), value);
        assert_eq!(standard(&doubled, BODY, &keys(), now()).unwrap_err(), NotVerified::Headers, "{name}");
    }
    for odd in ["+1800000000", "1800000000.0", " 1800000000", "0x6b49d200", "99999999999999999999"] {
        let mut headers = standard_headers(NOW, BODY);
        headers.insert("webhook-timestamp", HeaderValue::from_str(odd).unwrap());
        assert!(standard(&headers, BODY, &keys(), now()).is_err(), "{odd}");
    }
}

#[test]
fn the_published_vector_of_github_holds() {
    // docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
    let keys = Keys::from_bytes(vec![b"It's a Secret to Everybody".to_vec()]);
    let list = headers(&[
        ("x-github-delivery", "d".to_owned()),
        ("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".to_owned()),
    ]);
    assert!(github(&list, b"Hello, World!", &keys).is_ok());
    assert_eq!(github(&list, b"Hello, World?", &keys).unwrap_err(), NotVerified::Mismatch);
}

proptest! {
    #[test]
    fn one_changed_byte_breaks_every_scheme(at in 0..BODY.len(), change in 1_u8..=255) {
        let mut body = BODY.to_vec();
        body[at] ^= change;
        prop_assert!(standard(&standard_headers(NOW, BODY), &body, &keys(), now()).is_err());
        prop_assert!(simple(&simple_headers(NOW, BODY), &body, &keys(), now()).is_err());
    }

    #[test]
    fn no_header_makes_it_panic(id in "\\PC{0,20}", time in "\\PC{0,20}", signature in "\\PC{0,60}") {
        let values = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)];
        let list: HeaderMap = values
            .iter()
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)))
            .collect();
        prop_assert!(standard(&list, BODY, &keys(), now()).is_err());
    }
}
