//! Too many, too deep, too long, too large.

use super::case::{Case, claimed, file, remarks};

pub(super) fn cases() -> Vec<Case> {
    let deep = |folders: usize| format!("{}end", "d/".repeat(folders));
    let pattern = |n: usize| format!("**/[a-z]*{n}*?x{{a,b}}*/**/y*z{n}\n");
    vec![
        Case::new("a file that says it has 5 GiB", [claimed("big", 5 << 30)]).refused("over the limit"),
        Case::new("a file that ends too early", [claimed("big", 1 << 20)]).refused("could not be unpacked"),
        Case::new("more entries than allowed", [remarks(200_001)]).refused("over the limit").agent_only(),
        Case::new("hundreds of files", []).and((0..500).map(|n| file(format!("many/{}/{n}", n % 50), "x"))),
        Case::new("five hundred folders in one another", [file(deep(500), "x")]),
        Case::new("a path without end", [file(deep(1_500), "x")]).refused("longer than 1,024 bytes"),
        Case::new("the longest name", [file("n".repeat(255), "x")]),
        Case::new("a name that is too long", [file("n".repeat(300), "x")]).refused("could not be written"),
        Case::new("a large file that is not touched", [file("big", vec![b'x'; 3 << 20])]),
        Case::new(
            "ignore rules that take long",
            [
                file(".gitignore", (0..1_000).map(pattern).collect::<String>()),
                file("src/.gitignore", "!".repeat(100_000)),
            ],
        ),
        Case::new("ignore rules for everything", [file(".gitignore", "*\n!*/\n.*\n/src\n")]),
    ]
}
