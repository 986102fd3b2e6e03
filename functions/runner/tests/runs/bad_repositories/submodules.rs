//! Submodules whose description is a command.

use super::case::{Case, Naive, file, link, script};

const UPDATE: &str = "git submodule init; git submodule update --init --recursive; git submodule status";

pub(super) fn cases() -> Vec<Case> {
    let modules = |text: &str| file(".gitmodules", format!("[submodule \"x\"]\n\tpath = x\n{text}\n"));
    let cases = vec![
        Case::new("an address that runs a command", [
            modules("\turl = ext::sh fire.sh"),
            script("fire.sh", "@FIRE@"),
        ])
        .fires_by(Naive::Command(
            "git -c protocol.ext.allow=always ls-remote \"$(git config -f .gitmodules submodule.x.url)\"",
        ))
        .probed_by(UPDATE),
        Case::new("an address that is an option", [
            modules("\turl = --upload-pack=./fire.sh"),
            script("fire.sh", "@FIRE@"),
        ])
        .fires_by(Naive::Command("git ls-remote $(git config -f .gitmodules submodule.x.url) ."))
        .probed_by(UPDATE),
        Case::new("an update that is a command", [modules("\turl = ./y\n\tupdate = !@FIRE@")]).probed_by(UPDATE),
        Case::new("a name that climbs", [file(
            ".gitmodules",
            "[submodule \"../../../../..@OUT@\"]\n\tpath = x\n\turl = @OUT@\n[submodule \"y\"]\n\tpath = -x\n\turl = -u@OUT@\n",
        )])
        .probed_by(UPDATE),
        Case::new("the description is a link", [link(".gitmodules", "@SECRET@")])
            .fires_by_command("cat .gitmodules"),
    ];
    // Gates have no history.
    cases.into_iter().map(Case::agent_only).collect()
}
