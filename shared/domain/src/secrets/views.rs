//! The other forms in which a text may carry a credential.
//!
//! Whoever wants to take a credential out of a sandbox unseen encodes it. No list of encodings is complete (a cipher is
//! an encoding too), which is why nothing in the sandbox is a credential in the first place; these are the ones that
//! come to mind first, and combinations of two.

use std::io::Read as _;
use std::sync::LazyLock;

use data_encoding::{BitOrder, Encoding, Specification};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use regex::bytes::{Regex, RegexBuilder};

use super::rules::Form;

/// Fewest decoded bytes that are looked at: shorter secrets have no fingerprint, and no form.
const MIN_DECODED: usize = 16;
/// Most bytes of one unpacked stream.
const MAX_UNPACKED: u64 = 4 << 20;
/// How every gzip stream of deflated data begins.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// How often what was decoded is decoded again.
const DEPTH: usize = 2;

/// Calls `look` with every form of `text` but the text itself, until it answers `true`.
pub(super) fn each(text: &[u8], look: &mut dyn FnMut(&[u8], Form) -> bool) -> bool {
    forms(text, DEPTH, look)
}

fn forms(text: &[u8], depth: usize, look: &mut dyn FnMut(&[u8], Form) -> bool) -> bool {
    let plain = without_zeros(text);
    let text = plain.as_deref().unwrap_or(text);
    if plain.is_some() && look(text, Form::Decoded) {
        return true;
    }
    let mut reversed = text.to_vec();
    reversed.reverse();
    if look(&reversed, Form::Decoded) || look(&rot13(text), Form::Decoded) {
        return true;
    }
    let joined = without(text, |byte| byte.is_ascii_whitespace() || b"\"'`+\\,".contains(&byte));
    let wrapped = without(text, |byte| byte.is_ascii_whitespace() || b"\"'`".contains(&byte));
    if look(&joined, Form::Joined) {
        return true;
    }
    if decoded(text, depth, look) || decoded(&reversed, depth, look) || decoded(&wrapped, depth, look) {
        return true;
    }
    if joined != wrapped && decoded(&joined, depth, look) {
        return true;
    }
    unescape(text).is_some_and(|text| look(&text, Form::Decoded) || decoded(&text, depth, look))
}

/// Everything in `text` that can be decoded.
fn decoded(text: &[u8], depth: usize, look: &mut dyn FnMut(&[u8], Form) -> bool) -> bool {
    let mut again = |chunk: &[u8]| {
        if chunk.len() < MIN_DECODED {
            return false;
        }
        // Both: a stream at its end must not hide a chunk.
        let unpacked = unpack(chunk);
        [Some(chunk), unpacked.as_deref()]
            .into_iter()
            .flatten()
            .any(|chunk| look(chunk, Form::Decoded) || (depth > 1 && is_text(chunk) && forms(chunk, depth - 1, look)))
    };
    if unpack(text).is_some_and(|text| again(&text)) {
        return true;
    }
    for run in RUNS.base64.find_iter(text).map(|run| run.as_bytes()) {
        let standard: Vec<u8> = run.iter().map(|byte| url_to_standard(*byte)).collect();
        if (0..4).any(|offset| again(&decode(&BASE64, &standard[offset..], 4))) {
            return true;
        }
    }
    for run in RUNS.base32.find_iter(text).map(|run| run.as_bytes().to_ascii_uppercase()) {
        if (0..8).any(|offset| again(&decode(&BASE32, &run[offset..], 8))) {
            return true;
        }
    }
    for run in RUNS.hex.find_iter(text).map(|run| run.as_bytes()) {
        let digits = hex_digits(run);
        if (0..2).any(|offset| again(&decode(&data_encoding::HEXLOWER_PERMISSIVE, &digits[offset..], 2))) {
            return true;
        }
    }
    RUNS.decimal.find_iter(text).any(|run| again(&decimals(run.as_bytes())))
}

struct Runs {
    base64: Regex,
    base32: Regex,
    hex: Regex,
    decimal: Regex,
}

static RUNS: LazyLock<Runs> = LazyLock::new(|| {
    // Four constants that a test uses: there is no other case.
    let regex = |pattern| RegexBuilder::new(pattern).unicode(false).build().unwrap_or_else(|error| panic!("{error}"));
    Runs {
        base64: regex(r"[A-Za-z0-9+/_-]{20,}"),
        base32: regex(r"[A-Z2-7]{26,}|[a-z2-7]{26,}"),
        hex: regex(r"[0-9A-Fa-f]{2}(?:(?:[ \t\r\n,:;-]|\\x|0x|\\u00|%|')*[0-9A-Fa-f]{2}){15,}"),
        decimal: regex(r"[0-9]{2,3}(?:[ \t\r\n]*,[ \t\r\n]*[0-9]{2,3}){15,}|[0-9]{2,3}(?:[ \t\r\n]+[0-9]{2,3}){15,}"),
    }
});

static BASE64: LazyLock<Encoding> =
    LazyLock::new(|| lenient("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"));
