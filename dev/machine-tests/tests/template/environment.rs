//! Functions read the variables that the template sets, and the template sets none that nobody reads.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use walkdir::WalkDir;

use crate::template;

/// Read by the logging library and not by a function's own configuration.
const COMMON: &str = "RUST_LOG";

/// The names that a crate's configuration reads, outside tests: first arguments of the functions of `runtime::env`,
/// and whatever looks like such a name in a file that has a `from_env`.
fn read_by(folder: &Path) -> BTreeSet<String> {
    let call = Regex::new(r#"(?:required|parsed|parsed_or|optional|list|json)(?:::<[^>]+>+)?\(\s*"([A-Z][A-Z0-9_]+)""#);
    let name = Regex::new(r#""([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""#).unwrap();
    let call = call.unwrap();
    let mut names = BTreeSet::new();
    for entry in WalkDir::new(folder.join("src")) {
        let entry = entry.unwrap();
        let path = entry.path();
        let is_test = path.file_name().unwrap().to_string_lossy().contains("test");
        if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            let text = std::fs::read_to_string(path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            names.extend(call.captures_iter(text).map(|found| found[1].to_owned()));
            if text.contains("fn from_env") {
                names.extend(name.captures_iter(text).map(|found| found[1].to_owned()));
            }
        }
    }
    names
}

#[test]
fn the_sets_agree() {
    let template = template();
    let mut differences = Vec::new();
    let folders: BTreeSet<String> = template
        .resources("AWS::Serverless::Function")
        .map(|(_, function)| function["Properties"]["CodeUri"].as_str().unwrap().to_owned())
        .collect();
    for folder in folders {
        // A program that is deployed twice may read in one place what it is not given in the other.
        let given: BTreeSet<String> = template
            .resources("AWS::Serverless::Function")
            .filter(|(_, function)| function["Properties"]["CodeUri"] == folder.as_str())
            .flat_map(|(_, function)| function["Properties"]["Environment"]["Variables"].as_object().unwrap().keys())
            .cloned()
            .collect();
        let mut read = read_by(&machine_tests::root().join(&folder));
        read.remove(COMMON);
        if given != read {
            let unset: Vec<_> = read.difference(&given).collect();
            let unread: Vec<_> = given.difference(&read).collect();
            differences
                .push(format!("{folder}: reads but is not given {unset:?}; is given but does not read {unread:?}"));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}
