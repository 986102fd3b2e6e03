//! Formatting helpers exist once. Copies drift apart: FL-103 began with one that lost a minus sign.

use std::{collections::BTreeMap, fs, path::Path};

/// Names of the free functions of every source file, by function.
fn functions() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            if let Some(rest) = line.strip_prefix("fn ") {
                let name = rest.split(['(', '<']).next().unwrap().to_owned();
                found.entry(name).or_default().push(file.clone());
            }
        }
    }
    found
}

#[test]
fn each_formatting_helper_is_written_once() {
    let functions = functions();
    for helper in ["format_cents", "truncate", "columns"] {
        let files = functions.get(helper).map_or(&[][..], Vec::as_slice);
        assert_eq!(files.len(), 1, "`{helper}` is in {files:?}");
    }
}

#[test]
fn every_document_still_has_its_render() {
    assert_eq!(functions()["render"].len(), 5);
}
