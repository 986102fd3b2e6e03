//! One shell command with limits of time and output.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use domain::qa::{CommandResult, Ended};
use isolation::policy::{Frozen, Limits};
use isolation::sandbox::Scope;
use isolation::supervisor::Refused;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::disk::DiskWatch;
use crate::environment::ToolEnvironment;
use crate::packages::{Door, Doorway};
use crate::process::capture::{OutputLimits, capture};
use crate::process::{Captured, Tree};
use crate::progress::shorten;
use crate::sandbox::{self, RefusedCount, Sandbox};

/// Kept in the report, bytes: the beginning and, as failures are told last, more of the end.
const REPORT_HEAD_BYTES: usize = 4 * 1024;
const REPORT_TAIL_BYTES: usize = 11 * 1024;
const MAX_REPORT_BYTES: usize = 16 * 1024;
/// A command that prints this many times what is kept is stopped.
const FLOOD_FACTOR: u64 = 8;
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// A command to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// What it is for, as a heading in the full output.
    pub title: String,
    /// Given to `sh -c`.
    pub command: String,
    /// Longest time.
    pub limit: Duration,
}

/// Runs commands one after another; their full output goes to one file.
#[derive(Debug, Clone)]
pub struct CommandRunner {
    /// What the commands know about the machine.
    pub environment: ToolEnvironment,
    /// The isolation.
    pub sandbox: Arc<dyn Sandbox>,
    /// HOME of the commands, who may write there; `tmp` below it exists.
    pub home: Utf8PathBuf,
    /// What setup made in the tree, relative to it: commands may change it.
    pub products: Vec<PathBuf>,
    /// Limits of one process.
    pub limits: Limits,
    /// The file for the full output.
    pub log: Utf8PathBuf,
    /// Most output that is kept of one command, bytes.
    pub max_output_bytes: u64,
    /// Counts the connections that commands did not get.
    pub refused: RefusedCount,
    /// Watches the run's disk.
    pub disk: DiskWatch,
    /// The end of the whole run.
    pub deadline: Instant,
    /// Somebody told the program to stop.
    pub stop: CancellationToken,
}

impl CommandRunner {
    /// Runs a command in `folder`. Afterwards no process of it is left.
    ///
    /// # Errors
    /// The log cannot be written, or a process survived SIGKILL. All else is in the result.
    pub async fn run(&self, spec: &CommandSpec, folder: &Utf8Path) -> std::io::Result<CommandResult> {
        self.run_through(spec, folder, None).await
    }

    /// Runs a command that fetches packages through a door, which is shut when it has ended.
    ///
    /// # Errors
    /// As of [`CommandRunner::run`]; or the doorway leads to what is no address.
    pub async fn set_up(
        &self,
        spec: &CommandSpec,
        folder: &Utf8Path,
        doorway: &Doorway,
    ) -> std::io::Result<CommandResult> {
        let door = doorway.open().map_err(std::io::Error::other)?;
        let result = self.run_through(spec, folder, door.as_ref()).await;
        if let Some(door) = door {
            self.refused.add(door.refused());
            door.shut().await;
        }
        result
    }

    async fn run_through(
        &self,
        spec: &CommandSpec,
        folder: &Utf8Path,
        door: Option<&Door>,
    ) -> std::io::Result<CommandResult> {
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log).await?;
        log.write_all(format!("\n=== {} ===\n$ {}\n", spec.title, spec.command).as_bytes()).await?;
        let started = Instant::now();
        let (ended, output) = match self.spawn(spec, folder, door).await {
            Ok((tree, reader, refused)) => {
                let followed = self.follow(tree, reader, spec.limit, &mut log).await;
                self.refused.count(refused).await;
                followed?
            }
            Err(error) => (Ended::NotStarted { message: error.to_string() }, Captured::default()),
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        log.write_all(format!("\n--- {} after {duration_ms} ms\n", describe(&ended)).as_bytes()).await?;
        log.flush().await?;
        Ok(CommandResult {
            command: spec.command.clone(),
            ended,
            duration_ms,
            // Bytes that are not UTF-8 grow when they are replaced.
            output: shorten(&plain(&output.text()), MAX_REPORT_BYTES),
            output_bytes: output.bytes,
        })
    }

