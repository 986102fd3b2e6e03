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

/// What keeps the files of a sandbox, unless root can give them to another user.
pub(super) fn user_namespaces() -> Check {
    const NAME: &str = "user namespaces";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return Check::good(NAME, "sandboxes get files, processes and a network of their own");
    }
    let fix =
        "sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0; or run as root";
    if is_root() {
        Check::not_good(NAME, Status::Limited, "not available; sandboxes use their next layers, which root has", fix)
    } else {
        Check::not_good(NAME, Status::Wrong, "not available: sandboxes cannot keep their promises", fix)
    }
}

/// What keeps an ordinary user's own files and processes.
pub(super) fn landlock() -> Check {
    const NAME: &str = "Landlock";
    let fix = "Linux 6.2 or newer with `landlock` in the boot option lsm=; or run as root";
    match std::fs::read_to_string("/sys/kernel/security/lsm") {
        Ok(modules) if modules.trim().split(',').any(|module| module == "landlock") => {
            Check::good(NAME, "in the kernel and switched on")
        }
        Ok(_) if is_root() => {
            Check::not_good(NAME, Status::Limited, "not in the kernel; sandboxes go without this layer", fix)
        }
        Ok(_) => Check::not_good(NAME, Status::Wrong, "not in the kernel: sandboxes cannot keep their promises", fix),
        Err(_) => Check::not_good(NAME, Status::Limited, "cannot be seen here; the first run finds out", fix),
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
