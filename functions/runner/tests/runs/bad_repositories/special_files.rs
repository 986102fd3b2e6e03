//! What is neither file, folder nor link.

use super::case::{Case, Naive, device, hard_link, mode, pipe, sparse};

const ONLY: &str = "only files, folders and symbolic links";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("a pipe that nobody writes to", [pipe("README")]).fires_by(Naive::Hangs("cat README")).refused(ONLY),
        Case::new("a device", [device("README")]).refused(ONLY),
        Case::new("a file with holes", [sparse("README")]).refused("could not be unpacked"),
        Case::new("a second name for a file of the tree", [hard_link("src/c.txt", "src/b.txt")]).refused(ONLY),
        Case::new("a program with its owner's rights", [mode("tool", 0o6755, "#!/bin/sh\nid\n")])
            .fires_by(Naive::Command("find . -type f -perm /6000 -exec echo @WORD@ {} +")),
        Case::new("files that nobody may read", [mode("closed", 0o000, "x"), mode("src/odd", 0o1002, "x")])
            .probed_by("cat closed src/odd"),
    ]
}
