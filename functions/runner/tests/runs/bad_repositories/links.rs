//! Links that lead out, round in circles, or to where something is written.

use domain::verify::ViolationKind;

use super::case::{Case, Naive, file, folder, hard_link, link};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("a link to a file outside", [link("doc.txt", "@SECRET@")]).fires_by_command("cat doc.txt"),
        Case::new("a link that climbs out", [link("src/etc", "../../../../../../../../../../../etc")])
            .fires_by(Naive::Command("test -e src/etc/passwd && echo @WORD@"))
            .probed_by("test -e src/etc/passwd && echo @WORD@"),
        Case::new("a link to what a process was started with", [link("env", "/proc/self/environ")])
            .probed_by("cat env"),
        Case::new(
            "a link to the supervisor's memory",
            [link("p", "/proc/1/root/etc/shadow"), link("q", "/proc/self/fd")],
        )
        .probed_by("cat p; ls q/"),
        Case::new("links that lead to one another", [link("a", "b"), link("b", "a"), link("src/up", "..")])
            .probed_by("cat a; ls src/up/src/up/src"),
        Case::new(
            "a chain that leaves by a link's own parent",
            [file("x/y/z/.keep", ""), link("x/y/z/up", "../../.."), link("out", "x/y/z/up/../../../../@SECRET@")],
        )
        .fires_by_command("cat out"),
        Case::new(
            "a link below a link that leaves",
            [
                file("x/y/z/.keep", ""),
                link("x/y/z/up", "../../.."),
                link("out", "x/y/z/up/../../../..@OUT@"),
                link("out/fired", "src"),
            ],
        )
        .fires_by(Naive::Unpacking)
        .refused("below a link"),
        Case::new("a file below a link", [link("lib", "@OUT@"), file("lib/fired", "x")])
            .fires_by(Naive::Unpacking)
            .refused("below a link"),
        Case::new(
            "a link into itself with a very long way",
            [link("src/loop", format!("loop/{}", "x/".repeat(150_000)))],
        )
        .probed_by("cat src/loop"),
        Case::new("a link where a folder is", [folder("lib"), file("lib/a", "x"), link("lib", "@OUT@")])
            .refused("below a link"),
        Case::new("a link in the place of the approved file", [link("src/a.txt", "@OUT@/fired")])
            .fires_by(Naive::Command("echo new > src/a.txt"))
            .violates(ViolationKind::NotARegularFile),
        Case::new("the approved file's folder is a link", [link("src", "@OUT@"), file("src/a.txt", "old\n")])
            .fires_by(Naive::Unpacking)
            .refused("below a link"),
        Case::new("a hard link to a file outside", [hard_link("doc.txt", "@SECRET@")])
            .fires_by(Naive::Command("cat doc.txt"))
            .refused("only files, folders and symbolic links"),
        Case::new("a link to Git's own folder", [link("conf", ".git/config"), link("hooks", "src/../.git/hooks")])
            .probed_by("cat conf; ls hooks/"),
    ]
}
