//! Connections to hosts by name.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use domain::packages::{HTTPS_PORT, HostName};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Makes connections.
#[async_trait]
pub trait Dial: fmt::Debug + Send + Sync {
    /// A connection to the HTTPS port of a host.
    ///
    /// # Errors
    /// There is no such host, or it does not answer, or its address is none that a host may have.
    async fn dial(&self, host: &HostName) -> io::Result<TcpStream>;
}

/// Asks the system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct Resolved;

#[async_trait]
impl Dial for Resolved {
    async fn dial(&self, host: &HostName) -> io::Result<TcpStream> {
        let addresses = tokio::net::lookup_host((host.as_str(), HTTPS_PORT)).await?;
        // What was looked at is what is connected to: the name is not looked up again.
        let addresses: Vec<SocketAddr> = addresses.filter(|address| !is_of_this_machine(address.ip())).collect();
        if addresses.is_empty() {
            return Err(io::Error::other("its only addresses are those of this machine or its platform"));
        }
        timeout(CONNECT_LIMIT, TcpStream::connect(&*addresses)).await?
    }
}

/// Whether an address leads to this machine, or to services that its platform gives to it alone, such as metadata and
/// credentials. Private addresses are not among them: mirrors may be in private networks.
pub fn is_of_this_machine(address: IpAddr) -> bool {
    /// `fd00:ec2::/32`, where EC2 answers over IPv6.
    const EC2: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0);
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let of_this_network = ip.octets()[0] == 0;
            ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() || of_this_network
        }
        IpAddr::V6(ip) => {
            let is_ec2 = ip.segments()[..2] == EC2.segments()[..2];
            ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local() || is_ec2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_addresses_are_never_a_hosts() {
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "::ffff:169.254.170.2",
            "fd00:ec2::254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
        ] {
            assert!(is_of_this_machine(address.parse().unwrap()), "{address}");
        }
        for address in ["10.1.2.3", "192.0.2.1", "2001:db8::1", "fd00:1::1"] {
            assert!(!is_of_this_machine(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_not_dialled() {
        // Resolved by every system without asking anybody.
        let error = Resolved.dial(&"anything.localhost".parse().unwrap()).await.unwrap_err();
        assert!(!matches!(error.kind(), io::ErrorKind::ConnectionRefused), "it was dialled: {error}");
    }
}
