//! Foreign words inside Markdown.

use domain::text;
use url::Url;

/// Foreign words on one line of at most `max` characters: no markup, mention, link or HTML of theirs counts.
pub(super) fn inline(foreign: &str, max: usize) -> String {
    let mut out = String::with_capacity(foreign.len() + 16);
    for c in text::defused(&text::one_line(foreign, max)).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // A line that begins like a list or a rule is none.
    match out.chars().next() {
        Some('-' | '=') => format!("\\{out}"),
        Some(c) if c.is_ascii_digit() => unlisted(&out),
        _ => out,
    }
}

/// `1. x` would begin a list.
fn unlisted(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match line[digits..].chars().next() {
        Some('.') => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line.to_owned(),
    }
}

/// Foreign words as code on one line, for a place outside of tables.
pub(super) fn code(foreign: &str) -> String {
    let line = text::one_line(foreign, 300);
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.is_empty() || line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Foreign words that may have many lines: one line becomes a paragraph, several a block in which nothing is markup.
pub(super) fn block(foreign: &str, max: usize) -> String {
    let shown = text::lines(foreign, max);
    if !shown.contains('\n') {
        return inline(&shown, max);
    }
    let fence = "`".repeat(longest_run(&shown).max(2) + 1);
    format!("{fence}text\n{shown}\n{fence}")
}

/// A link, or its words alone where the address is not one of the web.
pub(super) fn link(words: &str, address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            let address = url.as_str().replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
            format!("[{words}]({address})")
        }
        _ => words.to_owned(),
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_do_nothing() {
        assert_eq!(
            inline("# [x](https://e.example) @ann\n<img src=x> ![i](u) `c` **b** &amp;", 200),
            "\\# \\[x\\]\\(https:\u{200b}//e.example\\) @\u{200b}ann &lt;img src=x&gt; \\!\\[i\\]\\(u\\) \\`c\\` \\*\\*b\\*\\* &amp;amp;"
        );
        assert_eq!(inline("- a", 9), "\\- a");
        assert_eq!(inline("1. a", 9), "1\\. a");
        assert_eq!(inline("3.5 seconds", 99), "3\\.5 seconds");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("a\n```\n@b", 99), "````text\na\n```\n@b\n````");
        assert_eq!(block("one *line*", 99), "one \\*line\\*");
    }

    #[test]
    fn links_lead_to_the_web() {
        assert_eq!(link("page", "https://x.example/a b)"), "[page](https://x.example/a%20b%29)");
        assert_eq!(link("page", "javascript:alert(1)"), "page");
    }
}
