//! A network of its own: loopback, and on it the supervisor's sockets.

use std::fs::File;
use std::io::{self, Read, Seek};
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

/// The kernel's counters of what was asked for and had no route, in the network of whoever opens them.
#[derive(Debug)]
pub struct Unroutable {
    tables: Vec<File>,
}

impl Unroutable {
    /// Of the present network; they stay those of that network.
    pub fn open() -> Self {
        let tables = ["/proc/self/net/snmp", "/proc/self/net/snmp6"];
        Self { tables: tables.iter().filter_map(|table| File::open(table).ok()).collect() }
    }

    /// How many so far.
    pub fn count(&mut self) -> u64 {
        let read = |table: &mut File| {
            let mut text = String::new();
            table.rewind().and_then(|()| table.read_to_string(&mut text)).ok()?;
            Some(without_route(&text))
        };
        self.tables.iter_mut().filter_map(read).sum()
    }
}

/// `snmp` has lines of names and of values in pairs, `snmp6` a name and its value on each line.
fn without_route(table: &str) -> u64 {
    let lines: Vec<&str> = table.lines().collect();
    let own_line = lines.iter().find_map(|line| line.strip_prefix("Ip6OutNoRoutes")?.trim().parse().ok());
    let column = || {
        let mut ip = lines.iter().filter_map(|line| line.strip_prefix("Ip: "));
        let (names, values) = (ip.next()?, ip.next()?);
        let mut pairs = names.split_whitespace().zip(values.split_whitespace());
        pairs.find(|(name, _)| *name == "OutNoRoutes")?.1.parse().ok()
    };
    own_line.or_else(column).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let four = "Ip: Forwarding OutNoRoutes ReasmFails\nIp: 2 7 1\nIcmp: InMsgs\nIcmp: 3\n";
        assert_eq!(without_route(four), 7);
        assert_eq!(without_route("Ip6InReceives 1\nIp6OutNoRoutes                  \t5\n"), 5);
        assert_eq!(without_route("nonsense"), 0);
        // They exist here.
        assert_eq!(Unroutable::open().tables.len(), 2);
    }
}
