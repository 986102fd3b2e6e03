//! The program as a container runs it: environment in, exit code and report out.

use std::process::Stdio;
use std::time::Duration;

use crate::support::World;
use domain::task::{ProgressEvent, ProgressLine, RunOutcome, RunReport, Work};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const CANARY: &str = "canary-of-the-task-role";

fn start(world: &World) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("PI_TICKETS_TASK_URL", world.store.url("task")).env("PI_TICKETS_WORK_DIR", &world.host.work_dir);
    command.env("PI_TICKETS_NODE", &world.host.pi.node).env("PI_TICKETS_PI", &world.host.pi.entry);
    command.env("MODEL_SECRET_ARN", "arn:secret").env("AWS_ENDPOINT_URL", &world.store.address);
    command.env("AWS_REGION", "eu-central-1").env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", CANARY);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// Processes whose command line has this text.
fn processes(text: &str) -> Vec<String> {
    let entries =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    entries.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(text)).collect()
}

#[tokio::test]
async fn a_container_reports_and_exits_with_zero() {
    let dump = r#"{"for":"code","respond":[{"tool":"bash","input":{"command":"(env; tr '\\0' '\\n' < /proc/$PPID/environ) > src/new.txt"}}]}"#;
    let world = World::new(&[dump, r#"{"for":"code","respond":[{"text":"Done."}]}"#]).await;
    world.put_task(&world.task(Work::Agent(Box::new(world.agent_work()))));
    let output = start(&world).wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report: RunReport = serde_json::from_slice(&world.store.get("report").unwrap()).unwrap();
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert!(report.isolation.contains(&"no-new-privileges".to_owned()), "{:?}", report.isolation);
    let seen = &world.changes(&report).1["src/new.txt"];
    assert!(seen.contains("PI_CODING_AGENT_DIR=") && !seen.contains(CANARY), "{seen}");

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(CANARY) && !text.contains("presigned") && !text.contains(crate::support::MODEL_KEY));
    let lines: Vec<ProgressLine> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(matches!(lines.first().unwrap().event, ProgressEvent::Started { .. }));
    assert!(matches!(lines.last().unwrap().event, ProgressEvent::Ended { outcome: RunOutcome::Completed }));
    assert!(lines.iter().any(|line| matches!(line.event, ProgressEvent::ModelCall { .. })));
    assert!(lines.iter().any(|line| matches!(line.event, ProgressEvent::Tool { failed: Some(false), .. })));
}

#[tokio::test]
async fn sigterm_ends_everything_and_is_reported() {
    // Three ways to outlive the agent; the last one also forgets the marker in its environment.
    let marker = "86399";
    let hide = format!(
        r#"{{"for":"code","respond":[{{"tool":"bash","input":{{"command":"sleep {marker} & setsid sleep {marker} & (setsid env -i sleep {marker} &) ; wait"}}}}]}}"#
    );
    let world = World::new(&[&hide]).await;
    world.put_task(&world.task(Work::Agent(Box::new(world.agent_work()))));
    let mut child = start(&world);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let sleeping = format!("sleep {marker} ");
    let begun = async {
        while !lines.next_line().await.unwrap().unwrap().contains(r#""name":"bash""#) {}
        while processes(&sleeping).iter().filter(|line| line.starts_with("sleep")).count() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), begun).await.expect("the agent runs its command");
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let drained = async { while lines.next_line().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(30), drained).await.expect("the program ends");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    let report: RunReport = serde_json::from_slice(&world.store.get("report").unwrap()).unwrap();
    assert_eq!(report.outcome, RunOutcome::Stopped);
    assert!(report.changes.is_some());
    assert_eq!(processes(&sleeping), Vec::<String>::new());
    assert!(std::fs::read_dir(world.folder.path()).unwrap().next().is_none(), "the work folder is left behind");
}

#[tokio::test]
async fn a_program_that_cannot_report_says_so_by_its_exit_code() {
    let world = World::new(&[]).await;
    let output = start(&world).wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(74), "there is no task");
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    let status = command.env_clear().stdout(Stdio::null()).status().await.unwrap();
    assert_eq!(status.code(), Some(64), "there is no configuration");
}