    /// One pipe for both outputs, so that their order is kept.
    async fn spawn(
        &self,
        spec: &CommandSpec,
        folder: &Utf8Path,
        door: Option<&Door>,
    ) -> std::io::Result<(Tree, pipe::Receiver, Refused)> {
        let (reader, writer) = std::io::pipe()?;
        let mut command = Command::new("sh");
        command.args(["-c", &spec.command]);
        self.environment.apply(&mut command, &self.home);
        let pipes = [Stdio::null(), writer.try_clone()?.into(), writer.into()];
        let scope = Scope {
            folder: folder.as_std_path().to_owned(),
            read: vec![],
            write: vec![folder.as_std_path().to_owned(), self.home.as_std_path().to_owned()],
            tree: Some(Frozen { folder: folder.as_std_path().to_owned(), except: self.products.clone() }),
            limits: self.limits,
        };
        let sockets = self.sandbox.sockets(u16::from(door.is_some()))?;
        if let (Some(door), Some(port)) = (door, sockets.ports.first()) {
            command.envs(door.variables(*port));
            door.write_settings(&self.home, *port)?;
            self.sandbox.give(&self.home)?;
        }
        let contained = sandbox::start(&*self.sandbox, &scope, sockets, command.as_std(), pipes).await?;
        for listener in contained.listeners {
            if let Some(door) = door {
                door.serve(listener)?;
            }
        }
        Ok((contained.tree, pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?, contained.refused))
    }

    async fn follow(
        &self,
        mut tree: Tree,
        reader: pipe::Receiver,
        limit: Duration,
        log: &mut tokio::fs::File,
    ) -> std::io::Result<(Ended, Captured)> {
        let limits = OutputLimits {
            head: REPORT_HEAD_BYTES,
            tail: REPORT_TAIL_BYTES,
            file: self.max_output_bytes,
            stop: self.max_output_bytes.saturating_mul(FLOOD_FACTOR),
        };
        let mut captured = None;
        let deadline = (Instant::now() + limit).min(self.deadline);
        let capturing = capture(reader, log, limits);
        let short = self.disk.short();
        tokio::pin!(capturing, short);
        let ended = loop {
            tokio::select! {
                output = &mut capturing, if captured.is_none() => {
                    let output = output?;
                    let stopped = output.stopped;
                    captured = Some(output);
                    if stopped { break Ended::OutputLimit; }
                }
                status = tree.wait() => break exit(status?),
                () = sleep_until(deadline) => break Ended::TimedOut,
                () = &mut short => break Ended::DiskLimit,
                () = self.stop.cancelled() => break Ended::TimedOut,
            }
        };
        if matches!(ended, Ended::Exit { .. } | Ended::Signal { .. }) {
            tree.kill().await?;
        } else {
            tree.stop(GRACE).await?;
        }
        let output = match captured {
            Some(output) => output,
            // Every writer is dead, so the pipe is at its end.
            None => timeout(GRACE, capturing).await.map_err(std::io::Error::from)??,
        };
        Ok((ended, output))
    }
}

fn exit(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit { code },
        (None, Some(signal)) => Ended::Signal { signal },
        (None, None) => Ended::NotStarted { message: format!("ended in an unknown way ({status})") },
    }
}

/// A few words for people.
pub fn describe(ended: &Ended) -> String {
    match ended {
        Ended::Exit { code: 0 } => "passed".to_owned(),
        Ended::Exit { code } => format!("exit code {code}"),
        Ended::Signal { signal } => format!("ended by signal {signal}"),
        Ended::TimedOut => "stopped: too long".to_owned(),
        Ended::OutputLimit => "stopped: too much output".to_owned(),
        Ended::DiskLimit => "stopped: it filled the disk that it may use".to_owned(),
        Ended::NotStarted { message } => format!("not started: {message}"),
    }
}

