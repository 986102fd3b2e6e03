//! The attacks: data in `attacks/*.toml`, one file a class.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// A class of attacks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name, in a few words.
    pub class: String,
    /// What keeps them.
    pub control: String,
    /// Whether each attack is a run of its own, on a small disk: a limit may end the run before the attack has ended.
    #[serde(default)]
    pub alone: bool,
    /// Code that every script of the class begins with.
    #[serde(default)]
    pub prelude: String,
    #[serde(rename = "attack")]
    patterns: Vec<Pattern>,
}

/// One attack, or the same one on several targets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    id: String,
    /// Each takes the place of `{}`.
    #[serde(default)]
    on: Vec<String>,
    /// The same, where the machine has IPv6.
    #[serde(default)]
    on_ipv6: Vec<String>,
    script: String,
    escape: Escape,
}

/// How an attack that succeeded is known from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// The base commit's file at the target is another one, or gone.
    Changed,
    /// A change set with the target in it would be published.
    Published,
    /// A server outside of the sandbox heard the attack's id.
    Heard,
    /// A file of the attack's name is in a folder outside of the sandbox.
    Outside,
    /// The agent was told a canary: a secret, or that a limit did not hold.
    Told,
    /// A process with the attack's id in its command line outlives the run.
    Alive,
}

/// One attack, ready to be made.
#[derive(Debug, Clone)]
pub struct Attack {
    /// `class-file/id/target's number`.
    pub id: String,
    /// Its class.
    pub class: String,
    /// What keeps it.
    pub control: String,
    /// Whether it is a run of its own.
    pub alone: bool,
    /// What it is about, where that is a path.
    pub target: String,
    /// Whether it goes to an address that a machine without IPv6 does not have.
    pub needs_ipv6: bool,
    /// For `sh`. `@ID@` is a word of its own, and `@OUT@`, `@PORT@` and so on are what the surroundings have.
    pub script: String,
    /// How its success is known.
    pub escape: Escape,
}

impl Attack {
    /// A word that occurs nowhere else.
    pub fn word(&self) -> String {
        format!("rt-{}", self.id.replace('/', "-"))
    }
}

/// Reads every class of a folder.
///
/// # Errors
/// A file is not understood; it is named.
pub fn load(folder: &Path) -> Result<Vec<(Class, Vec<Attack>)>> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    files.iter().map(|file| read(file).with_context(|| file.display().to_string())).collect()
}

fn read(file: &Path) -> Result<(Class, Vec<Attack>)> {
    let class: Class = toml::from_str(&fs::read_to_string(file)?)?;
    let stem = file.file_stem().and_then(|stem| stem.to_str()).context("its name is not UTF-8")?;
    let mut attacks = Vec::new();
    for pattern in &class.patterns {
        let four = pattern.on.iter().map(|target| (target.as_str(), false));
        let mut targets: Vec<_> = four.chain(pattern.on_ipv6.iter().map(|target| (target.as_str(), true))).collect();
        ensure!(targets.len() < 2 || pattern.script.contains("{}"), "{}: its targets are not used", pattern.id);
        if targets.is_empty() {
            targets.push(("", false));
        }
        for (number, (target, needs_ipv6)) in targets.into_iter().enumerate() {
            attacks.push(Attack {
                id: format!("{stem}/{}/{}", pattern.id, number + 1),
                class: class.class.clone(),
                control: class.control.clone(),
                alone: class.alone,
                target: target.to_owned(),
                needs_ipv6,
                script: format!("{}{}", class.prelude, pattern.script.replace("{}", target)),
                escape: pattern.escape,
            });
        }
    }
    Ok((class, attacks))
}
