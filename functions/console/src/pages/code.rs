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
    /// What begins and ends a comment over several lines.
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

/// Colours lines that follow one another.
#[derive(Debug, Clone)]
pub(super) struct Colours {
    language: Option<&'static Language>,
    in_block: bool,
}

impl Colours {
    pub(super) const fn new(language: Option<&'static Language>) -> Self {
        Self { language, in_block: false }
    }

    /// The pieces of the next line, which together are the line.
    pub(super) fn line<'a>(&mut self, line: &'a str) -> Vec<(Kind, &'a str)> {
        let Some(language) = self.language else { return vec![(Kind::Plain, line)] };
        // Where each piece begins; neighbours of one kind are one piece.
        let mut starts: Vec<(Kind, usize)> = Vec::new();
        let mut at = 0;
        while at < line.len() {
            let (kind, length) = self.next(language, &line[at..]);
            if starts.last().is_none_or(|(last, _)| *last != kind) {
                starts.push((kind, at));
            }
            at += length;
        }
        let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([line.len()]);
        starts.iter().zip(ends).map(|((kind, start), end)| (*kind, &line[*start..end])).collect()
    }

    fn next(&mut self, language: &Language, rest: &str) -> (Kind, usize) {
        if let Some((begin, end)) = language.block {
            let from = if self.in_block { Some(0) } else { rest.starts_with(begin).then_some(begin.len()) };
            if let Some(from) = from {
                let ends = rest[from..].find(end);
                self.in_block = ends.is_none();
                return (Kind::Comment, ends.map_or(rest.len(), |at| from + at + end.len()));
            }
        }
        if language.comments.iter().any(|begin| rest.starts_with(begin)) {
            return (Kind::Comment, rest.len());
        }
        let Some(first) = rest.chars().next() else { return (Kind::Plain, rest.len()) };
        if language.quotes.contains(first) {
            return (Kind::Text, quoted(rest, first));
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
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The length of a text with its quotes; one that does not end here ends with the line.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(path: &str, lines: &[&str]) -> String {
        let mut colours = Colours::new(language(path));
        let line = |line: &&str| {
            let pieces = colours.line(line).into_iter().map(|(kind, text)| match kind {
                Kind::Plain => text.to_owned(),
                kind => format!("{kind:?}[{text}]"),
            });
            pieces.collect::<String>()
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_language_has_its_shape() {
        let js = shown("a/b.js", &["const x = `a ${b}` + 'it\\'s' + 12; // 'why'", "/* if", "return */ return"]);
        let expected = "Word[const] x = Text[`a ${b}`] + Text['it\\'s'] + Number[12]; Comment[// 'why']\nComment[/* if]\n\
                        Comment[return */] Word[return]";
        assert_eq!(js, expected);
        assert_eq!(shown("x.rs", &["fn f<'a>(x: &'a str) {}"]), "Word[fn] f<'a>(x: &'a Word[str]) {}");
        assert_eq!(shown("x.py", &["def f(): # no"]), "Word[def] f(): Comment[# no]");
        assert_eq!(shown("Makefile", &["all: # x"]), "all: Comment[# x]");
        assert_eq!(shown("LICENSE", &["for // it"]), "for // it");
        assert_eq!(shown("x.json", &["{\"a\": tru, \"b: true"]), "{Text[\"a\"]: tru, Text[\"b: true]");
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_line(lines in proptest::collection::vec("[ /*'\"`#a1ä\u{202e}\\\\-]{0,12}", 1..5)) {
            for path in ["a.js", "a.rs", "a.py", "a.sql", "a.html", "a.txt"] {
                let mut colours = Colours::new(language(path));
                for line in &lines {
                    let pieces = colours.line(line);
                    prop_assert_eq!(&pieces.iter().map(|(_, text)| *text).collect::<String>(), line);
                    prop_assert!(pieces.windows(2).all(|two| two[0].0 != two[1].0));
                }
            }
        }
    }
}
