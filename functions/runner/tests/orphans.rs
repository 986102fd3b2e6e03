//! What hides from the end of its command. A program of its own, because adopting orphans is for a whole process.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::process::Stdio;

use runner::process::{Tree, tree};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Leaves its group, its parent and its environment behind, and says its number.
const HIDE: &str = "(setsid env -i sh -c 'echo $$; exec sleep 600' &)";

async fn hidden() -> (Tree, String) {
    let mut command = Command::new("sh");
    command.args(["-c", HIDE]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut tree = Tree::spawn(command).unwrap();
    let mut lines = BufReader::new(tree.take_pipes().1.unwrap()).lines();
    let pid = lines.next_line().await.unwrap().unwrap();
    tree.wait().await.unwrap();
    (tree, format!("/proc/{}", pid.trim()))
}

#[tokio::test]
async fn they_end_with_it_where_orphans_are_adopted() {
    // Not adopted yet: this one hides well.
    let (mut before, escaped) = hidden().await;
    before.kill().await.unwrap();
    assert!(std::path::Path::new(&escaped).exists(), "it was found without being adopted, so nothing is shown below");

    tree::adopt_orphans().unwrap();
    let (mut tree, caught) = hidden().await;
    assert!(std::path::Path::new(&caught).exists());
    tree.kill().await.unwrap();
    assert!(!std::path::Path::new(&caught).exists(), "it outlived its command");

    let escaped: i32 = escaped.trim_start_matches("/proc/").parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(escaped), nix::sys::signal::Signal::SIGKILL).unwrap();
}
