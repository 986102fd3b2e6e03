//! Paths, which of them are one, and which are protected. Input: a path.

use domain::path::{RepoPath, fold};

use crate::oracle::path as oracle;

/// Compares the guard with the oracle.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let folded = fold(&text);
    assert_eq!(folded, oracle::fold(&text), "folding of {text:?}");
    assert_eq!(fold(&folded), folded, "folding {text:?} again");

    let path = text.parse::<RepoPath>();
    assert_eq!(path.is_ok(), oracle::is_repo_path(&text), "{text:?}: {path:?}");
    let Ok(path) = path else { return };
    assert_eq!(path.as_str(), text);
    if oracle::is_surely_protected(&text) {
        assert!(path.protection().is_some(), "{text:?} is not protected");
    }
}
