//! `up` and `down`: a stack that stays.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use domain::packages::HostName;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toolchain::Toolchain;

use crate::cli::{DownOptions, UpOptions};
use crate::contain::is_alive;
use crate::demo::spinner;
use crate::scenario::{self, Scenario};
use crate::settings::{API_APPROVER, API_LOGIN, APPROVER, CodeHost, MAINTAINER, Model, Settings};
use crate::stack::Stack;
use crate::ui::{say, step};

/// How long a detached stack may take to serve: the programs may have to be built.
const START: Duration = Duration::from_mins(30);
/// How long a stack may take to end.
const END: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// How often the engine is looked after.
const LOOK: Duration = Duration::from_secs(1);
/// Models that are used when the environment names none.
const ANTHROPIC_MODEL: &str = "claude-sonnet-4-5-20250929";
const OPENAI_MODEL: &str = "gpt-5.1";

/// `stack.json` in the folder of a stack that stays.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    process: i32,
    name: String,
    console: String,
    api_token: String,
    flux_lens: String,
    github: String,
    mail: String,
    slack: String,
    engine: String,
    engine_region: String,
    engine_access_key_id: String,
    engine_secret_access_key: String,
}

/// How to reach the AWS of a stack that stays, as its root.
#[derive(Debug)]
pub struct Reach {
    /// The CloudFormation stack.
    pub deployment: String,
    /// Where the engine serves.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Its root's key.
    pub access_key_id: String,
    /// The other half of that.
    pub secret_access_key: SecretString,
}

/// How to reach the stack that `up` started under this name.
///
/// # Errors
/// When none runs.
pub fn reach(toolchain: &Toolchain, name: &str) -> Result<Reach> {
    let place = Place::of(toolchain, name)?;
    ensure!(place.lock()?.is_none(), "no stack `{name}` runs; `cargo xtask up --detach --name {name}` starts one");
    let facts = place.facts().context("the stack is still starting; try again when it serves")?;
    Ok(Reach {
        deployment: deployment(name),
        endpoint: facts.engine,
        region: facts.engine_region,
        access_key_id: facts.engine_access_key_id,
        secret_access_key: SecretString::from(facts.engine_secret_access_key),
    })
}

fn deployment(name: &str) -> String {
    format!("pt-{name}")
}

/// The folder of a stack, and the file that its process holds locked.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn of(toolchain: &Toolchain, name: &str) -> Result<Self> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty()
                && name.len() <= 30
                && name.chars().all(is_plain)
                && name.starts_with(|c: char| c.is_ascii_lowercase()),
            "a stack's name is at most 30 lower-case letters, digits and `-`, and begins with a letter"
        );
        Ok(Self { folder: toolchain.root().join(".stack").join(format!("up-{name}")) })
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.with_extension("lock")
    }

    fn facts_file(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// Takes the lock, unless a running stack has it.
    fn lock(&self) -> Result<Option<Flock<File>>> {
        let path = self.lock_file();
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
    }

    fn facts(&self) -> Result<Facts> {
        let path = self.facts_file();
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is of another form", path.display()))
    }
}

/// Starts a stack that stays.
pub(crate) async fn up(toolchain: &Toolchain, options: &UpOptions, stop: &CancellationToken) -> Result<ExitCode> {
    let place = Place::of(toolchain, &options.name)?;
    let Some(lock) = place.lock()? else {
        bail!("the stack `{}` runs already; `cargo xtask down --name {}` ends it", options.name, options.name);
    };
    if options.detach {
        // The stack's own process takes it.
        drop(lock);
        return detach(&place, options).await;
    }
    // What an earlier stack that was killed left behind.
    if place.folder.exists() {
        fs::remove_dir_all(&place.folder).with_context(|| format!("removing {}", place.folder.display()))?;
    }
    let mut settings = Settings::new(deployment(&options.name), &place.folder);
    let hosts: Vec<_> = options.setup_hosts.iter().map(HostName::as_str).collect();
    settings.parameters.insert("SetupHosts".to_owned(), hosts.join(","));
    settings.code_host = code_host();
    settings.model = model()?;
    let progress = spinner();
    let started = stop.run_until_cancelled(Stack::start(toolchain, settings, &progress)).await;
    progress.finish_and_clear();
    let Some(stack) = started else { return Ok(ExitCode::SUCCESS) };
    let mut stack = stack?;
    let tickets = playground(toolchain, &stack).await?;
    let facts = facts(&stack, &options.name)?;
    write(&place.facts_file(), &facts)?;
    show(&facts);
    if let Some(example) = tickets.first() {
        say(format_args!(
            "\nThe repositories and model scripts of {} scenarios are there. File a ticket:",
            tickets.len()
        ));
        say(format_args!("  curl --json @{} {}/_sim/tickets", example.display(), facts.flux_lens));
    }
    say("Ctrl-C ends it.");
    let result = stay(&mut stack, stop).await;
    step("stopping");
    stack.stop().await;
    drop(lock);
    result.map(|()| ExitCode::SUCCESS)
}

/// Where everything is simulated, what the shipped scenarios' tickets need; returns the tickets' files.
async fn playground(toolchain: &Toolchain, stack: &Stack) -> Result<Vec<PathBuf>> {
    let mut tickets = Vec::new();
    if stack.github().is_ok() && stack.model().is_ok() {
        for folder in scenario::shipped(toolchain.root())?.values() {
            scenario::prepare(stack, &Scenario::load(folder)?).await?;
            tickets.push(folder.join("ticket.json"));
        }
    }
    Ok(tickets)
}

