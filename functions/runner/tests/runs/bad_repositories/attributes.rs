//! Attributes that name filters, encodings and drivers; pointers to large files.

use super::case::{Case, Naive, file, folder, link, script};

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
                       oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

pub(super) fn cases() -> Vec<Case> {
    let attributes = |text: &str| file(".gitattributes", text);
    let cases = vec![
        Case::new(
            "a filter that many have in their own configuration",
            [attributes("* filter=indent\n"), script("tools/indent.sh", "@FIRE@; cat")],
        )
        .fires_by(Naive::Command(
            "git config --global filter.indent.clean ./tools/indent.sh; git init -q && git add -A",
        ))
        .probed_by("git add -A; git checkout-index -af"),
        Case::new(
            "drivers for differences and merges",
            [attributes("* diff=indent merge=indent\n"), script("tools/indent.sh", "@FIRE@; cat \"$1\"")],
        )
        .fires_by(Naive::Command(
            "git config --global diff.indent.textconv ./tools/indent.sh; git init -q; git add -A; git diff --cached",
        ))
        .probed_by("git diff HEAD; git log -p -1"),
        Case::new(
            "pointers to large files, and where those are",
            [
                attributes("*.bin filter=lfs diff=lfs merge=lfs -text\n"),
                file("data/x.bin", POINTER),
                file(
                    ".lfsconfig",
                    "[lfs]\n\turl = http://127.0.0.1:@PORT@/\n\tstandalonetransferagent = x\n\
                                [lfs \"customtransfer.x\"]\n\tpath = sh\n\targs = -c '@FIRE@'\n",
                ),
            ],
        )
        .fires_by(Naive::Command("url=$(git config -f .lfsconfig lfs.url); git ls-remote \"$url\""))
        .probed_by("git add -A; git lfs pull; git lfs fetch"),
        Case::new(
            "encodings and line ends that change the content",
            [
                attributes("* text eol=crlf working-tree-encoding=UTF-16 ident export-subst\n*.sh -export-ignore\n"),
                file("id.txt", "$Id$ $Format:%H$\n"),
            ],
        )
        .probed_by("git checkout-index -af"),
        Case::new("the approved file is left out of archives", [attributes("src export-ignore\n* -diff\n")]),
        Case::new(
            "attributes that are a link, a folder and very long",
            [link(".gitattributes", "src/x"), folder("src/.gitattributes"), file("src/x", "x ".repeat(200_000))],
        ),
    ];
    // Gates have no history.
    cases.into_iter().map(Case::agent_only).collect()
}
