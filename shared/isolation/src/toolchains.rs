//! Which folders hold the programs that a command may use, besides the system's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::policy::SYSTEM;

/// The folders to be shown for a search path: its entries, and the installations that they belong to.
///
/// `home` is the supervisor's own: of a folder such as `~/.cargo` or `~/.local`, where credentials lie beside programs,
/// only the entry itself is shown.
pub fn of_search_path(search_path: &str, home: Option<&Path>) -> BTreeSet<PathBuf> {
    let mut shown = BTreeSet::new();
    for entry in std::env::split_paths(search_path).filter(|entry| entry.is_absolute()) {
        let Ok(folder) = entry.canonicalize() else { continue };
        if is_system(&folder) {
            continue;
        }
        // A program may be a link to an installation elsewhere.
        for program in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if program.file_type().is_ok_and(|kind| kind.is_symlink())
                && let Ok(target) = program.path().canonicalize()
                && let Some(folder) = target.parent()
                && !is_system(folder)
            {
                show(folder, home, &mut shown);
            }
        }
        show(&folder, home, &mut shown);
        // Links are found by the name in the search path too.
        if entry != folder {
            shown.insert(entry);
        }
    }
    shown
}

fn show(folder: &Path, home: Option<&Path>, shown: &mut BTreeSet<PathBuf>) {
    shown.insert(folder.to_owned());
    let installation = folder.parent().filter(|_| folder.ends_with("bin"));
    shown.extend(installation.filter(|path| is_installation(path, home)).map(Path::to_owned));
}

fn is_installation(path: &Path, home: Option<&Path>) -> bool {
    let holds_all = path.parent().is_none() || home.is_some_and(|home| home.starts_with(path));
    let is_settings = home.is_some_and(|home| {
        path.parent() == Some(home) && path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    });
    !holds_all && !is_settings
}

fn is_system(path: &Path) -> bool {
    SYSTEM.iter().any(|system| path.starts_with(system))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn installations_are_shown_and_settings_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("home");
        for path in [".cargo/bin", ".nvm/v24/bin", ".nvm/v24/lib", ".local/bin", ".local/share/uv/bin"] {
            fs::create_dir_all(home.join(path)).unwrap();
        }
        fs::write(home.join(".local/share/uv/bin/tool"), "").unwrap();
        symlink("../share/uv/bin/tool", home.join(".local/bin/tool")).unwrap();
        let entries = [".cargo/bin", ".nvm/v24/bin", ".local/bin", "nowhere"].map(|path| home.join(path));
        let mut path = std::env::join_paths(&entries).unwrap().into_string().unwrap();
        path.push_str(":/usr/bin:relative");
        let shown: Vec<_> = of_search_path(&path, Some(&home))
            .iter()
            .map(|path| path.strip_prefix(&home).unwrap().display().to_string())
            .collect();
        assert_eq!(
            shown,
            [".cargo/bin", ".local/bin", ".local/share/uv", ".local/share/uv/bin", ".nvm/v24", ".nvm/v24/bin"]
        );
    }
}
