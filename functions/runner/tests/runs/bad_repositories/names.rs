//! Names that are commands, options, or not what they look like.

use super::case::{Case, Naive, file, script};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "names that a shell runs",
            [file("$(touch fired)", "x"), file("`touch fired`", "x"), file("a;touch fired", "x")],
        )
        .fires_by(Naive::Command("for name in *fired*; do eval \"cat $name\"; done")),
        Case::new(
            "names that are options",
            [
                file("--checkpoint=1", ""),
                file("--checkpoint-action=exec=sh fire.sh", ""),
                file("-v", ""),
                script("fire.sh", "@FIRE@"),
            ],
        )
        .fires_by(Naive::Command("tar cf /dev/null *")),
        Case::new(
            "names with control characters",
            [
                file("a\nb", "x"),
                file("c\r\nX-Header: y", "x"),
                file("\u{1b}]0;title\u{7}\u{1b}[2J", "x"),
                file("tab\tand \"quotes\" and \\", "x"),
            ],
        ),
        Case::new("a name that is not UTF-8", [file(b"caf\xe9.txt", "x")]).refused("its name is not UTF-8"),
        Case::new(
            "names that look like others",
            [file("src/\u{202e}txt.a", "x"), file("src/a.txt\u{200b}", "x"), file("src/\u{430}.txt", "x")],
        ),
        Case::new(
            "names that are one elsewhere",
            [file("src/caf\u{e9}", "x"), file("src/cafe\u{301}", "y"), file("SRC/A.TXT", "x"), file("src/A.txt", "x")],
        ),
        Case::new(
            "names that mean something elsewhere",
            [
                file("con", "x"),
                file("aux.txt", "x"),
                file("C:\\windows\\x", "x"),
                file("src/..\\..\\x", "x"),
                file("~/x", "x"),
                file("a:b", "x"),
                file("...", "x"),
            ],
        ),
    ]
}
