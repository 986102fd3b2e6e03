//! Foreign words on their way to people: tickets, SPECs, model output, command output, comments.
//!
//! The functions here take away what no reader should get: characters that cannot be seen or that turn the direction
//! of writing, credentials, and more of it than is useful. Escaping for a place (HTML, Markdown) comes after.

use crate::secrets::{KnownSecrets, secret_in};

/// A zero-width space: invisible, and the end of whatever stood before it.
const BREAK: char = '\u{200b}';

/// The text on one line of at most `max` characters, shortened with `…`.
pub fn one_line(text: &str, max: usize) -> String {
    let safe = without_secret(text);
    let shown = safe.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c));
    shorten(&shown.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "), max)
}

/// The text with its lines, at most `max` characters of it, shortened with `…`.
pub fn lines(text: &str, max: usize) -> String {
    let safe = without_secret(text);
    let shown = safe.replace("\r\n", "\n");
    let shown = shown.chars().map(|c| if c == '\t' { ' ' } else { c });
    let shown: String = shown.filter(|c| *c == '\n' || !(c.is_control() || is_hidden(*c))).collect();
    shorten(shown.trim(), max)
}

/// The text with every character that hides, joins or turns what stands around it shown by its number: for code, where
/// such a character may be the attack (“Trojan Source”). Tabs stay.
pub fn visible(text: &str) -> String {
    let hides = |c: char| c != '\t' && (c.is_control() || is_hidden(c));
    if !text.contains(hides) {
        return text.to_owned();
    }
    text.chars().map(|c| if hides(c) { format!("⟨U+{:04X}⟩", u32::from(c)) } else { c.to_string() }).collect()
}

/// Breaks what mail programs, trackers and code hosts give a meaning to wherever it stands: `@name`, `https://…`,
/// `www.…`. For foreign words only: the reader still sees them, but they are neither mentions nor links.
pub fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let take = if rest.starts_with("://") || c == '@' {
            1
        } else if rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
            4
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push_str(&rest[..take]);
        out.push(BREAK);
        rest = &rest[take..];
    }
    out
}

/// The text, or a note in its place when it contains what looks like a credential.
fn without_secret(text: &str) -> std::borrow::Cow<'_, str> {
    match secret_in(text.as_bytes(), &KnownSecrets::default()) {
        None => text.into(),
        Some(what) => format!("[left out: this text contains {what}]").into(),
    }
}

fn shorten(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Characters without a shape of their own that hide, join or turn what stands around them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Turns the direction of writing.
    const TURN: char = '\u{202e}';

    #[test]
    fn what_cannot_be_seen_is_gone() {
        assert_eq!(one_line(" a\u{202e}b\r\n\tc\u{1b}[31m\u{e0041} ", 50), "ab c [31m");
        assert_eq!(lines("a\r\n\u{200b}b\u{7}\n", 50), "a\nb");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line("äöü", 3), "äöü");
    }

    #[test]
    fn what_hides_in_code_is_shown() {
        assert_eq!(visible("if\t(a)\u{202e} {\r"), "if\t(a)⟨U+202E⟩ {⟨U+000D⟩");
        assert_eq!(visible("äöü → ✓"), "äöü → ✓");
    }

    #[test]
    fn a_credential_is_not_repeated() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let shown = lines(&format!("use {token}"), 200);
        assert_eq!(shown, "[left out: this text contains what looks like a GitHub token]");
    }

    #[test]
    fn mentions_and_links_are_broken_and_prose_is_not() {
        assert_eq!(
            defused("see @ann: https://e.example WWW.e.example"),
            "see @\u{200b}ann: https:\u{200b}//e.example WWW.\u{200b}e.example"
        );
        assert_eq!(defused("a: b, std::mem, 10:30, x.y"), "a: b, std::mem, 10:30, x.y");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_address_is_left(text in "\\PC{0,60}", max in 0_usize..20) {
            prop_assert!(one_line(&text, max).chars().count() <= max.max(1));
            let turned = lines(&text, 100).contains(TURN);
            prop_assert!(!turned);
            prop_assert!(!defused(&text).contains("://"));
        }
    }
}