static BASE32: LazyLock<Encoding> = LazyLock::new(|| lenient("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));

/// An encoding whose last bits may be anything: a run may be cut out of a longer one.
fn lenient(symbols: &str) -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(symbols);
    specification.check_trailing_bits = false;
    specification.bit_order = BitOrder::MostSignificantFirst;
    specification.encoding().unwrap_or(data_encoding::BASE64_NOPAD)
}

/// As much of the run as can be decoded.
fn decode(encoding: &Encoding, run: &[u8], block: usize) -> Vec<u8> {
    for cut in 0..block.min(run.len()) {
        if let Ok(bytes) = encoding.decode(&run[..run.len() - cut]) {
            return bytes;
        }
    }
    Vec::new()
}

const fn url_to_standard(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

/// The digits of a run of pairs with something between them.
fn hex_digits(run: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(run.len());
    let mut rest = run;
    while let Some(byte) = rest.first() {
        let skip =
            [&b"0x"[..], b"\\x", b"\\u00"].into_iter().find(|mark| rest.starts_with(mark)).map_or(0, <[u8]>::len);
        if skip > 0 {
            rest = &rest[skip..];
            continue;
        }
        if byte.is_ascii_hexdigit() {
            digits.push(*byte);
        }
        rest = &rest[1..];
    }
    digits
}

fn decimals(run: &[u8]) -> Vec<u8> {
    run.split(|byte| !byte.is_ascii_digit())
        .filter(|number| !number.is_empty())
        .filter_map(|number| std::str::from_utf8(number).ok()?.parse().ok())
        .collect()
}

/// Text in UTF-16 without its zeros.
fn without_zeros(text: &[u8]) -> Option<Vec<u8>> {
    let rest = without(text, |byte| byte == 0);
    ((text.len() - rest.len()) * 3 > text.len()).then_some(rest)
}

fn without(text: &[u8], drop: impl Fn(u8) -> bool) -> Vec<u8> {
    text.iter().copied().filter(|byte| !drop(*byte)).collect()
}

fn rot13(text: &[u8]) -> Vec<u8> {
    let turn = |byte: u8, first: u8| first + (byte - first + 13) % 26;
    let letter = |byte: &u8| match byte {
        b'a'..=b'z' => turn(*byte, b'a'),
        b'A'..=b'Z' => turn(*byte, b'A'),
        other => *other,
    };
    text.iter().map(letter).collect()
}

/// A stream of gzip or zlib, unpacked as far as it goes. Of gzip, whose mark is long enough to be told from chance, also
/// where something else stands before it: a run of base64 may have begun earlier than the stream.
fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mark = bytes.windows(GZIP.len()).position(|window| window == GZIP);
    let bytes = mark.and_then(|mark| bytes.get(mark..)).unwrap_or(bytes);
    let mut out = Vec::new();
    let read = match bytes {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut out),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => ZlibDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut out),
        _ => return None,
    };
    // A stream that is cut off still gave what came before.
    (read.is_ok() || !out.is_empty()).then_some(out)
}

/// Whether it could be an encoding of something else.
fn is_text(bytes: &[u8]) -> bool {
    let printable = bytes.iter().filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()).count();
    printable * 10 >= bytes.len() * 9
}

/// The text with `%41`, `\x41`, `\u0041`, `\u{41}`, `\101`, `&#65;`, `&#x41;` and `=41` (quoted-printable) decoded, if
/// there is any of them.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(byte) = rest.first() {
        if let Some((value, length)) = escape_at(rest) {
            out.push(value);
            rest = &rest[length..];
            changed = true;
        } else {
            out.push(*byte);
            rest = &rest[1..];
        }
    }
    changed.then_some(out)
}

/// The byte that an escape at the beginning of `rest` stands for, and the escape's length.
fn escape_at(rest: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, length: usize, radix: u32| {
        let digits = std::str::from_utf8(rest.get(from..from + length)?).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, radix).ok())?
    };
    let until = |from: usize, end: u8, radix: u32| {
        let length = rest.get(from..)?.iter().take(8).position(|byte| *byte == end)?;
        Some((number(from, length, radix)?, from + length + 1))
    };
    match rest {
        [b'%' | b'=', ..] => Some((number(1, 2, 16)?, 3)),
        [b'\\', b'x', ..] => Some((number(2, 2, 16)?, 4)),
        [b'\\', b'u', b'{', ..] => until(3, b'}', 16),
        [b'\\', b'u', b'0', b'0', ..] => Some((number(4, 2, 16)?, 6)),
        [b'\\', b'0'..=b'3', ..] => Some((number(1, 3, 8)?, 4)),
        [b'&', b'#', b'x' | b'X', ..] => until(3, b';', 16),
        [b'&', b'#', ..] => until(2, b';', 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_other_text_is_left() {
        assert_eq!(unescape(br"a%41\x42\u0043\u{44}\105&#70;&#x47;=48z").unwrap(), b"aABCDEFGHz");
        assert_eq!(unescape(br"100% \x4 \u12 &#; &#999999; \9 \u{zz}"), None);
    }

    #[test]
    fn runs_are_decoded_whatever_stands_between() {
        assert_eq!(hex_digits(b"0x67, 0x68:69-6a \\x6b%6c\\u006D"), b"6768696a6b6c6D");
        assert_eq!(decimals(b"103, 104 ,115\n95,300"), b"ghs_");
        assert_eq!(decode(&BASE64, b"Z2hzX2E!", 4), b"ghs_a");
        assert_eq!(decode(&BASE64, b"Z2hzX2", 4), b"ghs_");
        assert_eq!(rot13(b"Uryyb, 1"), b"Hello, 1");
        assert_eq!(without_zeros(b"g\0h\0s\0_\0").unwrap(), b"ghs_");
        assert_eq!(without_zeros(b"ghs_\0"), None);
    }

    #[test]
    fn packed_streams_are_unpacked_up_to_a_limit() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&vec![b'x'; 6 << 20]).unwrap();
        let packed = gzip.finish().unwrap();
        assert_eq!(unpack(&packed).unwrap().len(), 4 << 20);
        assert!(unpack(&packed[..packed.len() / 2]).is_some());
        assert_eq!(unpack(b"\x1f\x8bnothing"), None);
        assert_eq!(unpack(b"text"), None);
    }
}
