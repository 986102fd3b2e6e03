//! What a repository protects by patterns. Input: a path, and after a byte `ff` a pattern. Compiling one takes much longer
//! than all else, which is why the paths alone are a target too.

use domain::path::{ProtectedPaths, Protection, RepoPath, fold};

use crate::oracle::glob;

/// Compares the rules with trying everything.
pub fn run(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == 0xff) else { return };
    let Ok(path) = String::from_utf8_lossy(&input[..end]).parse() else { return };
    covers(&String::from_utf8_lossy(&input[end + 1..]), &path);
}

fn covers(pattern: &str, path: &RepoPath) {
    let Ok(rules) = ProtectedPaths::try_from(vec![pattern.to_owned()]) else { return };
    let found = rules.protection(path);
    assert!(found.is_some() || path.protection().is_none(), "a pattern lifted a protection");
    let (pattern, folded) = (fold(pattern), path.folded());
    // A letter that folds to `/` makes another path of it, and one that folds to `*` another pattern.
    let same_parts = folded.matches('/').count() == path.as_str().matches('/').count();
    if path.protection().is_none()
        && same_parts
        && let Some(expected) = glob::covers(&pattern, &folded)
    {
        assert_eq!(found, expected.then_some(Protection::Repository), "{pattern:?} and {folded:?}");
    }
}