/// Without terminal colours and other control characters.
fn plain(output: &str) -> String {
    let text = console::strip_ansi_codes(output).replace("\r\n", "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::disk::Space;
    use crate::testing::{BareSandbox, full_with};

    pub(crate) fn runner(root: &Utf8Path) -> CommandRunner {
        std::fs::create_dir_all(root.join("home/tmp")).unwrap();
        CommandRunner {
            environment: ToolEnvironment::from_host(|name| std::env::var(name).ok()),
            sandbox: Arc::new(BareSandbox),
            home: root.join("home"),
            products: vec![],
            limits: Limits::default(),
            log: root.join("output.log"),
            max_output_bytes: 10_000,
            refused: RefusedCount::default(),
            disk: DiskWatch::begin(root, Arc::new(Space::at)).unwrap(),
            deadline: Instant::now() + Duration::from_mins(1),
            stop: CancellationToken::new(),
        }
    }

    struct World {
        folder: tempfile::TempDir,
        runner: CommandRunner,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let runner = runner(Utf8Path::from_path(folder.path()).unwrap());
            Self { folder, runner }
        }

        async fn run(&self, command: &str, limit: Duration) -> CommandResult {
            let spec = CommandSpec { title: "gate".to_owned(), command: command.to_owned(), limit };
            self.runner.run(&spec, Utf8Path::from_path(self.folder.path()).unwrap()).await.unwrap()
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn output_keeps_its_order_and_loses_its_colours() {
        let world = World::new();
        let result = world.run("echo one; echo two >&2; printf '\\033[31mred\\033[0m\\n'; exit 3", LONG).await;
        assert_eq!((result.output.as_str(), result.ended), ("one\ntwo\nred\n", Ended::Exit { code: 3 }));
        let log = std::fs::read_to_string(&world.runner.log).unwrap();
        assert!(log.contains("=== gate ===") && log.contains("one\ntwo\n") && log.contains("exit code 3"), "{log}");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_stopped_with_all_it_started() {
        let world = World::new();
        let result = world.run("setsid sleep 600 & sleep 600", Duration::from_millis(200)).await;
        assert_eq!(result.ended, Ended::TimedOut);
    }

    #[tokio::test]
    async fn a_command_that_leaves_something_behind_does_not_hang_the_run() {
        let result = World::new().run("sleep 600 & setsid sleep 600 & echo done", LONG).await;
        assert_eq!((result.output.as_str(), result.ended), ("done\n", Ended::Exit { code: 0 }));
    }

    #[tokio::test]
    async fn a_flood_is_stopped_and_the_report_stays_small() {
        let result = World::new().run("yes 0123456789", LONG).await;
        assert_eq!(result.ended, Ended::OutputLimit);
        assert!(result.output.len() <= 16 * 1024, "{} bytes", result.output.len());
        assert!(result.output_bytes > 80_000);
    }

    #[tokio::test]
    async fn a_command_that_fills_the_disk_is_stopped() {
        let mut world = World::new();
        world.runner.disk = full_with("much", world.folder.path());
        assert_eq!(world.run("touch little", LONG).await.ended, Ended::Exit { code: 0 });
        assert_eq!(world.run("touch much; sleep 600", LONG).await.ended, Ended::DiskLimit);
    }

    #[tokio::test]
    async fn binary_output_stays_small_too() {
        let result = World::new().run("head -c 60000 /dev/zero | tr '\\0' '\\377'", LONG).await;
        assert_eq!((result.output_bytes, result.ended), (60_000, Ended::Exit { code: 0 }));
        assert!(result.output.len() <= 16 * 1024, "{} bytes", result.output.len());
    }

    #[tokio::test]
    async fn a_crash_by_signal_is_told() {
        assert_eq!(World::new().run("kill -SEGV $$", LONG).await.ended, Ended::Signal { signal: 11 });
    }

    #[tokio::test]
    async fn nothing_of_the_supervisors_environment_is_inherited() {
        let result = World::new().run("env | cut -d= -f1 | sort | tr '\\n' ' '", LONG).await;
        let known = [
            "CI",
            "HOME",
            "LANG",
            "LOGNAME",
            "PATH",
            "PI_TICKETS_PROCESS_TREE",
            "PWD",
            "RUSTUP_HOME",
            "TMPDIR",
            "USER",
        ];
        let is_known =
            |name: &&str| known.contains(name) || name.starts_with("GIT_CONFIG_") || *name == "_" || *name == "OLDPWD";
        let strangers: Vec<_> = result.output.split_whitespace().filter(|name| !is_known(name)).collect();
        let toolchains = ["RUSTUP_TOOLCHAIN", "JAVA_HOME", "GOROOT", "SHLVL"];
        assert!(strangers.iter().all(|name| toolchains.contains(name)), "{strangers:?}");
    }
}
