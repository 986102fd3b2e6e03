//! Whether an installation is the one its lock file describes.
//!
//! An installation that ran to its end leaves a stamp: a digest over the lock file and
//! everything else that decides the result. One that was interrupted, or that was made from
//! another lock file, machine or place, has no such stamp.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::component::Component;

/// Raised when the way of installing changes without a change of any lock file.
const RECIPE: &str = "1";

fn path(component: Component, root: &Path) -> PathBuf {
    component.folder(root).join(".stamp")
}

/// The stamp that a complete installation of `component` would carry now.
pub(crate) fn expected(component: Component, root: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let place = component.folder(root);
    for part in [
        RECIPE.as_bytes(),
        std::env::consts::OS.as_bytes(),
        std::env::consts::ARCH.as_bytes(),
        // Scripts of a virtual environment name their interpreter by its full path.
        place.as_os_str().as_encoded_bytes(),
    ] {
        hash.update(part);
        hash.update([0]);
    }
    for input in component.inputs() {
        hash.update(std::fs::read(root.join(input))?);
        hash.update([0]);
    }
    Ok(hex::encode(hash.finalize()))
}

/// Whether what is installed is complete and current.
pub(crate) fn is_current(component: Component, root: &Path) -> io::Result<bool> {
    let expected = expected(component, root)?;
    let found = match std::fs::read_to_string(path(component, root)) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    // `exists` follows links: an interpreter that was since removed does not count.
    Ok(found == expected && component.witness(root).exists())
}

/// Marks the installation complete.
pub(crate) fn write(component: Component, root: &Path) -> io::Result<()> {
    std::fs::write(path(component, root), expected(component, root)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for input in Component::Pi.inputs() {
            let input = root.path().join(input);
            fs::create_dir_all(input.parent().unwrap()).unwrap();
            fs::write(input, "{}").unwrap();
        }
        let witness = Component::Pi.witness(root.path());
        fs::create_dir_all(witness.parent().unwrap()).unwrap();
        fs::write(witness, "").unwrap();
        root
    }

    #[test]
    fn a_complete_installation_is_current() {
        let root = workspace();
        assert!(!is_current(Component::Pi, root.path()).unwrap());
        write(Component::Pi, root.path()).unwrap();
        assert!(is_current(Component::Pi, root.path()).unwrap());
    }

    #[test]
    fn a_changed_lock_file_or_a_lost_program_is_not() {
        let root = workspace();
        write(Component::Pi, root.path()).unwrap();
        fs::remove_file(Component::Pi.witness(root.path())).unwrap();
        assert!(!is_current(Component::Pi, root.path()).unwrap());

        let root = workspace();
        write(Component::Pi, root.path()).unwrap();
        fs::write(root.path().join(Component::Pi.inputs()[1]), "{ }").unwrap();
        assert!(!is_current(Component::Pi, root.path()).unwrap());
    }

    #[test]
    fn a_missing_lock_file_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let error = is_current(Component::Engine, root.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
