//! Sorts of machine, and a battery over all of them. Each is a process of its own, because what it gives up it never gets
//! back.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use caps::{CapSet, Capability};
use clap::ValueEnum;
use isolation::sandbox::Layers;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attack::{self, Attack};
use crate::ground::{ENVIRONMENT, Ground};
use crate::play::Machine;
use crate::report::{Outcome, Report};
use crate::{ATTACKS, Options, Part, bare, listeners, outgoing};

/// Exit code of a part whose user cannot reach Pi.
const UNREACHABLE: u8 = 69;
/// The ordinary user's number: of this battery alone.
const ORDINARY: u32 = 10_078;

/// A sort of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Root, with everything that the kernel offers.
    Root,
    /// Root in a container: no namespaces.
    Container,
    /// Root, and a kernel without Landlock.
    NoLandlock,
    /// An ordinary user.
    User,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Root, Self::Container, Self::NoLandlock, Self::User];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Container => "container",
            Self::NoLandlock => "no-landlock",
            Self::User => "user",
        }
    }

    const fn layers(self) -> Layers {
        match self {
            Self::NoLandlock => Layers { landlock: false, ..Layers::ALL },
            Self::Root | Self::Container | Self::User => Layers::ALL,
        }
    }

    /// A layer that must not be there, or the sort of machine is not what it is called.
    const fn must_lack(self) -> Option<&'static str> {
        match self {
            Self::Container => Some("network-namespace"),
            Self::NoLandlock => Some("landlock"),
            Self::User => Some("unprivileged-user"),
            Self::Root => None,
        }
    }
}

/// What one process found.
#[derive(Debug, Serialize, Deserialize)]
struct Cell {
    layers: Vec<String>,
    /// Whether each attack succeeded.
    succeeded: BTreeMap<String, bool>,
}

