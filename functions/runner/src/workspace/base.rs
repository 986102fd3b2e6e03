//! What the tree was at the base commit, and what its ignore rules cover.

use std::collections::BTreeMap;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::stamp::{Stamp, Stamps};

/// Every path of the base tree except folders, by its path from the root.
#[derive(Debug, Clone, Default)]
pub struct BaseTree {
    entries: BTreeMap<String, BaseEntry>,
    ignore: BTreeMap<Utf8PathBuf, Gitignore>,
    stamps: Stamps,
}

/// What a path was at the base commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseEntry {
    /// A regular file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Size in bytes.
        size: u64,
        /// Digest of its content.
        digest: Digest,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as stored.
        target: String,
        /// Links that lead outside are left out of the workspace.
        unpacked: bool,
    },
}

impl BaseTree {
    /// A tree with these entries and these `.gitignore` files (path, content).
    pub fn new(entries: BTreeMap<String, BaseEntry>, ignore_files: &BTreeMap<String, Vec<u8>>) -> Self {
        let ignore = ignore_files
            .iter()
            .map(|(path, content)| {
                let folder = Utf8Path::new(path).parent().unwrap_or(Utf8Path::new("")).to_owned();
                let rules = parse_ignore(&folder, content);
                (folder, rules)
            })
            .collect();
        Self { entries, ignore, stamps: Stamps::default() }
    }

    /// This tree with the stamps of its files on disk.
    #[must_use]
    pub fn with_stamps(self, stamps: Stamps) -> Self {
        Self { stamps, ..self }
    }

    /// Whether the file at this path is surely what it was, by its stamp. If not, it may be so nevertheless.
    pub fn is_untouched(&self, path: &str, now: &Stamp) -> bool {
        self.stamps.vouch(path, now)
    }

    /// The entry of a path.
    pub fn get(&self, path: &str) -> Option<&BaseEntry> {
        self.entries.get(path)
    }

    /// Every path and entry, in path order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BaseEntry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether anything lies below this folder.
    pub fn has_below(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.entries.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// Whether the base commit's ignore rules cover this path itself. A path below a covered folder is covered too,
    /// which is for the caller to know: it meets the folder first.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for folder in Utf8Path::new(path).ancestors().skip(1) {
            let Some(rules) = self.ignore.get(folder) else { continue };
            let within = Utf8Path::new(path).strip_prefix(folder).unwrap_or(Utf8Path::new(path));
            match rules.matched(Path::new(within.as_str()), is_folder) {
                Match::None => {}
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
            }
        }
        false
    }
}

/// Lines that are not UTF-8 or not a pattern are passed over, as Git does.
fn parse_ignore(folder: &Utf8Path, content: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in content.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        if let Err(error) = builder.add_line(None, line.strip_suffix('\r').unwrap_or(line)) {
            tracing::debug!(%folder, %error, "a line of .gitignore is not a pattern");
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> BaseTree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        BaseTree::new(BTreeMap::new(), &files)
    }

    #[test]
    fn the_deepest_rule_wins() {
        let tree = tree(&[(".gitignore", "*.log\n/build/\r\n!keep.log\n"), ("sub/.gitignore", "!*.log\nonly-here\n")]);
        assert!(tree.ignores("a.log", false));
        assert!(tree.ignores("deep/er/a.log", false));
        assert!(!tree.ignores("keep.log", false));
        assert!(!tree.ignores("sub/a.log", false));
        assert!(tree.ignores("build", true));
        assert!(!tree.ignores("build", false), "the rule is for folders");
        assert!(!tree.ignores("other/build", true), "the rule is anchored");
        assert!(tree.ignores("sub/only-here", false));
        assert!(!tree.ignores("only-here", false));
    }

    #[test]
    fn bad_lines_are_passed_over() {
        assert!(tree(&[(".gitignore", "[z-a\n\n# x\n*.tmp")]).ignores("x.tmp", false));
    }
}
