use std::io::Write as _;

use data_encoding::{BASE32, BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use super::*;

const NONE: fn() -> KnownSecrets = KnownSecrets::default;

/// Every encoding that is looked into, by name.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let each = |form: &dyn Fn(u8) -> String| text.bytes().map(form).collect::<String>().into_bytes();
    let shifted = |n: usize| BASE64.encode(format!("{}{text}", &"xyz"[..n]).as_bytes()).into_bytes();
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let rot13 = |byte: u8| match byte {
        b'a'..=b'z' => char::from((byte - b'a' + 13) % 26 + b'a').to_string(),
        b'A'..=b'Z' => char::from((byte - b'A' + 13) % 26 + b'A').to_string(),
        other => char::from(other).to_string(),
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut decoy = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    decoy.write_all(b"nothing to be seen here, move on please").unwrap();
    let decoy = decoy.finish().unwrap();
    let wrapped = |text: &str| text.as_bytes().chunks(19).map(<[u8]>::to_vec).collect::<Vec<_>>().join(&b"\n  "[..]);
    vec![
        ("as it is", text.into()),
        ("base64", BASE64.encode(text.as_bytes()).into_bytes()),
        ("base64url", BASE64URL_NOPAD.encode(text.as_bytes()).into_bytes()),
        ("base64 after one byte", shifted(1)),
        ("base64 after two bytes", shifted(2)),
        ("base64 after a letter", format!("x{}", BASE64_NOPAD.encode(text.as_bytes())).into_bytes()),
        ("base64 in lines", wrapped(&BASE64.encode(text.as_bytes()))),
        ("base64 twice", BASE64.encode(BASE64.encode(text.as_bytes()).as_bytes()).into_bytes()),
        ("base32", BASE32.encode(text.as_bytes()).into_bytes()),
        ("hex", HEXLOWER.encode(text.as_bytes()).into_bytes()),
        ("HEX", HEXUPPER.encode(text.as_bytes()).into_bytes()),
        ("hex of base64", HEXLOWER.encode(BASE64.encode(text.as_bytes()).as_bytes()).into_bytes()),
        ("hex with colons", each(&|byte| format!("{byte:02x}:"))),
        ("an array of hex numbers", each(&|byte| format!("0x{byte:02X}, "))),
        ("an array of numbers", each(&|byte| format!("{byte}, "))),
        ("URL-encoded", each(&|byte| format!("%{byte:02X}"))),
        ("partly URL-encoded", text.replace('_', "%5F").replace('a', "%61").into_bytes()),
        ("\\x escapes", each(&|byte| format!("\\x{byte:02x}"))),
        ("\\u escapes", each(&|byte| format!("\\u{byte:04x}"))),
        ("octal escapes", each(&|byte| format!("\\{byte:03o}"))),
        ("HTML entities", each(&|byte| format!("&#{byte};"))),
        ("HTML hex entities", each(&|byte| format!("&#x{byte:x};"))),
        ("reversed", reversed(text).into_bytes()),
        ("reversed base64", reversed(&BASE64.encode(text.as_bytes())).into_bytes()),
        ("ROT13", each(&rot13)),
        ("UTF-16", text.bytes().flat_map(|byte| [byte, 0]).collect()),
        ("in two lines", wrapped(text)),
        (
            "a concatenation",
            text.as_bytes().chunks(15).map(<[u8]>::to_vec).collect::<Vec<_>>().join(&b"\" +\n    \""[..]),
        ),
        ("gzip", gzip.clone()),
        ("gzip in base64", BASE64.encode(&gzip).into_bytes()),
        ("base64 with gzip behind it", BASE64.encode(&[text.as_bytes(), &decoy].concat()).into_bytes()),
        ("gzip in base64 in a path", format!("src/deep/{}", BASE64.encode(&gzip)).into_bytes()),
    ]
}

fn around(content: &[u8]) -> Vec<u8> {
    [b"// A change.\nconst VALUE = \"", content, b"\";\nexport default VALUE;\n"].concat()
}

#[test]
fn a_token_is_found_in_every_encoding() {
    let old = format!("{}{}", "ghs_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let new =
        format!("{}{}", "ghs_", "123456_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NTYifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg");
    for token in [old, new] {
        for (name, encoded) in encodings(&token) {
            // What is not text stands alone.
            let content =
                if std::str::from_utf8(&encoded).is_ok() && !encoded.contains(&0) { around(&encoded) } else { encoded };
            let found = secret_in(&content, &NONE());
            assert_eq!(found.as_deref(), Some("what looks like a GitHub App token"), "{name} of {token}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_known_secret_is_found_in_every_encoding(secret in "[A-Za-z0-9+/_.~-]{16,90}") {
        let known = KnownSecrets::new(fingerprints("the model's key", &secret, [3; 16]));
        for (name, encoded) in encodings(&secret) {
            let content = if std::str::from_utf8(&encoded).is_ok() && !encoded.contains(&0) { around(&encoded) } else { encoded };
            let found = find("x.js", &content, &known);
            // Taking lines together loses the `+` that is part of the value, if it stands at a joint.
            prop_assert!(
                found.iter().any(|found| found.ours && found.what == "the model's key")
                    || (secret.contains('+') && matches!(name, "a concatenation" | "in two lines")),
                "{} of {}", name, secret
            );
        }
    }

    #[test]
    fn scanning_never_panics(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        find("a.yaml", &text, &NONE());
    }
}

#[test]
fn what_is_found_is_named_once_and_not_repeated() {
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let found = find("a.txt", format!("{token} {token}").as_bytes(), &NONE());
    let names: Vec<_> = found.iter().map(|found| (found.what.as_str(), found.ours)).collect();
    assert!(names.contains(&("what looks like a GitHub token", false)), "{names:?}");
    assert!(found.iter().all(|found| !format!("{found:?}").contains(&token)));
    let other = find("b.txt", format!("x = {token}").as_bytes(), &NONE());
    assert!(found.contains(&other[0]), "the same credential has the same digest elsewhere");
}

#[test]
fn there_is_an_end_to_what_is_told() {
    let token = |n: usize| format!("ghp_{}{n:03}\n", "a1B2c3D4e5F6".repeat(3));
    let many: String = (0..50).map(token).collect();
    assert_eq!(find("a", many.as_bytes(), &NONE()).len(), MAX_FINDINGS);
}

#[test]
fn a_file_can_be_a_credential_by_its_name() {
    let found = find("certs/server.p12", b"\x30\x82", &NONE());
    assert_eq!(found[0].what, "what looks like a credential (pkcs12-file)");
    assert!(find("certs/server.pem", b"\x30\x82", &NONE()).is_empty());
}

#[test]
fn gitleaks_rules_are_applied_with_their_exceptions() {
    let key = |value: &str| find("a.tf", format!("linear_token = \"{value}\"").as_bytes(), &NONE());
    let found = key("lin_api_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0");
    assert_eq!(found[0].what, "what looks like a credential (linear-api-key)");
    // An example of AWS's own documentation, which the rule file lets pass, and ours does not know.
    let example = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    assert!(find("a", example.as_bytes(), &NONE()).iter().all(|found| found.what.contains("an AWS access key")));
}

#[test]
fn prose_and_code_about_credentials_are_not_credentials() {
    for text in [
        "the ghs_ prefix marks an installation token; AKIA marks a key, and sk-ant-api03 one of a model",
        "token = process.env.GITHUB_TOKEN; const key = getKey('primary'); password: ${{ secrets.PASSWORD }}",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "sha512-WfY9EQIyFB0SSzVHhYMTnU5MZFnXvzF1Xi5Uu8tSGfJrMFmlAZJNX4uGQqJRoW3NJlTQ8ZFZUjFKRhL4q6bB0g==",
        "let digest = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\";",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "<svg d=\"M10 10 20 20 30 30 40 40 50 50 60 60 70 70 80 80 90 90 10 10 20 20\">",
        "",
    ] {
        assert_eq!(find("a.txt", text.as_bytes(), &NONE()), [], "{text}");
    }
}