/// Does what was asked for.
///
/// # Errors
/// An attack could not be made; what it would have done is not known.
pub fn main(options: &Options) -> Result<ExitCode> {
    let (classes, left_out) = chosen(options)?;
    let mut out = std::io::stdout().lock();
    match options.part {
        Some(Part::Cell { mode }) => {
            if !Machine::has_pi() {
                return Ok(ExitCode::from(UNREACHABLE));
            }
            let cell = cell(mode, &classes)?;
            serde_json::to_writer(&mut out, &cell)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Part::Bare) => {
            serde_json::to_writer(&mut out, &without_controls(&classes)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    let report = battery(options, &classes, left_out)?;
    writeln!(out, "{report}")?;
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?).with_context(|| file.display().to_string())?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The attacks to make, by class, and those that need the IPv6 that this machine does not have.
fn chosen(options: &Options) -> Result<(Vec<Vec<Attack>>, Vec<String>)> {
    let mut classes: Vec<Vec<Attack>> =
        attack::load(Path::new(ATTACKS))?.into_iter().map(|(_, attacks)| attacks).collect();
    if !options.classes.is_empty() {
        let is_wanted = |attack: &Attack| options.classes.iter().any(|name| attack.id.starts_with(&format!("{name}/")));
        classes.retain(|attacks| attacks.first().is_some_and(is_wanted));
        ensure!(!classes.is_empty(), "there is no such class in {ATTACKS}");
    }
    let mut left_out = Vec::new();
    if !listeners::has_ipv6() {
        let six = classes.iter_mut().flat_map(|attacks| attacks.extract_if(.., |attack| attack.needs_ipv6));
        left_out.extend(six.map(|attack| attack.id));
    }
    Ok((classes, left_out))
}

fn battery(options: &Options, classes: &[Vec<Attack>], left_out: Vec<String>) -> Result<Report> {
    let started = Instant::now();
    let (mut cells, mut skipped) = (BTreeMap::new(), BTreeMap::new());
    let modes = if options.modes.is_empty() { &Mode::ALL[..] } else { &options.modes };
    for mode in modes {
        match start(options, *mode, &["cell", mode.as_str()])? {
            Ok(cell) => {
                cells.insert(mode.as_str().to_owned(), serde_json::from_value::<Cell>(cell)?);
            }
            Err(why) => {
                skipped.insert(mode.as_str().to_owned(), why);
            }
        }
    }
    let bare = match start(options, Mode::User, &["bare"])? {
        Ok(bare) => serde_json::from_value::<BTreeMap<String, bool>>(bare)?,
        Err(why) => bail!("without controls nothing can be shown: {why}"),
    };
    let outcome = |attack: &Attack| Outcome {
        id: attack.id.clone(),
        class: attack.class.clone(),
        control: attack.control.clone(),
        modes: cells.iter().filter_map(|(mode, cell)| Some((mode.clone(), *cell.succeeded.get(&attack.id)?))).collect(),
        controls_off: bare.get(&attack.id).copied().unwrap_or(false),
    };
    let mut list: Vec<Outcome> = classes.iter().flatten().map(outcome).collect();
    if options.classes.is_empty() {
        list.extend(outgoing::play());
    }
    let layers = cells.into_iter().map(|(mode, cell)| (mode, cell.layers)).collect();
    let seconds = started.elapsed().as_secs();
    Ok(Report { without_ipv6: left_out, ..Report::of(list, layers, skipped, seconds) })
}

/// Starts this program as a part of the battery. An inner error: this machine cannot be of that sort.
fn start(options: &Options, mode: Mode, part: &[&str]) -> Result<Result<Value, String>> {
    let is_root = nix::unistd::getuid().is_root();
    if !is_root && mode != Mode::User {
        return Ok(Err("only root can be of this sort; run the battery as root".to_owned()));
    }
    let program = std::env::current_exe()?;
    // Another user may not be able to pass through the folders of this checkout.
    let open = tempfile::Builder::new()
        .prefix("pi-tickets-redteam-program-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()?;
    let copy = open.path().join("redteam");
    let is_other = is_root && mode == Mode::User;
    if is_other {
        std::fs::copy(&program, &copy)?;
    }
    let mut command = Command::new(if is_other { &copy } else { &program });
    command.args(options.classes.iter().flat_map(|class| ["--class", class])).args(part);
    command.env(ENVIRONMENT.0, ENVIRONMENT.1).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    if is_other {
        command.uid(ORDINARY).gid(ORDINARY).env("HOME", "/nonexistent");
    }
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Ok(Err("another user cannot run programs in the temporary folder".to_owned()));
        }
        output => output?,
    };
    if output.status.code() == Some(i32::from(UNREACHABLE)) {
        return Ok(Err("another user cannot reach Pi; put this checkout where everybody may pass".to_owned()));
    }
    ensure!(output.status.success(), "the part {part:?} of the battery broke off ({})", output.status);
    Ok(Ok(serde_json::from_slice(&output.stdout)?))
}

fn cell(mode: Mode, classes: &[Vec<Attack>]) -> Result<Cell> {
    if mode == Mode::Container {
        become_a_container()?;
    }
    runner::process::tree::adopt_orphans()?;
    let ground = Ground::make()?;
    let work = tempfile::Builder::new()
        .prefix("pi-tickets-redteam-work-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711))
        .tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let machine = Machine::new(mode.layers(), work.path()).await?;
        if let Some(layer) = mode.must_lack() {
            ensure!(!machine.layers.iter().any(|active| active == layer), "{mode:?} has the layer {layer}");
        }
        let mut succeeded = BTreeMap::new();
        for attacks in classes {
            ground.clear()?;
            let class = attacks.first().map_or("", |attack| attack.class.as_str());
            // A machine without IPv6 may have left nothing of a class.
            let at_once = if attacks.iter().any(|attack| attack.alone) { 1 } else { attacks.len().max(1) };
            for run in attacks.chunks(at_once) {
                let results =
                    machine.play(run, &ground).await.with_context(|| format!("{class} ({})", mode.as_str()))?;
                succeeded.extend(run.iter().map(|attack| attack.id.clone()).zip(results));
            }
        }
        Ok(Cell { layers: machine.layers, succeeded })
    })
}

/// What a container's process is not allowed to, as far as namespaces need it.
fn become_a_container() -> Result<()> {
    for capability in
        [Capability::CAP_SYS_ADMIN, Capability::CAP_SYS_MODULE, Capability::CAP_NET_ADMIN, Capability::CAP_SYS_PTRACE]
    {
        for set in [CapSet::Bounding, CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
            caps::drop(None, set, capability)?;
        }
    }
    Ok(())
}

fn without_controls(classes: &[Vec<Attack>]) -> Result<BTreeMap<String, bool>> {
    runner::process::tree::adopt_orphans()?;
    // Some attacks stop whom they attack.
    let mut victim = Command::new("sleep").arg("3600").env(ENVIRONMENT.0, ENVIRONMENT.1).spawn()?;
    let ground = Ground::make()?.with_victim(victim.id());
    let attacks = classes.iter().flatten();
    let results = attacks.map(|attack| Ok((attack.id.clone(), bare::succeeds(attack, &ground)?))).collect();
    victim.kill()?;
    victim.wait()?;
    results
}