async fn stay(stack: &mut Stack, stop: &CancellationToken) -> Result<()> {
    while stop.run_until_cancelled(sleep(LOOK)).await.is_some() {
        stack.check()?;
    }
    Ok(())
}

/// Starts `up` as a process of its own, and waits until it serves.
async fn detach(place: &Place, options: &UpOptions) -> Result<ExitCode> {
    let name = &options.name;
    let log = place.log_file();
    let output = File::create(&log).with_context(|| format!("making {}", log.display()))?;
    fs::remove_file(place.facts_file()).ok();
    let mut child = Command::new(std::env::current_exe().context("this program's own path")?)
        .args(["up", "--name", name])
        .args(options.setup_hosts.iter().flat_map(|host| ["--setup-host", host.as_str()]))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .context("the stack's process could not be started")?;
    let started = Instant::now();
    while started.elapsed() < START {
        if let Ok(facts) = place.facts() {
            show(&facts);
            say(format_args!("`cargo xtask down --name {name}` ends it; its log is {}", log.display()));
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(status) = child.try_wait()? {
            bail!("the stack did not start ({status}); its log is {}", log.display());
        }
        sleep(POLL).await;
    }
    bail!("the stack did not serve within {} minutes; its log is {}", START.as_secs() / 60, log.display())
}

/// Ends a stack that stays.
pub(crate) async fn down(toolchain: &Toolchain, options: &DownOptions) -> Result<ExitCode> {
    let place = Place::of(toolchain, &options.name)?;
    // Whoever holds the lock is the stack, so its process id is no other process's.
    if place.lock()?.is_some() {
        say(format_args!("no stack `{}` runs", options.name));
        return Ok(ExitCode::SUCCESS);
    }
    let facts = place.facts().context("the stack is still starting; try again when it serves, or end it by Ctrl-C")?;
    kill(Pid::from_raw(facts.process), Signal::SIGTERM).context("the stack's process cannot be told to end")?;
    let started = Instant::now();
    while started.elapsed() < END {
        if place.lock()?.is_some() || !is_alive(facts.process) {
            say(format_args!("the stack `{}` has ended", options.name));
            return Ok(ExitCode::SUCCESS);
        }
        sleep(POLL).await;
    }
    bail!("the stack `{}` (process {}) did not end within {} s", options.name, facts.process, END.as_secs())
}

/// GitHub itself where there is a token, else the simulator.
fn code_host() -> CodeHost {
    let Some(token) = variable("GITHUB_TOKEN") else { return CodeHost::Simulated };
    let api_url = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
    CodeHost::GitHub { api_url, token: SecretString::from(token) }
}

/// A provider where there is a key, else the scripted model.
fn model() -> Result<Model> {
    let real = |provider, base_url: &str, api_key, model: &str| Model::Real {
        provider,
        base_url: variable(base_url).unwrap_or_default().trim_end_matches('/').to_owned(),
        api_key: SecretString::from(api_key),
        model: variable("PI_TICKETS_MODEL").unwrap_or_else(|| model.to_owned()),
    };
    match (variable("ANTHROPIC_API_KEY"), variable("OPENAI_API_KEY")) {
        (Some(_), Some(_)) => {
            bail!("ANTHROPIC_API_KEY and OPENAI_API_KEY are both set; unset the one that is not to be used")
        }
        (Some(key), None) => Ok(real("anthropic", "ANTHROPIC_BASE_URL", key, ANTHROPIC_MODEL)),
        (None, Some(key)) => Ok(real("openai", "OPENAI_BASE_URL", key, OPENAI_MODEL)),
        (None, None) => Ok(Model::Simulated),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn facts(stack: &Stack, name: &str) -> Result<Facts> {
    let (engine, github) = (stack.engine(), stack.github());
    Ok(Facts {
        process: i32::try_from(std::process::id())?,
        name: name.to_owned(),
        console: stack.url().to_owned(),
        api_token: stack.api_token().expose_secret().to_owned(),
        flux_lens: stack.flux_lens().base_url(),
        github: github.map_or_else(|_| "GitHub itself".to_owned(), |github| github.html_base().to_owned()),
        mail: format!("{}/_ministack/ses/messages", engine.url()),
        slack: stack.slack().channel_url(),
        engine: engine.url(),
        engine_region: engine.region().to_owned(),
        engine_access_key_id: engine.root().access_key_id.clone(),
        engine_secret_access_key: engine.root().secret_access_key.clone(),
    })
}

/// Writes the facts at once, readable by their owner only: they are the keys of this stack.
fn write(path: &Path, facts: &Facts) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, facts)?;
    file.persist(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(())
}

fn show(facts: &Facts) {
    let Facts { console, api_token, flux_lens, github, mail, slack, engine, .. } = facts;
    say(format_args!("console     {console}/"));
    say(format_args!("sign in as  {MAINTAINER} (approver) or {API_LOGIN} (admin), at the GitHub simulator"));
    say(format_args!("API token   {api_token}"));
    say(format_args!("Flux Lens   {flux_lens}/new   file a ticket here"));
    say(format_args!("GitHub      {github}"));
    say(format_args!("mail        {mail}   to {APPROVER} and {API_APPROVER}"));
    say(format_args!("Slack       {slack}   the approvals' channel, read only"));
    say(format_args!("AWS         {engine}   keys in the stack's stack.json"));
}
