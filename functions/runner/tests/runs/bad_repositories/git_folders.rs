//! Configuration of Git that comes with the tree.

use super::case::{Case, Entry, Naive, file, git_folder, script};

const STANDS_FOR_GIT: &str = "stands for `.git`";

fn with_git(config: &str) -> Vec<Entry> {
    git_folder(".git", config)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("fsmonitor in .git/config", [])
            .and(with_git("\tfsmonitor = \"@FIRE@; true\"\n"))
            .fires_by_command("git status")
            .refused(STANDS_FOR_GIT),
        Case::new("a clean filter in .git/config", [file(".gitattributes", "* filter=x\n")])
            .and(with_git("[filter \"x\"]\n\tclean = \"@FIRE@; cat\"\n"))
            .fires_by_command("git add -A")
            .refused(STANDS_FOR_GIT),
        Case::new("a hook in .git/hooks", [script(".git/hooks/post-commit", "@FIRE@")])
            .and(with_git("[user]\n\tname = x\n\temail = x@y\n"))
            .fires_by_command("git commit -q --allow-empty -m x")
            .refused(STANDS_FOR_GIT),
        Case::new("hooks from a folder of the tree", [script("tools/hooks/post-commit", "@FIRE@")])
            .and(with_git("\thooksPath = tools/hooks\n[user]\n\tname = x\n\temail = x@y\n"))
            .fires_by_command("git commit -q --allow-empty -m x")
            .refused(STANDS_FOR_GIT),
        Case::new("an alias and a pager in .git/config", [])
            .and(with_git("\tpager = \"@FIRE@\"\n[alias]\n\tst = \"!@FIRE@\"\n"))
            .fires_by_command("git st")
            .refused(STANDS_FOR_GIT),
        Case::new(".git is a file that points into the tree", [file(".git", "gitdir: docs/repository\n")])
            .and(git_folder("docs/repository", "\tfsmonitor = \"@FIRE@; true\"\n"))
            .fires_by_command("git status")
            .refused(STANDS_FOR_GIT),
        Case::new("a .git folder further down", [file("src/vendor/x.txt", "x")])
            .and(git_folder("src/vendor/.git", "\tfsmonitor = \"@FIRE@; true\"\n"))
            .fires_by_command("cd src/vendor && git status")
            .refused(STANDS_FOR_GIT),
        Case::new("a bare repository among the fixtures", [])
            .and(git_folder("tests/bare", "\tbare = false\n\tworktree = ../..\n\tfsmonitor = \"@FIRE@; true\"\n"))
            .fires_by_command("cd tests/bare && git status")
            .gates_obey(),
        Case::new("the root is a bare repository itself", [])
            .and(git_folder(".", "\tbare = false\n\tworktree = .\n\tfsmonitor = \"@FIRE@; true\"\n"))
            .fires_by_command("git status")
            .gates_obey(),
        Case::new("a .gitconfig in the tree", [file(".gitconfig", "[core]\n\tfsmonitor = \"@FIRE@; true\"\n")])
            .fires_by(Naive::Command("git init -q && HOME=. git status"))
            .probed_by("git status"),
    ]
}
