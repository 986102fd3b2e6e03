//! What is present, missing or wrong on this machine, and the command that fixes it.

mod machine;

use std::process::Command;

use semver::Version;

use crate::component::Component;
use crate::toolchain::Toolchain;
use crate::{node, python};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Good,
    /// Not installed yet; the commands install it when they need it.
    Pending,
    /// Works, with less: what the detail says.
    Limited,
    /// Stops the commands.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// The command or act that changes it, where one is needed.
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Good, detail: detail.into(), fix: None }
    }

    fn not_good(name: &'static str, status: Status, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// Looks at everything. Changes nothing.
pub fn examine(toolchain: &Toolchain) -> Vec<Check> {
    let mut checks = vec![rust(toolchain), git(), python3(), npm(), node_for_pi(toolchain)];
    // Node has its own check: it need not be installed where the system's will do.
    let components = Component::ALL.into_iter().filter(|&component| component != Component::NodeRuntime);
    checks.extend(components.map(|component| installed(toolchain, component)));
    checks.extend([
        machine::disk(toolchain.root()),
        machine::loopback(),
        machine::user_namespaces(),
        machine::landlock(),
        cargo_tool("cargo-nextest", "tests run with `cargo test` instead"),
        browser(),
    ]);
    checks
}

/// The version in what `program --version` says.
fn version_of(program: &str) -> Option<Version> {
    let output = Command::new(program).arg("--version").output().ok()?;
    first_version(&String::from_utf8_lossy(&output.stdout))
}

/// The first word that is a version, also where its last part is missing.
fn first_version(text: &str) -> Option<Version> {
    text.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches('v');
        Version::parse(word).or_else(|_| Version::parse(&format!("{word}.0"))).ok()
    })
}

fn rust(toolchain: &Toolchain) -> Check {
    const NAME: &str = "Rust";
    let manifest = std::fs::read_to_string(toolchain.root().join("Cargo.toml"));
    let needed = manifest.ok().and_then(|text| minimum_rust(&text));
    match (version_of("rustc"), needed) {
        (Some(found), Some(needed)) if found < needed => {
            Check::not_good(NAME, Status::Wrong, format!("{found}, and {needed} is needed"), "rustup update stable")
        }
        (Some(found), _) => Check::good(NAME, found.to_string()),
        (None, _) => Check::not_good(NAME, Status::Wrong, "`rustc` does not run", "install Rust with rustup"),
    }
}

/// `rust-version` of the workspace's manifest.
fn minimum_rust(manifest: &str) -> Option<Version> {
    let line = manifest.lines().find(|line| line.starts_with("rust-version"))?;
    first_version(line.split('"').nth(1)?)
}

/// The first that can be told to leave bare repositories alone (`safe.bareRepository`).
const MINIMUM_GIT: Version = Version::new(2, 38, 0);

fn git() -> Check {
    match version_of("git") {
        Some(version) if version < MINIMUM_GIT => Check::not_good(
            "git",
            Status::Wrong,
            format!("{version}, and {MINIMUM_GIT} is needed"),
            "install a newer git (Ubuntu: from ppa:git-core/ppa)",
        ),
        Some(version) => Check::good("git", version.to_string()),
        None => Check::not_good(
            "git",
            Status::Wrong,
            "not on the search path",
            "install git (Debian and Ubuntu: apt install git; macOS: xcode-select --install)",
        ),
    }
}

fn python3() -> Check {
    match python::find() {
        Some(python) => Check::good("Python", format!("{} ({})", python.version, python.path.display())),
        None => Check::not_good(
            "Python",
            Status::Wrong,
            format!("no Python {} or newer with venv and ensurepip", python::MINIMUM),
            "Debian and Ubuntu: apt install python3-venv; macOS: brew install python",
        ),
    }
}

fn npm() -> Check {
    match version_of("npm") {
        Some(version) => Check::good("npm", version.to_string()),
        None => Check::not_good(
            "npm",
            Status::Wrong,
            "not on the search path",
            "Debian and Ubuntu: apt install nodejs npm; macOS: brew install node",
        ),
    }
}

fn node_for_pi(toolchain: &Toolchain) -> Check {
    const NAME: &str = "Node for Pi";
    let chosen = toolchain.node();
    match node::version(&chosen) {
        Some(version) if version >= node::MINIMUM => Check::good(NAME, format!("{version} ({})", chosen.display())),
        _ => {
            let system = toolchain.system_node();
            let found = system.map_or("none".to_owned(), |node| node.version.to_string());
            Check::not_good(
                NAME,
                Status::Pending,
                format!("{} needed, the system has {found}; npm can bring one", node::MINIMUM),
                "cargo xtask setup",
            )
        }
    }
}

fn installed(toolchain: &Toolchain, component: Component) -> Check {
    let name = component.purpose();
    match toolchain.is_current(component) {
        Ok(true) => Check::good(name, "installed"),
        Ok(false) => {
            Check::not_good(name, Status::Pending, "missing, or not what the lock file says", "cargo xtask setup")
        }
        Err(error) => Check::not_good(
            name,
            Status::Wrong,
            format!("{} could not be read: {error}", component.inputs()[0]),
            format!("git checkout -- {}", component.inputs().join(" ")),
        ),
    }
}

fn cargo_tool(name: &'static str, without: &str) -> Check {
    match which::which(name) {
        Ok(path) => Check::good(name, path.display().to_string()),
        Err(_) => Check::not_good(
            name,
            Status::Limited,
            format!("not installed; {without}"),
            format!("cargo install --locked {name}"),
        ),
    }
}

fn browser() -> Check {
    const NAME: &str = "browser";
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    match names.iter().find_map(|name| which::which(name).ok()) {
        Some(path) => Check::good(NAME, path.display().to_string()),
        None => Check::not_good(
            NAME,
            Status::Limited,
            "no Chromium; only `cargo xtask test --browser` needs one",
            "Debian: apt install chromium; macOS: brew install chromium",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let found = |text| first_version(text).map(|version| version.to_string());
        assert_eq!(found("rustc 1.95.0 (59807616e 2026-04-14)").as_deref(), Some("1.95.0"));
        assert_eq!(found("git version 2.39.5").as_deref(), Some("2.39.5"));
        assert_eq!(found("v24.21.0").as_deref(), Some("24.21.0"));
        assert_eq!(found("nothing"), None);
        assert_eq!(minimum_rust("[package]\nrust-version = \"1.95\"\n"), Some(Version::new(1, 95, 0)));
    }

    #[test]
    fn a_missing_lock_file_is_wrong_and_names_the_file() {
        let empty = tempfile::tempdir().unwrap();
        let check = installed(&Toolchain::at(empty.path()), Component::Engine);
        assert_eq!(check.status, Status::Wrong);
        assert_eq!(check.fix.as_deref(), Some("git checkout -- dev/python/requirements.txt"));
    }

    #[test]
    fn what_is_not_good_says_how_to_change_it() {
        for check in examine(&Toolchain::of_this_checkout()) {
            assert_eq!(check.fix.is_none(), check.status == Status::Good, "{check:?}");
        }
    }
}
