//! Entries that lie about where they belong.

use super::case::{Case, Naive, extended, file, folder, link};

pub(super) fn cases() -> Vec<Case> {
    let outside = "it leads outside";
    vec![
        Case::new("a path that climbs", [file("src/../../fired", "x")])
            .fires_by(Naive::Command("test -e ../fired && echo @WORD@"))
            .refused(outside),
        Case::new("a path from the root", [file("@OUT@/fired", "x")]).fires_by(Naive::Unpacking).refused(outside),
        Case::new("a folder from the root", [folder("@OUT@/fired")]).fires_by(Naive::Unpacking).refused(outside),
        Case::new("a path that the extended format changes", [extended("path", "../../@OUT@/fired"), file("ok", "x")])
            .refused(outside),
        Case::new("a target that the extended format changes", [extended("linkpath", "@SECRET@"), link("doc", "src")])
            .probed_by("cat doc"),
        Case::new("a size that the extended format changes", [extended("size", "99999999999999"), file("ok", "x")])
            .refused("over the limit"),
        Case::new("a path twice", [file("x", "good"), file("./x", "bad")]).refused("`x`"),
        Case::new("a file in a file", [file("x", "good"), file("x/y", "bad")]).refused("`x/y`"),
        Case::new("the root as a file", [file("./", "x")]),
        Case::new("a name with a zero in it", [extended("path", "src/b\0.txt"), file("ok", "x")]).refused("src/b"),
    ]
}
