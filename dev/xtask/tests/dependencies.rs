//! The dependency rules of ARCHITECTURE.md, as facts about `cargo metadata`. Tests and build scripts may use more.

#![expect(clippy::unwrap_used, reason = "a test, also in its helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};

/// What does I/O: none of it is below `domain`.
const OUTSIDE_WORLD: &[&str] =
    &["tokio", "reqwest", "hyper", "axum", "octocrab", "aws-config", "aws-smithy-runtime", "mio"];

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).exec().unwrap()
}

/// The folder below the workspace's root: `functions/webhook`.
fn place(metadata: &Metadata, package: &Package) -> (String, String) {
    let folder = package.manifest_path.parent().unwrap().strip_prefix(&metadata.workspace_root).unwrap();
    let (area, name) = folder.as_str().split_once('/').unwrap();
    (area.to_owned(), name.to_owned())
}

/// Each of our packages with its folder and what of ours it is built from.
fn ours(metadata: &Metadata) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let packages = metadata.workspace_packages();
    packages
        .iter()
        .map(|package| {
            let used = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal && dependency.path.is_some())
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), (place(metadata, package).0, used))
        })
        .collect()
}

#[test]
fn the_domain_depends_on_nothing_of_ours_and_reaches_nothing_outside() {
    let metadata = metadata();
    assert_eq!(ours(&metadata)["domain"].1, BTreeSet::new());
    let domain = metadata.packages.iter().find(|package| package.name.as_str() == "domain").unwrap();
    let nodes: BTreeMap<&PackageId, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut left = vec![&domain.id];
    while let Some(id) = left.pop() {
        if seen.insert(id) {
            let normal = |kind: &cargo_metadata::DepKindInfo| kind.kind == DependencyKind::Normal;
            left.extend(nodes[id].deps.iter().filter(|dep| dep.dep_kinds.iter().any(normal)).map(|dep| &dep.pkg));
        }
    }
    let below: BTreeSet<&str> = seen.iter().map(|id| metadata[id].name.as_str()).collect();
    assert!(below.contains("serde"), "the walk found nothing");
    let found: Vec<_> = below.iter().filter(|name| OUTSIDE_WORLD.contains(name) || name.starts_with("aws-")).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn adapters_know_the_domain_and_not_each_other() {
    for (name, (_, used)) in ours(&metadata()).iter().filter(|(_, (area, _))| area == "shared") {
        let others: Vec<_> = used.iter().filter(|other| *other != "domain").collect();
        assert!(others.is_empty(), "{name} uses {others:?}");
    }
}

#[test]
fn functions_use_shared_libraries_only() {
    let packages = ours(&metadata());
    for (name, (_, used)) in packages.iter().filter(|(_, (area, _))| area == "functions") {
        for other in used {
            assert_eq!(packages[other].0, "shared", "{name} uses {other}");
        }
    }
}

#[test]
fn the_edge_and_the_sandbox_lack_what_they_must_not_reach() {
    let packages = ours(&metadata());
    for (name, absent) in [
        ("webhook", &["store", "github", "models"][..]),
        ("runner", &["store", "github", "tickets"]),
        ("router", &["store", "github", "models", "tickets"]),
        ("anchor", &["github", "models", "tickets"]),
        ("notifier", &["github", "models"]),
        ("approvals", &["github", "models", "tickets"]),
        ("publisher", &["models", "tickets"]),
        ("planner", &["tickets"]),
    ] {
        let found: Vec<_> = absent.iter().filter(|other| packages[name].1.contains(**other)).collect();
        assert!(found.is_empty(), "{name} uses {found:?}");
    }
}

#[test]
fn folder_package_and_program_have_one_name() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let (area, folder) = place(&metadata, package);
        assert_eq!(package.name.as_str(), folder);
        let programs: Vec<&str> = package
            .targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Bin))
            .map(|target| target.name.as_str())
            .collect();
        if area == "functions" {
            assert_eq!(programs, [folder.as_str()]);
        }
    }
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let manifest = std::fs::read_to_string(Path::new(package.manifest_path.as_str())).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}", package.name);
    }
}

/// `unsafe_code` is denied everywhere; a module that expects it nevertheless is named here.
#[test]
fn unsafe_code_stands_in_one_module() {
    let root = metadata().workspace_root;
    let mut found = Vec::new();
    for area in ["functions", "shared", "dev"] {
        for entry in walkdir::WalkDir::new(root.join(area))
            .into_iter()
            .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | "target" | "scenarios")))
        {
            let entry = entry.unwrap();
            if entry.path().extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let lifts =
                    ["expect(unsafe", "allow(unsafe"].iter().any(|lift| text.replace(['\n', ' '], "").contains(lift));
                if lifts && !entry.path().ends_with("dev/xtask/tests/dependencies.rs") {
                    found.push(entry.path().strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
    }
    assert_eq!(found, ["shared/isolation/src/sys.rs"]);
}
