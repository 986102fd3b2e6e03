//! Real source files, and changes made from them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use domain::Digest;
use walkdir::WalkDir;

/// What a change of a program may touch.
const EXTENSIONS: &[&str] = &[
    "rs", "md", "toml", "json", "yml", "yaml", "txt", "js", "ts", "mjs", "py", "go", "java", "c", "h", "cc", "sh",
    "pl", "html", "css", "sql", "xml", "lock",
];
/// Larger files are rarely written by people.
const MAX_BYTES: u64 = 256 * 1024;
/// New lines of one change.
const HUNK: usize = 40;

/// A source file.
pub(crate) struct File {
    /// Its path inside the corpus.
    pub(crate) path: String,
    /// Its content, UTF-8.
    pub(crate) content: String,
}

/// A file before and after a change.
pub(crate) struct Change<'f> {
    pub(crate) path: &'f str,
    pub(crate) before: String,
    pub(crate) after: &'f str,
}

/// Every source file of the corpus, in an order that mixes packages and is the same each time.
pub(crate) fn files(folder: Option<&Path>) -> anyhow::Result<Vec<File>> {
    let folder = folder.map_or_else(registry, |folder| Ok(folder.to_owned()))?;
    let wanted = |path: &Path| path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e));
    let mut files: Vec<(Digest, File)> = WalkDir::new(&folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && wanted(entry.path()))
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() <= MAX_BYTES))
        .filter_map(|entry| {
            let content = std::fs::read_to_string(entry.path()).ok()?;
            let path = entry.path().strip_prefix(&folder).ok()?.to_str()?.to_owned();
            Some((Digest::of(&path), File { path, content }))
        })
        .collect();
    ensure!(!files.is_empty(), "{} has no source files; name a folder with --corpus", folder.display());
    files.sort_by_key(|(digest, _)| *digest);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

fn registry() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.context("there is no home folder; name a folder with --corpus")?.join("registry/src");
    ensure!(sources.is_dir(), "{} does not exist; name a folder with --corpus", sources.display());
    Ok(sources)
}

/// One change of the file: some lines of it are new. Which ones depends on the path alone.
pub(crate) fn change(file: &File) -> Change<'_> {
    let lines: Vec<&str> = file.content.split_inclusive('\n').collect();
    let seed = Digest::of(&file.path).to_string();
    let number = usize::from_str_radix(&seed[..8], 16).unwrap_or_default();
    let from = number % lines.len().max(1);
    let to = (from + HUNK).min(lines.len());
    let before = lines[..from].iter().chain(&lines[to..]).copied().collect();
    Change { path: &file.path, before, after: &file.content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_same_mixed_order_and_others_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.rs", "b.md", "c.png", "d.toml"] {
            std::fs::write(folder.path().join(name), "one\ntwo\n").unwrap();
        }
        let paths = || files(Some(folder.path())).unwrap().into_iter().map(|file| file.path).collect::<Vec<_>>();
        let mut sorted = paths();
        assert_eq!(paths(), sorted);
        sorted.sort();
        assert_eq!(sorted, ["a.rs", "b.md", "d.toml"]);
        assert!(files(Some(&folder.path().join("none"))).is_err());
    }

    #[test]
    fn a_change_adds_lines_of_the_file() {
        let content = (0..200).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
        let file = File { path: "x.rs".to_owned(), content };
        let Change { before, after, .. } = change(&file);
        let added = after.lines().count() - before.lines().count();
        assert!((1..=HUNK).contains(&added), "{added}");
        assert!(before.lines().all(|line| after.contains(line)));
    }
}
