//! A child process with all its descendants.
//!
//! Killing a process group is not enough: Pi starts each shell command in a session of its own, and a daemon leaves its
//! group and its parent. A tree therefore knows its members three ways: by descent from its root, by the process group,
//! and by a marker in the environment that every descendant inherits. What hides from all three is adopted by the
//! supervisor ([`adopt_orphans`]) and ends with its tree: a supervisor has one tree at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitStatus;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

/// The environment variable that marks the members of a tree.
pub const MARKER_VARIABLE: &str = "PI_TICKETS_PROCESS_TREE";

/// How long a killed tree may take to vanish before that is reported as an error.
const VANISH_LIMIT: Duration = Duration::from_secs(10);

/// A running child process with its descendants. Dropping it kills them.
#[derive(Debug)]
pub struct Tree {
    child: Child,
    root: Pid,
    marker: String,
    ended: bool,
}

impl Tree {
    /// Starts `command` as the leader of a new process group.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(mut command: Command) -> std::io::Result<Self> {
        let marker = hex::encode(rand::random::<[u8; 16]>());
        command.env(MARKER_VARIABLE, &marker).process_group(0).kill_on_drop(true);
        let child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let root =
            Pid::from_raw(id.ok_or_else(|| std::io::Error::other("the child ended before it had a process id"))?);
        Ok(Self { child, root, marker, ended: false })
    }

    /// The process id of the root.
    pub const fn id(&self) -> Pid {
        self.root
    }

    /// Takes the pipes that the command was given.
    pub fn take_pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until the root has ended. Its descendants may still run: call [`Tree::kill`] afterwards. Cancel safe.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the tree: SIGTERM to all members, up to `grace` for the root to end, then SIGKILL to what is left.
    /// Returns the root's exit status.
    ///
    /// # Errors
    /// A member survived SIGKILL for ten seconds.
    pub async fn stop(&mut self, grace: Duration) -> std::io::Result<ExitStatus> {
        signal_all(&self.members(), Signal::SIGTERM);
        let in_time = timeout(grace, self.child.wait()).await;
        self.kill().await?;
        match in_time {
            Ok(status) => status,
            Err(_) => self.child.wait().await,
        }
    }

    /// Kills every member, and in a supervisor that adopts orphans those too, and waits until none is left.
    ///
    /// # Errors
    /// A member survived SIGKILL for ten seconds.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        let deadline = Instant::now() + VANISH_LIMIT;
        self.kill_members();
        self.child.wait().await?;
        // The root is gone, so descent from it tells nothing any more; the marker and the group still do.
        while !self.members().is_empty() {
            if Instant::now() > deadline {
                return Err(std::io::Error::other("processes survived SIGKILL for ten seconds"));
            }
            self.kill_members();
            sleep(Duration::from_millis(5)).await;
        }
        self.ended = true;
        if prctl::get_child_subreaper()? {
            let orphans = end_adopted().await;
            if orphans > 0 {
                tracing::warn!(orphans, "processes hid from their command's end, and were ended");
            }
        }
        Ok(())
    }

    /// Stops first and kills then, so that no member can fork away between the look and the kill.
    fn kill_members(&self) {
        let mut stopped = BTreeSet::new();
        loop {
            let members = self.members();
            if members.is_subset(&stopped) {
                break;
            }
            signal_all(&members, Signal::SIGSTOP);
            stopped.extend(members);
        }
        signal_all(&stopped, Signal::SIGKILL);
        if let Err(error) = killpg(self.root, Signal::SIGKILL)
            && error != Errno::ESRCH
        {
            tracing::debug!(%error, "the process group could not be signalled");
        }
    }

    fn members(&self) -> BTreeSet<Pid> {
        let table = process_table();
        let mut members = descendants(&table, self.root);
        let entry = format!("{MARKER_VARIABLE}={}", self.marker);
        for (pid, process) in &table {
            if process.alive && (*pid == self.root || process.group == self.root || has_environment(*pid, &entry)) {
                members.insert(*pid);
            }
        }
        members
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.ended {
            self.kill_members();
        }
    }
}

/// Makes this process the parent of every orphan below it. Call it once, in the program, never in a library test.
///
/// # Errors
/// The kernel refuses.
pub fn adopt_orphans() -> std::io::Result<()> {
    prctl::set_child_subreaper(true).map_err(Into::into)
}

