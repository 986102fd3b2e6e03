//! Hooks that a tree brings along for whoever switches them on.

use super::case::{Case, Naive, file, script};

const COMMIT: &str = "git commit -q --allow-empty -m x; git checkout -q -b other; git gc -q";
const IDENTITY: &str = "[user]\n\tname = x\n\temail = x@y\n";

pub(super) fn cases() -> Vec<Case> {
    let cases = vec![
        Case::new(".githooks", [script(".githooks/post-commit", "@FIRE@"), script(".githooks/post-checkout", "@FIRE@")])
            .fires_by(Naive::Command(
                "git init -q; git -c core.hooksPath=.githooks -c user.name=x -c user.email=x@y commit -q --allow-empty -m x",
            ))
            .probed_by(COMMIT),
        Case::new(".husky", [
            script(".husky/_/post-commit", "@FIRE@"),
            script(".husky/post-commit", "@FIRE@"),
            file("package.json", r#"{"name":"x","scripts":{"prepare":"git config core.hooksPath .husky/_"}}"#),
        ])
        .fires_by(Naive::Command(
            "git init -q; npm run --silent prepare; git -c user.name=x -c user.email=x@y commit -q --allow-empty -m x",
        ))
        .probed_by(COMMIT),
        Case::new("lefthook and pre-commit", [
            file("lefthook.yml", "post-commit:\n  commands:\n    x:\n      run: \"@FIRE@\"\n"),
            file(".pre-commit-config.yaml", "repos:\n- repo: local\n  hooks:\n  - {id: x, name: x, entry: sh -c '@FIRE@', language: system}\n"),
        ])
        .probed_by(COMMIT),
        Case::new("a template for new repositories", [
            script("template/hooks/post-commit", "@FIRE@"),
            file(".config/git/config", format!("[init]\n\ttemplateDir = template\n{IDENTITY}")),
        ])
        .fires_by(Naive::Command("export XDG_CONFIG_HOME=.config; git init -q; git commit -q --allow-empty -m x"))
        .probed_by(COMMIT),
    ];
    // Gates have no history.
    cases.into_iter().map(Case::agent_only).collect()
}
