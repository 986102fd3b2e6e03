//! System calls that no library wraps safely. All `unsafe` code of the workspace stands here.
//!
//! Every function is safe to call: it passes only memory that it owns or borrows for the call, and takes and gives
//! descriptors as owned or borrowed ones.

#![expect(unsafe_code, reason = "the kernel's interface has no safe form for these calls")]
#![expect(clippy::cast_possible_truncation, reason = "descriptors and flags are C integers of several widths")]

use std::ffi::CString;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::unistd::Pid;

/// Takes a descriptor that this process was just given, by the kernel or by its parent.
pub fn own(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the callers pass numbers that were received with SCM_RIGHTS or inherited for this purpose; each once.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn c_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

/// Splits this process in two. Only for a process with a single thread.
///
/// # Errors
/// There are too many processes.
pub fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the launcher never starts a thread, so the child may go on as any program does.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Some(child)),
        nix::unistd::ForkResult::Child => Ok(None),
    }
}

/// Ends this process by a signal, as if nobody had ever handled or blocked it. Returns only if the signal ends nothing.
pub fn die_by(signal: Signal) {
    let only: SigSet = [signal].into_iter().collect();
    // The results say nothing more than whether the next line runs: SIGKILL for one has no handler to be reset.
    // SAFETY: the default action runs no code of ours.
    let _reset = unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) };
    let _unblocked = only.thread_unblock();
    let _raised = nix::sys::signal::raise(signal);
}

/// Closes every descriptor from `first` on when the next program starts.
///
/// # Errors
/// The kernel is older than 5.11.
pub fn close_on_exec_from(first: RawFd) -> io::Result<()> {
    // SAFETY: no memory is passed; the descriptors stay open in this program.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// Adds flags (`MOUNT_ATTR_…`) to the mount at `path` and to all below it.
///
/// # Errors
/// As `mount_setattr(2)`.
pub fn restrict_mount(path: &Path, flags: u64) -> io::Result<()> {
    let path = c_string(path)?;
    let attributes = libc::mount_attr { attr_set: flags, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: both pointers are to values that live during the call, and the size is the struct's.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })
    .map(drop)
}

/// Switches the loopback interface of this network namespace on.
///
/// # Errors
/// The caller has no `CAP_NET_ADMIN` there.
pub fn raise_loopback() -> io::Result<()> {
    // SAFETY: `ifreq` is plain data, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *target = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: no memory is passed.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    let socket = own(check(socket.into())? as RawFd);
    // SAFETY: the request is a whole `ifreq` that lives during the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into()).map(drop)
}

/// Installs a filter of system calls whose notifications come to the returned descriptor. Needs `no_new_privs`.
///
/// # Errors
/// The kernel does not offer it, or another filter of this process has a listener already.
pub fn install_listener(program: &[seccompiler::sock_filter]) -> io::Result<OwnedFd> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: the kernel reads `len` instructions, whose layout both types share, and keeps a copy.
    check(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    })
    .map(|descriptor| own(descriptor as RawFd))
}

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Identifies it.
    pub id: u64,
    /// The thread that made it.
    pub thread: i32,
    /// Its arguments.
    pub arguments: [u64; 6],
}

const fn request(direction: libc::c_ulong, number: libc::c_ulong, size: usize) -> libc::c_ulong {
    (direction << 30) | ((size as libc::c_ulong) << 16) | (0x21 << 8) | number
}
const RECEIVE: libc::c_ulong = request(3, 0, size_of::<libc::seccomp_notif>());
const ANSWER: libc::c_ulong = request(3, 1, size_of::<libc::seccomp_notif_resp>());
const IS_VALID: libc::c_ulong = request(1, 2, size_of::<u64>());

/// The next call. Blocks.
///
/// # Errors
/// `ENOENT`: the caller is gone already.
pub fn next_call(listener: BorrowedFd<'_>) -> io::Result<Call> {
    // SAFETY: plain data, and the kernel demands zeros.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one whole struct, which lives during the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE as _, &raw mut call) }.into())?;
    Ok(Call { id: call.id, thread: call.pid.cast_signed(), arguments: call.data.args })
}

/// Whether the caller still waits: what was read from its process was its own.
pub fn still_waits(listener: BorrowedFd<'_>, call: Call) -> bool {
    // SAFETY: the kernel reads one u64, which lives during the call.
    unsafe { libc::ioctl(listener.as_raw_fd(), IS_VALID as _, &raw const call.id) == 0 }
}

/// Answers a call with its result, or with an error number. The call itself is never carried out.
///
/// # Errors
/// `ENOENT`: the caller is gone.
pub fn answer(listener: BorrowedFd<'_>, call: Call, result: Result<i64, i32>) -> io::Result<()> {
    let (val, error) = match result {
        Ok(value) => (value, 0),
        Err(number) => (0, -number),
    };
    let mut response = libc::seccomp_notif_resp { id: call.id, val, error, flags: 0 };
    // SAFETY: the kernel reads one whole struct, which lives during the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), ANSWER as _, &raw mut response) }.into()).map(drop)
}

/// A handle on a process.
///
/// # Errors
/// It is gone.
pub fn open_process(process: Pid) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) }).map(|fd| own(fd as RawFd))
}

/// A copy of another process's descriptor.
///
/// # Errors
/// There is none of that number, or the process may not be looked into.
pub fn copy_descriptor(process: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) }).map(|fd| own(fd as RawFd))
}

/// Connects a socket to an address in the kernel's own form.
///
/// # Errors
/// As `connect(2)`.
pub fn connect(socket: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `length` bytes, which live during the call, and checks their form.
    check(unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), length) }.into()).map(drop)
}
