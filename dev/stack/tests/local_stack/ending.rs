//! However the program ends, nothing is left running.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const LIMIT: Duration = Duration::from_secs(20);

/// `stack demo`, at the moment when the agent has begun to work.
struct Demo(Child);

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stack"))
            .args(["demo", "--scenario", "session-expiry-bug"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let busy = output.lines().map_while(Result::ok).any(|line| line.contains("agent: "));
        assert!(busy, "the agent did not begin");
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    /// The processes below it, by id.
    fn descendants(&self) -> Vec<u32> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let parent = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap();
            children.entry(parent).or_default().push(id);
        }
        let (mut found, mut queue) = (Vec::new(), vec![self.0.id()]);
        while let Some(id) = queue.pop() {
            queue.extend(children.get(&id).into_iter().flatten());
            found.extend(children.get(&id).into_iter().flatten());
        }
        found
    }
}

fn ends_with(signal: Signal, code: Option<i32>) {
    let mut demo = Demo::start();
    let descendants = demo.descendants();
    // The engine, functions, a container, the runner, Pi.
    assert!(descendants.len() > 10, "{descendants:?}");
    demo.signal(signal);
    let status = demo.0.wait().unwrap();
    assert_eq!(status.code(), code);
    let started = Instant::now();
    loop {
        let alive: Vec<_> = descendants.iter().filter(|id| fs::metadata(format!("/proc/{id}")).is_ok()).collect();
        if alive.is_empty() {
            return;
        }
        assert!(started.elapsed() < LIMIT, "{alive:?} outlived the stack by {} s", LIMIT.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn ctrl_c_leaves_nothing() {
    ends_with(Signal::SIGINT, Some(130));
}

#[test]
fn not_even_being_killed_leaves_something() {
    ends_with(Signal::SIGKILL, None);
}
