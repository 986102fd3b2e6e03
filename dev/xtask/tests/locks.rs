//! The fuzzers are a workspace of their own with a lock of their own: made by `cargo xtask lock`, it must name the versions
//! that ship.

use std::collections::BTreeSet;
use std::path::Path;

#[expect(clippy::unwrap_used, reason = "what fails here fails a test")]
fn versions(lock: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(lock);
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let text = |package: &toml::Value, field: &str| package[field].as_str().unwrap().to_owned();
    let packages = table["package"].as_array().unwrap();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

#[test]
fn the_fuzzers_are_built_of_the_versions_that_ship() {
    let shipped = versions("Cargo.lock");
    let names: BTreeSet<&String> = shipped.iter().map(|(name, _)| name).collect();
    let fuzzers = versions("dev/fuzz/libfuzzer/Cargo.lock");
    let other: Vec<_> =
        fuzzers.iter().filter(|package| names.contains(&package.0) && !shipped.contains(*package)).collect();
    assert!(other.is_empty(), "run `cargo xtask lock`: {other:?}");
    assert!(fuzzers.iter().filter(|package| shipped.contains(*package)).count() > 20);
}
