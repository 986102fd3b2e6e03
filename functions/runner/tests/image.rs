//! What the image's description says must be so. The image itself is not built by tests.

#![expect(clippy::unwrap_used, reason = "a test, also in its helpers")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The instructions of the Dockerfile, continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(top().join("functions/runner/Dockerfile")).unwrap().replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

/// Whether a file reaches the build, by the list of what does.
fn is_sent(path: &str) -> bool {
    let list = fs::read_to_string(top().join(".dockerignore")).unwrap();
    let mut rules = list.lines();
    assert_eq!(rules.next(), Some("*"), "nothing is sent but what is listed");
    let (kept, left_out): (Vec<&str>, Vec<&str>) = rules.partition(|rule| rule.starts_with('!'));
    kept.iter().any(|rule| Path::new(path).starts_with(&rule[1..]))
        && !left_out.iter().any(|rule| path.split('/').any(|name| *rule == format!("**/{name}")))
}

#[test]
fn every_copied_file_is_there_and_reaches_the_build() {
    let mut copied = 0;
    for (name, rest) in instructions() {
        let words: Vec<&str> = rest.split_whitespace().collect();
        if name != "COPY" || words[0].starts_with("--from=") || words[0] == "." {
            continue;
        }
        for file in &words[..words.len() - 1] {
            assert!(top().join(file).is_file() && is_sent(file), "{file}");
            copied += 1;
        }
    }
    assert_eq!(copied, 2);
}

/// Building one program of a workspace reads the manifests of all.
#[test]
fn the_whole_workspace_reaches_the_build() {
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "functions/runner/src/main.rs"] {
        assert!(top().join(file).is_file() && is_sent(file), "{file}");
    }
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(top().join("Cargo.toml")).unwrap()).unwrap();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        assert!(is_sent(member.as_str().unwrap()), "{member}");
    }
    assert!(!is_sent("functions/runner/pi/node_modules/x") && !is_sent("target/release") && !is_sent(".git/config"));
}

#[test]
fn base_images_have_a_digest_or_the_build_ends() {
    let all = instructions();
    let bases: BTreeSet<String> = all
        .iter()
        .filter_map(|(name, rest)| if name == "FROM" { rest.split_whitespace().next() } else { None })
        .filter_map(|image| Some(image.strip_prefix("${")?.strip_suffix('}')?.to_owned()))
        .collect();
    assert_eq!(bases.iter().map(String::as_str).collect::<Vec<_>>(), ["NODE_IMAGE", "RUST_IMAGE"]);
    let stages: BTreeSet<&str> = all
        .iter()
        .filter(|(name, _)| name == "FROM")
        .filter_map(|(_, rest)| rest.split_once(" AS "))
        .map(|(_, name)| name)
        .collect();
    for (_, rest) in all.iter().filter(|(name, _)| name == "FROM") {
        let image = rest.split_whitespace().next().unwrap();
        assert!(image.starts_with("${") || stages.contains(image), "{image} is neither pinned nor built here");
    }
    for base in bases {
        let check =
            all.iter().find(|(name, rest)| name == "RUN" && rest.contains(&format!("case \"${base}\""))).unwrap();
        let runs = |image: &str| {
            std::process::Command::new("sh").args(["-c", &check.1]).env(&base, image).output().unwrap().status.success()
        };
        assert!(runs("node:24@sha256:00") && !runs("node:24") && !runs(""), "{base}");
    }
}

#[test]
fn programs_have_the_versions_that_are_asked_for() {
    let all = instructions();
    let tag = |name: &str| {
        let default = all.iter().find_map(|(_, rest)| rest.strip_prefix(&format!("{name}=")));
        default.unwrap().split_once(':').unwrap().1.to_owned()
    };
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(top().join("Cargo.toml")).unwrap()).unwrap();
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(tag("RUST_IMAGE").starts_with(&format!("{rust}-")), "{rust}");
    let package: serde_json::Value =
        serde_json::from_slice(&fs::read(top().join("functions/runner/pi/package.json")).unwrap()).unwrap();
    let oldest: u32 = package["engines"]["node"]
        .as_str()
        .unwrap()
        .trim_start_matches(">=")
        .split('.')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(tag("NODE_IMAGE").split('-').next().unwrap().parse::<u32>().unwrap() >= oldest);
}

#[test]
fn nobody_is_root_unless_the_template_asks() {
    let all = instructions();
    let users: Vec<&str> = all.iter().filter(|(name, _)| name == "USER").map(|(_, user)| user.as_str()).collect();
    assert_eq!(users, ["agent", "root", "agent"]);
    let last = all.iter().rposition(|(name, _)| name == "FROM").unwrap();
    assert_eq!((all[last].1.as_str(), all.len()), ("slim", last + 1), "where no target is named, it is the small one");
    let identity = format!("--uid {0} --gid {0} ", runner::program::SANDBOX_USER.uid);
    assert!(all.iter().any(|(_, rest)| rest.contains(&identity)), "the sandbox's user has a name");
    let template = fs::read_to_string(top().join("template.yaml")).unwrap();
    assert_eq!(
        template.matches("          User: \"0\"\n").count(),
        template.matches("Image: !Ref RunnerImage").count()
    );
}
