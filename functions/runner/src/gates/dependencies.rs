//! What setup may see of a change: the dependencies that it names, and no command of it.
//!
//! Setup reaches a package mirror, so nothing that the agent wrote may run in it. Lock files are data and are taken as
//! they are. A manifest can also name commands (`scripts`, a build backend): of it only the tables that list
//! dependencies are taken, into the base commit's file. The whole change follows after setup.

use domain::path::RepoPath;

/// Files that hold nothing but names, versions and digests.
const LOCK_FILES: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "Cargo.lock",
    "go.mod",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
];
/// Tables of `package.json`.
const NPM_TABLES: &[&str] = &[
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "overrides",
    "resolutions",
];
/// Tables of `Cargo.toml` and `pyproject.toml`.
const TOML_TABLES: &[&[&str]] = &[
    &["dependencies"],
    &["dev-dependencies"],
    &["build-dependencies"],
    &["workspace", "dependencies"],
    &["project", "dependencies"],
    &["project", "optional-dependencies"],
    &["dependency-groups"],
    &["tool", "poetry", "dependencies"],
    &["tool", "poetry", "group"],
];

/// What stands at `path` while setup runs, if the change has a part in it. `None`: what the base commit has.
pub fn before_setup(path: &RepoPath, base: Option<&[u8]>, changed: &[u8]) -> Option<Vec<u8>> {
    let name = path.file_name();
    if LOCK_FILES.contains(&name) || is_requirements(name) {
        return Some(changed.to_vec());
    }
    let base = base.and_then(|base| std::str::from_utf8(base).ok());
    let changed = std::str::from_utf8(changed).ok()?;
    match name {
        "package.json" => npm(base, changed),
        "Cargo.toml" | "pyproject.toml" => toml_tables(base?, changed),
        _ => None,
    }
}

fn is_requirements(name: &str) -> bool {
    let stem = name.strip_suffix(".txt").unwrap_or_default();
    stem.starts_with("requirements") || stem.ends_with("requirements") || stem.starts_with("constraints")
}

fn npm(base: Option<&str>, changed: &str) -> Option<Vec<u8>> {
    let serde_json::Value::Object(changed) = serde_json::from_str(changed).ok()? else { return None };
    let mut merged = match base {
        Some(base) => serde_json::from_str::<serde_json::Map<_, _>>(base).ok()?,
        // npm wants the same name and version here as in the lock file.
        None => changed.iter().filter(|(key, _)| matches!(key.as_str(), "name" | "version")).map(owned).collect(),
    };
    for table in NPM_TABLES {
        match changed.get(*table) {
            Some(value) => drop(merged.insert((*table).to_owned(), value.clone())),
            None => drop(merged.remove(*table)),
        }
    }
    serde_json::to_vec_pretty(&merged).ok()
}

fn owned((key, value): (&String, &serde_json::Value)) -> (String, serde_json::Value) {
    (key.clone(), value.clone())
}

fn toml_tables(base: &str, changed: &str) -> Option<Vec<u8>> {
    let mut merged: toml::Table = base.parse().ok()?;
    let changed: toml::Table = changed.parse().ok()?;
    for path in TOML_TABLES {
        let Some((name, above)) = path.split_last() else { continue };
        let value =
            above.iter().try_fold(&changed, |table, key| table.get(*key)?.as_table()).and_then(|t| t.get(*name));
        // A table that the base has nowhere is made; one that it has as something else is left alone.
        let target = above.iter().try_fold(&mut merged, |table, key| {
            if value.is_none() && !table.contains_key(*key) {
                return None;
            }
            table.entry(*key).or_insert_with(|| toml::Table::new().into()).as_table_mut()
        });
        let Some(target) = target else { continue };
        match value {
            Some(value) => drop(target.insert((*name).to_owned(), value.clone())),
            None => drop(target.remove(*name)),
        }
    }
    Some(merged.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, base: Option<&str>, changed: &str) -> Option<String> {
        let path = path.parse().unwrap();
        before_setup(&path, base.map(str::as_bytes), changed.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn lock_files_are_taken_whole_and_code_not_at_all() {
        for path in ["package-lock.json", "web/yarn.lock", "requirements-dev.txt", "Cargo.lock", "go.sum"] {
            assert_eq!(seen(path, Some("old"), "new").as_deref(), Some("new"), "{path}");
        }
        for path in ["setup.py", "src/main.rs", ".npmrc", "conftest.py", "build.rs", "Makefile", "requirements.py"] {
            assert_eq!(seen(path, Some("old"), "new"), None, "{path}");
        }
    }

    #[test]
    fn of_a_manifest_only_dependencies_are_taken() {
        let base =
            r#"{"name":"a","scripts":{"test":"node --test"},"dependencies":{"x":"1"},"devDependencies":{"y":"1"}}"#;
        let changed =
            r#"{"name":"a","scripts":{"test":"exit 0","preinstall":"evil"},"dependencies":{"x":"2","z":"1"}}"#;
        let merged: serde_json::Value =
            serde_json::from_str(&seen("package.json", Some(base), changed).unwrap()).unwrap();
        let expected = r#"{"name":"a","scripts":{"test":"node --test"},"dependencies":{"x":"2","z":"1"}}"#;
        assert_eq!(merged, serde_json::from_str::<serde_json::Value>(expected).unwrap());
        let created: serde_json::Value = serde_json::from_str(&seen("package.json", None, changed).unwrap()).unwrap();
        assert_eq!(created, serde_json::json!({"name": "a", "dependencies": {"x": "2", "z": "1"}}));
        assert_eq!(seen("package.json", Some(base), "not json"), None);

        let base = "[build-system]\nbuild-backend = \"setuptools\"\n[project]\nname = \"a\"\ndependencies = [\"x\"]\n";
        let changed = "[build-system]\nbuild-backend = \"evil\"\n[project]\nname = \"b\"\ndependencies = [\"x\", \"y\"]\n\
                       [dependency-groups]\ndev = [\"pytest\"]\n";
        let merged: toml::Table = seen("pyproject.toml", Some(base), changed).unwrap().parse().unwrap();
        let expected = "[build-system]\nbuild-backend = \"setuptools\"\n[project]\nname = \"a\"\n\
                        dependencies = [\"x\", \"y\"]\n[dependency-groups]\ndev = [\"pytest\"]\n";
        assert_eq!(merged, expected.parse().unwrap());
        assert_eq!(seen("pyproject.toml", None, changed), None, "a new one could name any build backend");
    }
}
