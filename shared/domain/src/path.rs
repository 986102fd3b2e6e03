//! Paths inside a repository, and which of them are protected.

mod patterns;
mod protection;

use std::fmt;
use std::str::FromStr;

use gix_validate::path::component::Options;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

pub use patterns::{InvalidPattern, ProtectedPaths};
pub use protection::Protection;

/// A path of a file inside a repository: relative, `/` between components, no `.`/`..`, no `.git` under any of the
/// names that some file system takes for it, no control characters, at most 1,024 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RepoPath(String);

/// Why a text is not a [`RepoPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a path inside the repository: {reason}")]
pub struct InvalidPath {
    /// The text (at most 200 characters of it, control characters escaped).
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 1_024;

impl RepoPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, from the root.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The form under which two paths are one file on some file system: NFKC, lower case, ignorable characters
    /// removed.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// The folders above a path, the nearest last.
pub fn folders(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Folds a text to the form under which file systems may take two names for one. Folding again changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // The capital sharp s becomes the small one first, and that `ss`.
    fold_once(&fold_once(text))
}

/// By way of upper case, because only so do `ς` and `σ`, `ß` and `ss`, `ſ` and `s` meet.
fn fold_once(text: &str) -> String {
    let visible = text.nfkc().filter(|c| !is_ignorable(*c));
    visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters that HFS+ and others ignore in names, and other invisible ones.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a name is of the form `GITHUB~1` or `AGENTS~1.MD`.
fn is_short_name(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let numbered = stem.rsplit_once('~').is_some_and(|(before, number)| {
        !before.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered && stem.len() <= 8 && extension.len() <= 3
}

impl FromStr for RepoPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let refuse = |reason: &str| {
            Err(InvalidPath { path: text.escape_debug().take(200).collect(), reason: reason.to_owned() })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_PATH_BYTES {
            return refuse("it is longer than 1,024 bytes");
        }
        if text.chars().any(char::is_control) {
            return refuse("it has a control character");
        }
        if text.chars().any(is_ignorable) {
            return refuse("it has an invisible character");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        for component in text.split('/') {
            if matches!(component, "" | "." | "..") {
                return refuse("it is absolute or has an empty, `.` or `..` component");
            }
            let options = Options { protect_windows: true, protect_hfs: true, protect_ntfs: true };
            if let Err(error) = gix_validate::path::component(component.into(), None, options) {
                return refuse(&error.to_string());
            }
            if fold(component) == ".git" {
                return refuse("a component stands for `.git`");
            }
            if component.ends_with(['.', ' ']) {
                return refuse("a component ends with a dot or a space, which Windows leaves out");
            }
            if is_short_name(component) {
                return refuse("a component has the form of a short name that Windows gives another file");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RepoPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoPath({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths_are_taken() {
        for good in ["a", "src/lib.rs", ".github/workflows/ci.yml", "a b/ü.txt", ".gitignore", "x/.env", "git/x"] {
            assert!(good.parse::<RepoPath>().is_ok(), "{good}");
        }
    }

    #[test]
    fn escapes_and_git_aliases_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            ".git/config",
            ".GIT/config",
            "a/.git/x",
            "git~1/config",
            ".git\u{200c}/config",
            ".ｇit/config",
            "a\\b",
            "a\nb",
            "a\u{0}b",
            "a/.g\u{200d}it",
            ".git /x",
            ".git./x",
            "x\u{202e}gpj.exe",
        ] {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(1_025).parse::<RepoPath>().is_err());
    }

    #[test]
    fn names_that_windows_would_change_are_refused() {
        for bad in ["a./b", "a /b", "GITHUB~1/workflows/x", "AGENTS~1.MD", "a/x~12.js", "a:b", "con", "a/nul.txt"] {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad:?}");
        }
        for good in ["a~b", "~1", "a~", "backup~2024-01", "a~1.json", "longname~1", ".a.b/c..d"] {
            assert!(good.parse::<RepoPath>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn limits_and_reasons() {
        assert!("a".repeat(255).parse::<RepoPath>().is_ok());
        let long = |last: usize| format!("{}{}", "a/".repeat(500), "b".repeat(last)).parse::<RepoPath>();
        assert_eq!(long(24).unwrap().as_str().len(), MAX_PATH_BYTES);
        assert!(long(25).is_err());
        assert!("a".repeat(1_025).parse::<RepoPath>().unwrap_err().reason.contains("1,024"));
        let error = "a\nb".parse::<RepoPath>().unwrap_err();
        assert_eq!(error.to_string(), "`a\\nb` is not a path inside the repository: it has a control character");
        let long = format!("/{}", "x".repeat(500)).parse::<RepoPath>().unwrap_err();
        assert_eq!(long.path.len(), 200);
    }

    #[test]
    fn a_path_is_read_by_its_parts() {
        let path: RepoPath = "src/Ünit/A.rs".parse().unwrap();
        assert_eq!(path.components().collect::<Vec<_>>(), ["src", "Ünit", "A.rs"]);
        assert_eq!(path.file_name(), "A.rs");
        assert_eq!("a".parse::<RepoPath>().unwrap().file_name(), "a");
        assert_eq!(path.folded(), "src/ünit/a.rs");
        assert_eq!(format!("{path} {path:?}"), "src/Ünit/A.rs RepoPath(\"src/Ünit/A.rs\")");
        assert_eq!(serde_json::to_string(&path).unwrap(), "\"src/Ünit/A.rs\"");
        assert!(serde_json::from_str::<RepoPath>("\"../x\"").is_err());
    }

    #[test]
    fn what_some_file_system_takes_for_one_name_folds_to_one() {
        for (a, b) in [
            ("A", "a"),
            ("é", "e\u{301}"),
            ("É", "é"),
            ("ﬁle", "FILE"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ΣΑΣ", "σας"),
            ("ſ", "S"),
            ("\u{212a}", "k"),
            ("ａ", "A"),
            ("a\u{200d}b", "ab"),
            ("a\u{feff}b", "AB"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        for (a, b) in [("a", "b"), ("é", "e"), ("o", "0"), ("а", "a")] {
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn every_ignorable_character_is_refused_and_folded_away() {
        for c in [
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{180e}",
            "\u{200b}",
            "\u{202a}",
            "\u{2060}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{e0061}",
        ] {
            assert!(
                format!("a{c}b").parse::<RepoPath>().unwrap_err().reason.contains("invisible"),
                "{}",
                c.escape_unicode()
            );
            assert_eq!(fold(&format!("é{c}")), "é");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_parses_stays_inside(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<RepoPath>() {
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(path.components().all(|c| !matches!(c, "" | "." | "..") && fold(c) != ".git"));
                prop_assert_eq!(path.as_str(), &text);
            }
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn case_never_makes_a_difference(text in "\\PC{0,20}") {
            prop_assert_eq!(fold(&text.to_uppercase()), fold(&text.to_uppercase().to_lowercase().to_uppercase()));
            let ascii: String = text.chars().filter(char::is_ascii).collect();
            prop_assert_eq!(fold(&ascii.to_uppercase()), fold(&ascii));
        }

        /// The slow way: every component looked at by itself, every rule written out.
        #[test]
        fn the_guard_agrees_with_a_naive_one(parts in proptest::collection::vec("(\\.{0,2}|[a-c./\\\\ ~1]{0,4}|\\.?[gG][iI][tT]\u{200c}?)", 1..4)) {
            let text = parts.join("/");
            let naive = text.split('/').all(|c| {
                !c.is_empty() && c != "." && c != ".." && !c.contains(['\\', '\u{200c}'])
                    && !c.ends_with('.') && !c.ends_with(' ')
                    && !c.eq_ignore_ascii_case(".git") && !c.eq_ignore_ascii_case("git~1")
            });
            let short = text.split('/').any(is_short_name);
            prop_assert_eq!(text.parse::<RepoPath>().is_ok(), naive && !short, "{:?}", text);
        }
    }
}
