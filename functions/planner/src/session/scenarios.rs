//! Every shipped scenario's first planning, over both wire protocols: its script reads only what is there and comes
//! to an end. One of them has a first SPEC that is sent back.

use std::fs;
use std::path::{Path, PathBuf};

use domain::task::Provider;
use serde_json::Value;

use super::tests::World;
use crate::repository::tests::base;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/scenarios")
}

/// The files below a folder, as (path, content).
fn files(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push((name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()));
        }
    }
}

#[tokio::test]
async fn every_scenario_can_be_planned() {
    let mut seen = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let scenario = entry.unwrap().path();
        let Ok(script) = fs::read_to_string(scenario.join("model.jsonl")) else { continue };
        let ticket: Value = serde_json::from_slice(&fs::read(scenario.join("ticket.json")).unwrap()).unwrap();
        let mut found = Vec::new();
        files(&scenario.join("repo"), &scenario.join("repo"), &mut found);
        let found: Vec<(&str, &str)> = found.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
        for provider in [Provider::Anthropic, Provider::Openai] {
            let id = ticket["id"].as_str().unwrap();
            let mut world = World::with_script(provider, id, &script).await;
            world.base = base(&found).unwrap();
            world.ticket.title = ticket["title"].as_str().unwrap().to_owned();
            world.ticket.description = ticket["description"].as_str().unwrap().to_owned();
            let ended = world.plan().await;
            let results = world.results();
            let name = scenario.display();
            assert!(ended.answer.is_ok(), "{name}: {:?}\n{results:#?}", ended.answer);
            let wrong = results.iter().find(|text| text.starts_with("Error"));
            assert_eq!(wrong, None, "{name}");
            seen += 1;
        }
    }
    assert!(seen > 0, "there are scenarios");
}
