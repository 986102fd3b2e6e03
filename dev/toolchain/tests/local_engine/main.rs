//! The local AWS engine as a process: it starts, many at once, and nothing of it stays.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name, by which
//! `cargo xtask test --fast` leaves it out.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod aws;
mod life_line;
mod tasks;

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use life_line::LifeLine;
use toolchain::engine::{Engine, EngineSettings};
use toolchain::{Component, Toolchain};

/// For what takes the time of a start.
const SOON: Duration = Duration::from_secs(30);
/// For what must not wait for anything. The engine itself would end the function, which never
/// becomes ready, 10 seconds after its start.
const AT_ONCE: Duration = Duration::from_secs(6);

fn toolchain() -> Toolchain {
    let toolchain = Toolchain::of_this_checkout();
    assert!(toolchain.is_current(Component::Engine).unwrap(), "the engine is not installed: run `cargo xtask setup`");
    toolchain
}

fn start(folder: &tempfile::TempDir) -> Engine {
    Engine::start(&toolchain(), &EngineSettings::new(folder.path())).unwrap()
}

fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn engines_run_side_by_side_and_end_alone() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (first, mut second) = (start(&folders[0]), start(&folders[1]));
    assert_ne!(first.port(), second.port());
    assert_ne!(first.root().access_key_id, second.root().access_key_id);

    let line = LifeLine::new(&folders[0]);
    aws::start_function(&first, &line);
    line.wait_for_start(SOON);

    let port = first.port();
    drop(first);
    line.wait_for_end(AT_ONCE);
    assert!(!is_open(port));

    second.check().unwrap();
    assert!(is_open(second.port()));
    let port = second.port();
    let asked = Instant::now();
    second.stop();
    assert!(!is_open(port));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[test]
fn only_the_random_key_is_root() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder);
    let root = engine.root().access_key_id.clone();
    assert_eq!(aws::list_tables(&engine, &root), 200);
    for key in ["test", "000000000000", "AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(aws::list_tables(&engine, key), 400, "{key}");
    }
}

#[test]
fn an_engine_that_dies_is_noticed_and_its_functions_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = start(&folder);
    let line = LifeLine::new(&folder);
    aws::start_function(&engine, &line);
    line.wait_for_start(SOON);

    kill(engine.process_id());
    let start = Instant::now();
    let error = loop {
        match engine.check() {
            Ok(()) => assert!(start.elapsed() < AT_ONCE, "the end was not noticed"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("ended by itself (signal: 9"), "{error}");
    line.wait_for_end(AT_ONCE);
}

/// The part of the next test that is killed. Does nothing when run like any other test.
#[test]
fn owner_in_a_process_of_its_own() {
    let Ok(folder) = std::env::var("TOOLCHAIN_TEST_FOLDER") else {
        return;
    };
    let engine = Engine::start(&toolchain(), &EngineSettings::new(&folder)).unwrap();
    std::fs::write(engine.log().with_file_name("port"), engine.port().to_string()).unwrap();
    aws::start_function(&engine, &LifeLine::at(folder.into()));
    // Until it is killed. A test runner that stops closes this pipe, which ends it as well.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn everything_ends_with_an_owner_that_is_killed() {
    for signal in ["KILL", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let line = LifeLine::new(&folder);
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "owner_in_a_process_of_its_own", "--nocapture"])
            .env("TOOLCHAIN_TEST_FOLDER", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        line.wait_for_start(SOON);

        let status = Command::new("kill").args(["-s", signal, &owner.id().to_string()]).status();
        assert!(status.unwrap().success());
        owner.wait().unwrap();
        line.wait_for_end(AT_ONCE);
        let port = std::fs::read_to_string(folder.path().join("port")).unwrap().parse().unwrap();
        let start = Instant::now();
        while is_open(port) {
            assert!(start.elapsed() < AT_ONCE, "the engine still serves");
        }
    }
}

#[test]
fn an_engine_that_cannot_start_shows_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let settings = EngineSettings {
        account_id: "000000000000".to_owned(),
        ready_timeout: Duration::ZERO,
        ..EngineSettings::new(folder.path())
    };
    let error = Engine::start(&toolchain(), &settings).unwrap_err().to_string();
    assert!(error.contains("did not answer within 0 s"), "{error}");
    assert!(error.contains("engine.log"), "{error}");

    let nowhere = Toolchain::at(folder.path());
    let error = Engine::start(&nowhere, &settings).unwrap_err().to_string();
    assert!(error.contains("`cargo xtask setup` installs it"), "{error}");
}

fn kill(process: u32) {
    let status = Command::new("kill").args(["-s", "KILL", &process.to_string()]).status();
    assert!(status.unwrap().success());
}
