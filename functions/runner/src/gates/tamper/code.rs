//! Source text without what does not run: comments, and strings that span lines.
//!
//! A test that is commented out, or wrapped in a long string, is gone. Strings on one line stay: they hold names.

use crate::gates::language::Language;

/// Replaces comments and long strings by spaces; line breaks stay.
pub(super) fn live(text: &str, language: Language) -> String {
    let mut reader = Reader { rest: text, out: String::with_capacity(text.len()) };
    while !reader.rest.is_empty() {
        match language {
            Language::Python => reader.python(),
            Language::JavaScript => reader.c_like("`", false),
            Language::Go => reader.c_like("`", false),
            Language::Rust => reader.c_like("", true),
        }
    }
    reader.out
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
}

impl Reader<'_> {
    fn python(&mut self) {
        for quotes in ["\"\"\"", "'''"] {
            if self.rest.starts_with(quotes) {
                return self.blank_to(quotes, 3);
            }
        }
        if self.rest.starts_with('#') {
            return self.blank_line();
        }
        self.string_or_char(&['"', '\'']);
    }

    /// `long`: the quote of strings that may span lines.
    fn c_like(&mut self, long: &str, nested: bool) {
        if self.rest.starts_with("//") {
            return self.blank_line();
        }
        if self.rest.starts_with("/*") {
            return if nested { self.nested_comment() } else { self.blank_to("*/", 2) };
        }
        if !long.is_empty() && self.rest.starts_with(long) {
            let end = closing(self.rest, '`').unwrap_or(self.rest.len());
            let spans_lines = self.rest.get(..end).is_some_and(|text| text.contains('\n'));
            return if spans_lines { self.blank(end) } else { self.copy(end) };
        }
        // Rust's single quotes are lifetimes as often as characters.
        self.string_or_char(if nested { &['"'] } else { &['"', '\''] });
    }

    fn string_or_char(&mut self, quotes: &[char]) {
        let first = self.rest.chars().next().unwrap_or_default();
        if first == '\\' {
            // An escape outside of strings: in a regular expression, where a quote would not open a string.
            return self.copy(1 + self.rest.chars().nth(1).map_or(0, char::len_utf8));
        }
        if quotes.contains(&first) {
            let line_end = self.rest.find('\n').unwrap_or(self.rest.len());
            if let Some(end) = closing(self.rest, first).filter(|end| *end <= line_end) {
                return self.copy(end);
            }
        }
        self.copy(first.len_utf8());
    }

    fn nested_comment(&mut self) {
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(rest) = self.rest.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("/*") {
                (depth, at) = (depth + 1, at + 2);
            } else if rest.starts_with("*/") {
                (depth, at) = (depth.saturating_sub(1), at + 2);
                if depth == 0 {
                    break;
                }
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        self.blank(at.min(self.rest.len()));
    }

    fn blank_line(&mut self) {
        self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
    }

    /// Blanks up to and with `end`, looked for from `from` on.
    fn blank_to(&mut self, end: &str, from: usize) {
        let found = self.rest.get(from..).and_then(|rest| rest.find(end));
        self.blank(found.map_or(self.rest.len(), |at| from + at + end.len()));
    }

    fn blank(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.out.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }

    fn copy(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.out.push_str(text);
        self.rest = rest;
    }
}

/// Behind the quote that closes the string at the beginning of `text`.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str, language: Language) -> String {
        live(text, language).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_runs_is_left() {
        let js = "test('a // b', f); // test('c')\n/* test('d')\n*/ x = 'it\\'s /* not'; y = `a\n${test()}\n`; z = `one`;\nr = /'/; s = 1";
        assert_eq!(
            words(js, Language::JavaScript),
            "test('a // b', f); x = 'it\\'s /* not'; y = ; z = `one`; r = /'/; s = 1"
        );
        let python = "def test_a(): # no\n  '''\n  def test_b(): pass\n  '''\n  x = \"# yes\"\n\"\"\"doc\"\"\"";
        assert_eq!(words(python, Language::Python), "def test_a(): x = \"# yes\"");
        let rust = "fn a<'x>() {} /* #[test] /* inner */ still */ #[test] fn b() { \"// no comment\" }";
        assert_eq!(words(rust, Language::Rust), "fn a<'x>() {} #[test] fn b() { \"// no comment\" }");
    }

    proptest! {
        #[test]
        fn lines_stay_where_they_are(text in "[ab'\"`/*#\\\\\n é]{0,60}") {
            for language in [Language::JavaScript, Language::Python, Language::Rust, Language::Go] {
                prop_assert_eq!(live(&text, language).lines().count(), text.lines().count());
            }
        }
    }
}
