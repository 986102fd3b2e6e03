//! A network of its own: loopback, and on it the supervisor's sockets.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::sys;

/// Switches loopback on in a new network namespace, and listens on the ports there. Whoever gets the sockets serves
/// them from wherever it is: a socket stays in the namespace that it was made in.
///
/// # Errors
/// The kernel refuses.
pub fn open(ports: &[u16]) -> io::Result<Vec<TcpListener>> {
    sys::raise_loopback()?;
    ports.iter().map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port))).collect()
}