/// Kills every process below this one and reaps them. Only for a program that called [`adopt_orphans`] and whose own
/// trees have ended. Returns how many it found.
pub async fn end_adopted() -> usize {
    let me = Pid::this();
    let mut found = BTreeSet::new();
    let deadline = Instant::now() + VANISH_LIMIT;
    loop {
        let table = process_table();
        let mut living = descendants(&table, me);
        living.retain(|pid| table.get(pid).is_some_and(|process| process.alive));
        for (pid, process) in &table {
            if process.parent == me
                && !process.alive
                && let Err(error) = waitpid(*pid, Some(WaitPidFlag::WNOHANG))
            {
                tracing::debug!(%pid, %error, "an ended process was reaped by somebody else");
            }
        }
        if living.is_empty() || Instant::now() > deadline {
            return found.len();
        }
        signal_all(&living, Signal::SIGKILL);
        found.extend(living);
        sleep(Duration::from_millis(5)).await;
    }
}

fn signal_all(pids: &BTreeSet<Pid>, signal: Signal) {
    for pid in pids {
        if let Err(error) = kill(*pid, signal)
            && error != Errno::ESRCH
        {
            tracing::warn!(%pid, %signal, %error, "a process could not be signalled");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: Pid,
    group: Pid,
    alive: bool,
}

fn process_table() -> BTreeMap<Pid, Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((Pid::from_raw(pid), parse_stat(&stat)?))
    })
    .collect()
}

/// `pid (name) state ppid pgrp …`; the name may hold spaces and parentheses.
fn parse_stat(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X");
    let mut pid = || fields.next()?.parse().ok().map(Pid::from_raw);
    Some(Process { parent: pid()?, group: pid()?, alive })
}

fn descendants(table: &BTreeMap<Pid, Process>, root: Pid) -> BTreeSet<Pid> {
    let mut found = BTreeSet::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (pid, process) in table {
            if process.parent == parent && process.alive && found.insert(*pid) {
                parents.push(*pid);
            }
        }
    }
    found
}

fn has_environment(pid: Pid, entry: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt, BufReader};

    /// Runs a shell script, and returns the tree and the process ids that it printed.
    async fn start(script: &str, ids: usize) -> (Tree, Vec<Pid>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut tree = Tree::spawn(command).unwrap();
        let mut lines = BufReader::new(tree.take_pipes().1.unwrap()).lines();
        let mut pids = vec![tree.id()];
        for _ in 0..ids {
            pids.push(Pid::from_raw(lines.next_line().await.unwrap().unwrap().trim().parse().unwrap()));
        }
        (tree, pids)
    }

    fn is_alive(pid: Pid) -> bool {
        process_table().get(&pid).is_some_and(|process| process.alive)
    }

    #[tokio::test]
    async fn a_child_in_another_session_dies_with_the_tree() {
        let (mut tree, pids) = start("setsid sh -c 'echo $$; sleep 600' & wait", 1).await;
        assert!(pids.iter().copied().all(is_alive));
        tree.stop(Duration::from_secs(5)).await.unwrap();
        assert!(!pids.iter().copied().any(is_alive), "{pids:?}");
    }

    #[tokio::test]
    async fn an_orphan_that_left_group_and_parent_dies_with_the_tree() {
        let (mut tree, pids) = start("(setsid sh -c 'echo $$; exec sleep 600' &)", 1).await;
        tree.wait().await.unwrap();
        assert!(is_alive(pids[1]));
        tree.kill().await.unwrap();
        assert!(!is_alive(pids[1]));
    }

    #[tokio::test]
    async fn a_tree_that_ignores_sigterm_is_killed_after_the_grace() {
        let (mut tree, pids) = start("trap '' TERM; echo $$; while :; do sleep 1; done", 1).await;
        let status = tree.stop(Duration::from_millis(50)).await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        assert!(!is_alive(pids[0]));
    }

    #[tokio::test]
    async fn dropping_a_tree_kills_it() {
        let (tree, pids) = start("setsid sh -c 'echo $$; sleep 600' & wait", 1).await;
        drop(tree);
        let deadline = Instant::now() + Duration::from_secs(5);
        while pids.iter().copied().any(is_alive) {
            assert!(Instant::now() < deadline, "{pids:?} are alive");
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn names_with_parentheses_are_read() {
        let process = parse_stat("12 (a) b (c) S 7 9 0 0").unwrap();
        assert_eq!(process, Process { parent: Pid::from_raw(7), group: Pid::from_raw(9), alive: true });
        assert!(!parse_stat("12 (x) Z 7 9").unwrap().alive);
        assert_eq!(parse_stat("garbage"), None);
    }
}
