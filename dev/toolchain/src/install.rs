//! Installing what is missing, once, whoever else asks at the same time.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::component::Component;
use crate::progress::Progress;
use crate::run::{CommandError, run, shown};
use crate::toolchain::Toolchain;
use crate::{node, python, stamp};

/// One component could not be installed. What was installed before is untouched or will be
/// made anew; running the same command again continues.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No Python can make the virtual environments.
    #[error(
        "no Python {} or newer with the modules `venv` and `ensurepip` is on the search path; \
         install one (Debian and Ubuntu: `apt install python3-venv`; macOS: `brew install python`)",
        python::MINIMUM
    )]
    NoPython,
    /// npm is missing.
    #[error(
        "`npm` is not on the search path; install Node.js 20 or newer with npm \
         (Debian and Ubuntu: `apt install nodejs npm`; macOS: `brew install node`)"
    )]
    NoNpm,
    /// npm installed no Node for this operating system and processor.
    #[error(
        "there is no packaged Node for this machine ({} {}); install Node.js {} or newer",
        std::env::consts::OS,
        std::env::consts::ARCH,
        node::MINIMUM
    )]
    NoNodePackage,
    /// An installer ended well and yet the program is not there.
    #[error("`{command}` ended well, but {} does not exist", missing.display())]
    Incomplete {
        /// The last command.
        command: String,
        /// The file that should be there.
        missing: PathBuf,
    },
    /// An installer failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file of the checkout or of the installation could not be read or written.
    #[error("{} could not be {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `read`, `written`, `locked`.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// Every component that could not be installed, with the reason.
#[derive(Debug)]
pub struct Failure(pub Vec<(Component, SetupError)>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (component, error)) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{component} ({}): {error}", component.purpose())?;
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl Toolchain {
    /// Installs those of `wanted` that are missing or out of date, all at once.
    ///
    /// Several processes may call this at the same time: one installs a component, the others
    /// wait for it. An interrupted installation is made anew by the next call. Versions and
    /// contents are those of the lock files; no installer's script is run.
    pub fn ensure(&self, wanted: &[Component], progress: &dyn Progress) -> Result<(), Failure> {
        let failures: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = wanted
                .iter()
                .map(|&component| (component, scope.spawn(move || self.ensure_one(component, progress))))
                .collect();
            started
                .into_iter()
                .filter_map(|(component, thread)| match thread.join() {
                    Ok(result) => result.err().map(|error| (component, error)),
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        });
        if failures.is_empty() { Ok(()) } else { Err(Failure(failures)) }
    }

    fn ensure_one(&self, component: Component, progress: &dyn Progress) -> Result<(), SetupError> {
        if self.current(component)? {
            return Ok(());
        }
        let _lock = self.lock(component, progress)?;
        // Whoever held the lock may have done the work.
        if self.current(component)? {
            return Ok(());
        }
        progress.started(component);
        let start = Instant::now();
        let result = self.install(component, progress);
        match &result {
            Ok(()) => progress.finished(component, start.elapsed()),
            Err(_) => progress.failed(component),
        }
        result
    }

    fn current(&self, component: Component) -> Result<bool, SetupError> {
        self.is_current(component).map_err(|source| SetupError::Io {
            path: self.root().join(component.inputs()[0]),
            action: "read",
            source,
        })
    }

    /// Held until the file is dropped, or until this process ends in whatever way.
    fn lock(&self, component: Component, progress: &dyn Progress) -> Result<File, SetupError> {
        let folder = self.work_folder();
        let path = folder.join(format!("{component}.lock"));
        let failed = |source| SetupError::Io { path: path.clone(), action: "locked", source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.waiting(component);
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        Ok(file)
    }

    fn install(&self, component: Component, progress: &dyn Progress) -> Result<(), SetupError> {
        let log = self.work_folder().join(format!("{component}.log"));
        fs::write(&log, "").map_err(|source| SetupError::Io { path: log.clone(), action: "written", source })?;
        let mut last = String::new();
        for mut command in self.commands(component)? {
            last = shown(&command);
            progress.line(component, &last);
            run(&mut command, &log, &|line| progress.line(component, line))?;
        }
        let missing = component.witness(self.root());
        if !missing.exists() {
            return Err(match component {
                Component::NodeRuntime => SetupError::NoNodePackage,
                _ => SetupError::Incomplete { command: last, missing },
            });
        }
        stamp::write(component, self.root()).map_err(|source| SetupError::Io {
            path: component.folder(self.root()),
            action: "written",
            source,
        })
    }

    fn commands(&self, component: Component) -> Result<Vec<Command>, SetupError> {
        match component {
            Component::Engine | Component::Tools | Component::ApiFuzzer => self.python_commands(component),
            Component::NodeRuntime | Component::Pi | Component::NodeDev => Ok(vec![self.npm_command(component)?]),
        }
    }

    fn python_commands(&self, component: Component) -> Result<Vec<Command>, SetupError> {
        let python = python::find().ok_or(SetupError::NoPython)?;
        let folder = component.folder(self.root());
        let mut create = Command::new(python.path);
        create.args(["-m", "venv", "--clear"]).arg(&folder);
        let mut install = Command::new(folder.join("bin/python"));
        // Wheels only: building a source distribution would run its code.
        install
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
            .args(["--progress-bar", "off", "--require-hashes", "--no-deps"])
            .args(["--only-binary", ":all:", "--requirement"])
            .arg(self.root().join(component.inputs()[0]));
        Ok(vec![create, install])
    }

    fn npm_command(&self, component: Component) -> Result<Command, SetupError> {
        let npm = which::which("npm").map_err(|_| SetupError::NoNpm)?;
        let folder = component.folder(self.root());
        let mut command = Command::new(npm);
        command
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--no-update-notifier", "--prefix"])
            .arg(folder.parent().unwrap_or(&folder));
        Ok(command)
    }
}
