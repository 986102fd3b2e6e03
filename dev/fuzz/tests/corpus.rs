//! Every kept input once more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}

#[test]
fn kept_inputs_are_judged_as_by_the_oracle() {
    for (name, run) in fuzz::TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpus().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 20, "{name} has {} inputs", inputs.len());
        for input in inputs {
            let content = fs::read(&input).unwrap();
            let done = std::panic::catch_unwind(|| run(&content));
            assert!(done.is_ok(), "{}", input.display());
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_a_program() {
    let names: BTreeSet<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let in_folder = |folder: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(in_folder(corpus()), names);
    assert_eq!(in_folder(&corpus().parent().unwrap().join("libfuzzer/src/bin")), names);
}
