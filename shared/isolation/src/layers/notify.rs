//! `connect` decided by address, where the command shares the supervisor's network.
//!
//! A guard, which runs as the command's own user, receives every `connect`. It copies the address and the socket, and
//! makes the connection itself: what it looked at is what is used, so that nothing is gained by changing the address
//! in between. When the guard ends, every `connect` fails.

#![expect(clippy::cast_possible_truncation, reason = "system calls take narrow integers in wide registers")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::sys::{self, Call};

/// Longest address that the kernel knows: `sockaddr_storage`.
const MAX_ADDRESS: usize = 128;
const UNIX: u16 = libc::AF_UNIX as u16;
const INTERNET: u16 = libc::AF_INET as u16;
const INTERNET_6: u16 = libc::AF_INET6 as u16;
const UNSPECIFIED: u16 = libc::AF_UNSPEC as u16;

/// Decides and carries out the calls of one command.
#[derive(Debug)]
pub struct Guard {
    listener: OwnedFd,
    /// Ports of the supervisor that the command may reach.
    ports: Vec<u16>,
    /// Whose listening sockets it may reach besides.
    uid: u32,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was carried out, with this result.
    Made,
    /// It was refused.
    Refused(String),
}

impl Guard {
    /// Guards the calls that come to `listener`.
    pub const fn new(listener: OwnedFd, ports: Vec<u16>, uid: u32) -> Self {
        Self { listener, ports, uid }
    }

    /// The descriptor that is readable when a call waits.
    pub fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers one call. Blocks until there is one.
    ///
    /// # Errors
    /// The listener is broken.
    pub fn serve(&self) -> io::Result<Verdict> {
        let call = match sys::next_call(self.listener()) {
            Ok(call) => call,
            // The caller was killed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(Verdict::Made),
            Err(error) => return Err(error),
        };
        let (result, verdict) = match self.decide(call) {
            Ok(Target { socket, address, file: _file }) => {
                let made = sys::connect(socket.as_fd(), &address);
                (made.map(|()| 0).map_err(|error| number(&error)), Verdict::Made)
            }
            Err(Refusal::Address(address)) => (Err(libc::ENETUNREACH), Verdict::Refused(address)),
            Err(Refusal::Failed(error)) => (Err(number(&error)), Verdict::Made),
        };
        match sys::answer(self.listener(), call, result) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            _ => Ok(verdict),
        }
    }

    fn decide(&self, call: Call) -> Result<Target, Refusal> {
        let [number, pointer, length, ..] = call.arguments;
        let thread = Pid::from_raw(call.thread);
        let address = read_memory(thread, pointer, length)?;
        let process = sys::open_process(process_of(thread)?)?;
        let socket = sys::copy_descriptor(process.as_fd(), number as i32)?;
        // The thread was alive all the while, so nothing of another process of the same number was read.
        if !sys::still_waits(self.listener(), call) {
            return Err(Refusal::Failed(io::Error::from_raw_os_error(libc::ESRCH)));
        }
        let mut file = None;
        let address = match family(&address) {
            Some(UNSPECIFIED) => address,
            Some(UNIX) => {
                let (opened, address) = local(&address, thread, self.uid)?;
                file = Some(opened);
                address
            }
            Some(INTERNET | INTERNET_6) => match parse(&address) {
                Some(to) if self.may_reach(to) => address,
                Some(to) => return Err(Refusal::Address(to.to_string())),
                None => return Err(Refusal::Failed(io::Error::from_raw_os_error(libc::EINVAL))),
            },
            _ => return Err(Refusal::Failed(io::Error::from_raw_os_error(libc::EAFNOSUPPORT))),
        };
        Ok(Target { socket, address, file })
    }

    /// Loopback, and there only the supervisor's ports and what the command itself listens on.
    fn may_reach(&self, to: SocketAddr) -> bool {
        let is_loopback = match to.ip() {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        };
        is_loopback && (self.ports.contains(&to.port()) || self.listens(to.port()))
    }

    fn listens(&self, port: u16) -> bool {
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
            let sockets = fs::read_to_string(table).unwrap_or_default();
            let owners: Vec<u32> = sockets.lines().filter_map(|line| listener_on(line, port)).collect();
            !owners.is_empty() && owners.iter().all(|owner| *owner == self.uid)
        })
    }
}

