//! What the operating system offers.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Check, Status};

/// What a checkout with its build and its tools takes.
const NEEDED_GIB: u128 = 10;

pub(super) fn disk(root: &Path) -> Check {
    const NAME: &str = "disk space";
    let fix = "free some space, or set CARGO_TARGET_DIR to a roomier disk";
    let Ok(disk) = nix::sys::statvfs::statvfs(root) else {
        return Check::not_good(NAME, Status::Limited, "could not be read", fix);
    };
    // The types differ between operating systems; this one holds both.
    let free = u128::from(disk.blocks_available()) * u128::from(disk.fragment_size());
    let gib = free >> 30;
    if gib >= NEEDED_GIB {
        Check::good(NAME, format!("{gib} GiB free"))
    } else {
        let detail = format!("{gib} GiB free, about {NEEDED_GIB} GiB are used");
        Check::not_good(NAME, Status::Limited, detail, fix)
    }
}

pub(super) fn loopback() -> Check {
    const NAME: &str = "loopback";
    match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
        Ok(_) => Check::good(NAME, "ports of 127.0.0.1 can be opened"),
        Err(error) => Check::not_good(
            NAME,
            Status::Wrong,
            format!("no port of 127.0.0.1 can be opened: {error}"),
            "allow loopback networking for this user",
        ),
    }
}

/// The best wall around the agent on a laptop: a network namespace of its own.
pub(super) fn user_namespaces() -> Check {
    const NAME: &str = "user namespaces";
    let works = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if works {
        Check::good(NAME, "the agent's sandbox gets a network of its own")
    } else {
        Check::not_good(
            NAME,
            Status::Limited,
            "not available; the sandbox falls back to its next layer",
            "Linux: sysctl kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0",
        )
    }
}

pub(super) fn landlock() -> Check {
    const NAME: &str = "Landlock";
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    if modules.trim().split(',').any(|module| module == "landlock") {
        Check::good(NAME, "in the kernel and switched on")
    } else {
        Check::not_good(
            NAME,
            Status::Limited,
            "not reported by the kernel; file modes alone bound the agent's writes",
            "Linux 5.13 or newer with `landlock` in the boot option lsm=",
        )
    }
}
