//! Foreign words inside our texts: they are shown and do nothing.

/// A zero-width space: invisible, and the end of whatever stood before it.
const BREAK: char = '\u{200b}';

/// Foreign words for a place without Markdown, on one line: they mention nobody, refer to no issue (and so close none)
/// and make no link.
pub fn plain(text: &str) -> String {
    defused(&one_line(text))
}

/// Foreign words for a place with Markdown, on one line: the same, and no markup of theirs counts.
pub fn markdown(text: &str) -> String {
    let text = defused(&one_line(text));
    let mut out = String::with_capacity(text.len() + 16);
    // A list, a heading's underline or a rule is one only at the beginning of a line.
    let number = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    for (at, c) in text.char_indices() {
        let begins = match c {
            '-' | '+' | '=' | ':' => at == 0,
            '.' | ')' => at == number && at > 0,
            _ => false,
        };
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            BREAK => out.push_str("&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if begins => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Foreign words as code, also inside a table. Nothing inside a code span is markup, a mention or a reference.
pub fn inline_code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// One line without control characters and without what cannot be seen or turns the direction of writing.
fn one_line(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Breaks what GitHub gives a meaning to wherever it stands: `@name`, `#1`, `GH-1`, `https://…`, `www.…`.
fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        out.push(c);
        let follows = |what: &str| text[at + c.len_utf8()..].starts_with(what);
        let after = |what: &str| {
            let before = &text.as_bytes()[..at];
            before.len() >= what.len() && before[before.len() - what.len()..].eq_ignore_ascii_case(what.as_bytes())
        };
        let breaks = match c {
            '@' | '#' => true,
            ':' => follows("//"),
            '-' => after("gh"),
            'w' | 'W' => after("ww") && follows("."),
            _ => false,
        };
        if breaks {
            out.push(BREAK);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_references_and_links_are_broken() {
        for (text, live) in [
            ("ask @octocat", "@octocat"),
            ("fixes #1", "#1"),
            ("closes acme/web#12", "#12"),
            ("resolves GH-7", "GH-7"),
            ("resolves gh-7", "gh-7"),
            ("fixes https://github.com/acme/web/issues/1", "://github"),
            ("see www.evil.example", "www.evil"),
            ("see WWW.evil.example", "WWW.evil"),
        ] {
            assert!(!plain(text).contains(live), "{text}: {}", plain(text));
            assert!(!markdown(text).contains(live), "{text}: {}", markdown(text));
        }
    }

    #[test]
    fn markup_is_shown_and_does_nothing() {
        insta::assert_snapshot!(markdown("![x](https://evil/p.png) <img src=x> **b** `c` | d &amp; _e_\n# Title"),
            @r"\!\[x\](https:&#8203;//evil/p.png) &lt;img src=x&gt; \*\*b\*\* \`c\` \| d &amp;amp; \_e\_ \#&#8203; Title");
        for (text, shown) in
            [("- a", r"\- a"), ("1. a", r"1\. a"), ("23) a", r"23\) a"), ("---", r"\---"), ("===", r"\===")]
        {
            assert_eq!(markdown(text), shown);
        }
        assert_eq!(markdown("It took 30 s. (Or 1.5 h - maybe.)"), "It took 30 s. (Or 1.5 h - maybe.)");
        assert_eq!(plain("a\u{202e}b\u{200b}c\r\n\td"), "abc d");
    }

    #[test]
    fn code_spans_cannot_be_left() {
        assert_eq!(inline_code("src/a.rs"), "`src/a.rs`");
        assert_eq!(inline_code("a`b``c"), "```a`b``c```");
        assert_eq!(inline_code("`a"), "`` `a ``");
        assert_eq!(inline_code("a|b\nc"), "`a\\|b c`");
        assert_eq!(inline_code(""), "`  `");
    }
}
