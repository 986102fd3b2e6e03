//! Encodings of a text that stay text.

use std::io::Write as _;

use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use flate2::Compression;
use flate2::write::GzEncoder;

/// The text in every encoding, by the encoding's name.
pub fn all(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let each = |form: &dyn Fn(u8) -> String| bytes.iter().map(|byte| form(*byte)).collect::<String>();
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let wrapped = |text: &str, by: &str| {
        let parts: Vec<&str> = text.as_bytes().chunks(17).filter_map(|part| std::str::from_utf8(part).ok()).collect();
        parts.join(by)
    };
    vec![
        ("base64", BASE64.encode(bytes)),
        ("base64url", BASE64URL_NOPAD.encode(bytes)),
        ("base64 of a text around it", BASE64.encode(format!("x {text} y").as_bytes())),
        ("base64 in lines", wrapped(&BASE64.encode(bytes), "\n")),
        ("base64 twice", BASE64.encode(BASE64.encode(bytes).as_bytes())),
        ("base32", BASE32.encode(bytes)),
        ("hex", HEXLOWER.encode(bytes)),
        ("hex, upper case", HEXUPPER.encode(bytes)),
        ("URL-encoded", each(&|byte| format!("%{byte:02X}"))),
        ("\\x escapes", each(&|byte| format!("\\x{byte:02x}"))),
        ("\\u escapes", each(&|byte| format!("\\u{byte:04x}"))),
        ("HTML entities", each(&|byte| format!("&#{byte};"))),
        ("array of numbers", each(&|byte| format!("{byte}, "))),
        ("reversed", reversed(text)),
        ("reversed base64", reversed(&BASE64.encode(bytes))),
        ("ROT13", each(&rot13)),
        ("concatenated strings", wrapped(text, "\" +\n    \"")),
        ("gzip in base64", BASE64.encode(&gzip(bytes))),
    ]
}

fn rot13(byte: u8) -> String {
    let turned = match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    };
    char::from(turned).to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a Vec cannot fail.
    gzip.write_all(bytes).and_then(|()| gzip.finish()).unwrap_or_default()
}
