//! The process of the local AWS engine.
//!
//! [`Engine::start`] runs `dev/python/engine.py` on a free loopback port with a cleared
//! environment and its own folders, and returns when it answers. Several engines run side by
//! side, one per stack.
//!
//! The engine and every Lambda function it started end when the [`Engine`] is stopped or
//! dropped, and also when this process ends without a chance to do either: the engine watches
//! a pipe from here and ends, with its process group, when that is closed.

mod error;
mod group;
mod settings;

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use error::EngineError;
pub use settings::{EngineSettings, RootCredentials};

use crate::run::Tail;
use crate::toolchain::Toolchain;

/// How often a starting engine is asked whether it serves.
const READY_POLL: Duration = Duration::from_millis(20);
/// How often another free port is tried when somebody takes the chosen one first.
const PORT_ATTEMPTS: u32 = 3;
/// What the engine says when its port is taken.
const PORT_TAKEN: &str = "already in use";

/// A running engine. Dropping it ends it.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    port: u16,
    root: RootCredentials,
    account_id: String,
    log: PathBuf,
    ended: bool,
}

impl Engine {
    /// Starts an engine and waits until it serves. Blocks for about a second.
    ///
    /// [`Component::Engine`](crate::Component::Engine) must be installed.
    pub fn start(toolchain: &Toolchain, settings: &EngineSettings) -> Result<Self, EngineError> {
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let mut engine = Self::spawn(toolchain, settings, port)?;
            match engine.wait_until_ready(settings.ready_timeout) {
                Ok(()) => return Ok(engine),
                Err(EngineError::Ended { .. }) if attempt < PORT_ATTEMPTS && engine.log_contains(PORT_TAKEN) => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the engine serves: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The engine's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The only credentials that may do everything.
    pub const fn root(&self) -> &RootCredentials {
        &self.root
    }

    /// The account that everything belongs to.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The region that everything belongs to.
    pub const fn region(&self) -> &'static str {
        settings::REGION
    }

    /// The engine's log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The id of the engine's process and of its process group.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// An error with the end of the log if the engine has ended by itself.
    pub fn check(&mut self) -> Result<(), EngineError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.ended = true;
                group::kill(&self.child);
                Err(EngineError::Ended { status, log: self.log.clone(), tail: self.tail() })
            }
            Err(source) => Err(EngineError::Wait { source }),
        }
    }

    /// Ends the engine and every process it started. Returns when they are gone.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            group::end(&mut self.child);
        }
    }

    fn spawn(toolchain: &Toolchain, settings: &EngineSettings, port: u16) -> Result<Self, EngineError> {
        let folder = settings::prepare_folders(&settings.folder)?;
        let root = RootCredentials::random()?;
        let log = folder.join("engine.log");
        let file = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|source| EngineError::Folder { path: path.to_owned(), source })
        };
        // A log of an earlier engine in the same folder must not be taken for this one's.
        fs::write(&log, "").map_err(|source| EngineError::Folder { path: log.clone(), source })?;
        let python = toolchain.engine_python();
        let mut child = Command::new(&python)
            .arg(toolchain.engine_launcher())
            .current_dir(&folder)
            .env_clear()
            .envs(settings.environment(&folder, port))
            .stdin(Stdio::piped())
            .stdout(file(&log)?)
            .stderr(file(&log)?)
            .process_group(0)
            .spawn()
            .map_err(|source| EngineError::Start { python, source })?;
        let greeting = serde_json::json!({ "root_access_key_id": root.access_key_id });
        let written = child.stdin.as_mut().map_or(Ok(()), |pipe| writeln!(pipe, "{greeting}"));
        let engine = Self { child, port, root, account_id: settings.account_id.clone(), log, ended: false };
        // If it ended before it read this, waiting for it says why.
        drop(written);
        Ok(engine)
    }

    fn wait_until_ready(&mut self, timeout: Duration) -> Result<(), EngineError> {
        let http: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None).build().into();
        let health = format!("{}/_ministack/health", self.url());
        let start = Instant::now();
        loop {
            self.check()?;
            if self.is_healthy(&http, &health) {
                return Ok(());
            }
            if start.elapsed() > timeout {
                return Err(EngineError::NotReady { after: timeout, log: self.log.clone(), tail: self.tail() });
            }
            std::thread::sleep(READY_POLL);
        }
    }

    /// Whether it is this engine that answers, and not another that took the port before it.
    fn is_healthy(&self, http: &ureq::Agent, url: &str) -> bool {
        http.get(url)
            .call()
            .ok()
            .and_then(|mut answer| answer.body_mut().read_to_string().ok())
            .and_then(|body| serde_json::from_str::<serde_json::Value>(&body).ok())
            .is_some_and(|body| body["edition"] == settings::edition(self.port, &self.log))
    }

    fn tail(&self) -> Tail {
        Tail::of(&fs::read_to_string(&self.log).unwrap_or_default())
    }

    fn log_contains(&self, text: &str) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

fn free_port() -> Result<u16, EngineError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| EngineError::NoPort { source })
}