struct Target {
    socket: OwnedFd,
    address: Vec<u8>,
    /// A Unix socket's file, open for as long as its address is used.
    file: Option<File>,
}

enum Refusal {
    /// The address is not allowed.
    Address(String),
    /// It could not be found out, or makes no sense: what the caller is told.
    Failed(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EACCES)
}

fn read_memory(thread: Pid, pointer: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).ok().filter(|length| (2..=MAX_ADDRESS).contains(length));
    let length = length.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
    let mut bytes = vec![0; length];
    let base = usize::try_from(pointer).map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))?;
    let read = process_vm_readv(thread, &mut [io::IoSliceMut::new(&mut bytes)], &[RemoteIoVec { base, len: length }])?;
    if read == length { Ok(bytes) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

/// The process that a thread belongs to.
fn process_of(thread: Pid) -> io::Result<Pid> {
    let status = fs::read_to_string(format!("/proc/{thread}/status"))?;
    let id = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    id.map(Pid::from_raw).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

fn family(address: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(address.get(..2)?.try_into().ok()?))
}

/// `sockaddr_in` and `sockaddr_in6`.
fn parse(address: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(address.get(2..4)?.try_into().ok()?);
    let ip: IpAddr = match family(address)? {
        INTERNET => Ipv4Addr::from(<[u8; 4]>::try_from(address.get(4..8)?).ok()?).into(),
        INTERNET_6 => Ipv6Addr::from(<[u8; 16]>::try_from(address.get(8..24)?).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// A Unix socket that belongs to the command's user, opened, and its address as the guard has to write it: what was looked
/// at is what is used. Names without a path belong to whoever took them first: refused.
fn local(address: &[u8], thread: Pid, uid: u32) -> Result<(File, Vec<u8>), Refusal> {
    let path = address.get(2..).unwrap_or_default();
    let path = &path[..path.iter().position(|byte| *byte == 0).unwrap_or(path.len())];
    let path = match path.first() {
        None => return Err(Refusal::Address("a socket without a path".to_owned())),
        Some(b'/') => path.to_vec(),
        Some(_) => [format!("/proc/{thread}/cwd/").as_bytes(), path].concat(),
    };
    let path = Path::new(OsStr::from_bytes(&path));
    let file = File::options().read(true).custom_flags(libc::O_PATH).open(path)?;
    let found = file.metadata()?;
    if found.uid() != uid || !found.file_type().is_socket() {
        return Err(Refusal::Address(format!("{}, which is not a socket of its own", path.display())));
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok((file, [&UNIX.to_ne_bytes()[..], path.as_bytes(), &[0]].concat()))
}

/// The owner, when the line of `/proc/net/tcp` is a socket that listens on the port.
fn listener_on(line: &str, port: u16) -> Option<u32> {
    const LISTENING: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (_, local_port) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let owner = fields.nth(3)?.parse().ok()?;
    (state == LISTENING && u16::from_str_radix(local_port, 16).ok()? == port).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_reads_them() {
        let four = [&INTERNET.to_ne_bytes()[..], &[0x1f, 0x90, 127, 0, 0, 1], &[0; 8]].concat();
        assert_eq!(parse(&four).unwrap().to_string(), "127.0.0.1:8080");
        let mut six = vec![0; 28];
        six[..2].copy_from_slice(&INTERNET_6.to_ne_bytes());
        six[3] = 80;
        six[23] = 1;
        assert_eq!(parse(&six).unwrap().to_string(), "[::1]:80");
        assert_eq!(parse(&four[..6]), None);
    }

    #[test]
    fn listening_sockets_are_found_in_the_kernels_table() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1";
        assert_eq!(listener_on(line, 8080), Some(1000));
        assert_eq!(listener_on(line, 8081), None);
        assert_eq!(listener_on(&line.replace(" 0A ", " 01 "), 8080), None);
        assert_eq!(listener_on("  sl  local_address rem_address   st tx_queue", 8080), None);
    }
}
