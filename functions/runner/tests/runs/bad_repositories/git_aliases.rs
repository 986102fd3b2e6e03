//! Names that some file system takes for `.git`. The harm is shown by giving them that name.

use super::case::{Case, Naive, git_folder};

const CONFIG: &str = "\tfsmonitor = \"@FIRE@; true\"\n";

fn case(name: &'static str, folder: &str, naive: &'static str) -> Case {
    Case::new(name, [])
        .and(git_folder(folder, CONFIG))
        .fires_by(Naive::Command(naive))
        .probed_by("git status")
        .agent_only()
}

pub(super) fn cases() -> Vec<Case> {
    let stands = "stands for `.git`";
    vec![
        case("in capitals", ".GIT", "mv .GIT .git; git status").refused(stands),
        case("with an invisible character", ".g\u{200c}it", "mv .g*it .git; git status").refused(stands),
        case("with a wide letter", ".\u{ff47}it", "mv .*it .git; git status").refused(stands),
        case("further down in capitals", "src/.Git", "mv src/.Git src/.git; cd src; git status").refused(stands),
        case("with a space at the end", ".git ", "mv '.git ' .git; git status"),
        case("with a dot at the end", ".git.", "mv .git. .git; git status"),
        case("as a short name", "git~1", "mv git~1 .git; git status"),
        case("as a stream", ".git::$INDEX_ALLOCATION", "mv .git::* .git; git status"),
    ]
}
