//! Servers that a sandbox must not reach, and what they heard.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::ground::CANARY;

/// How long a server waits for what a visitor says.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long all servers may take to hear what was said before. Far more than they need: when it is over, nothing is
/// known.
const REST: Duration = Duration::from_secs(30);

/// How many ports are tried.
const PORTS: usize = 20;

/// Whether this machine can be reached by IPv6.
pub fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// TCP and UDP on one port of every loopback address, and a Unix socket for everybody.
#[derive(Debug)]
pub struct Listeners {
    /// Loopback addresses; on both, the port is the same.
    addresses: Vec<SocketAddr>,
    socket: PathBuf,
    ledger: Arc<Ledger>,
}

impl Listeners {
    /// Starts them; the Unix socket's path is `socket`.
    ///
    /// # Errors
    /// No port or path can be had.
    pub fn start(socket: &Path) -> Result<Self> {
        let ledger = Arc::new(Ledger::default());
        let mut addresses = Vec::new();
        for (tcp, udp) in sockets()? {
            addresses.push(tcp.local_addr()?);
            serve_tcp(tcp, &ledger);
            serve_udp(udp, &ledger);
        }
        serve_unix(UnixListener::bind(socket).with_context(|| socket.display().to_string())?, &ledger);
        Ok(Self { addresses, socket: socket.to_owned(), ledger })
    }

    /// The port of TCP and UDP.
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    /// Whether one of them was told the word by somebody who has ended by now.
    ///
    /// # Errors
    /// They did not come to rest, so it is not known.
    pub fn heard(&self, word: &str) -> Result<bool> {
        self.rest()?;
        Ok(self.ledger.lock().heard.contains(word))
    }

    /// Forgets everything heard.
    pub fn clear(&self) {
        self.ledger.lock().heard.clear();
    }

    /// Waits until everything sent so far is heard. Every server hears in order, so it is told a word of ours last.
    fn rest(&self) -> Result<()> {
        let mut words = Vec::new();
        for (number, address) in self.addresses.iter().enumerate() {
            words.extend([format!("rest-tcp-{number}."), format!("rest-udp-{number}.")]);
            say(TcpStream::connect(address)?, &words[2 * number], |stream| stream.shutdown(Shutdown::Write))?;
            let udp = UdpSocket::bind(SocketAddr::new(address.ip(), 0))?;
            udp.send_to(words[2 * number + 1].as_bytes(), address)?;
        }
        words.push("rest-unix.".to_owned());
        say(UnixStream::connect(&self.socket)?, "rest-unix.", |stream| stream.shutdown(Shutdown::Write))?;
        let is_busy = |state: &mut State| state.talking > 0 || words.iter().any(|word| !state.heard.contains(word));
        let waited = self.ledger.changed.wait_timeout_while(self.ledger.lock(), REST, is_busy);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        ensure!(!waited.timed_out(), "the battery's servers did not come to rest");
        for word in words {
            state.heard = state.heard.replace(&word, "");
        }
        Ok(())
    }
}

/// On one port of every loopback address. Where somebody else has it at one of them, another is tried.
fn sockets() -> Result<Vec<(TcpListener, UdpSocket)>> {
    let everywhere = || -> std::io::Result<Vec<_>> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = tcp.local_addr()?;
        let mut all = vec![(tcp, UdpSocket::bind(address)?)];
        if has_ipv6() {
            let six = (Ipv6Addr::LOCALHOST, address.port());
            all.push((TcpListener::bind(six)?, UdpSocket::bind(six)?));
        }
        Ok(all)
    };
    let mut tries = std::iter::repeat_with(everywhere).take(PORTS);
    tries.find_map(Result::ok).context("no port is free at every loopback address")
}

fn say<S: Write>(mut stream: S, word: &str, end: impl FnOnce(&S) -> std::io::Result<()>) -> Result<()> {
    stream.write_all(word.as_bytes())?;
    // Whoever answers too late has heard it.
    end(&stream).ok();
    Ok(())
}

#[derive(Debug, Default)]
struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    heard: String,
    /// Visitors who are connected, and have not been heard yet.
    talking: usize,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        self.lock().talking += 1;
    }

    fn note(&self, said: &[u8]) {
        self.lock().heard.push_str(&String::from_utf8_lossy(said));
        self.changed.notify_all();
    }

    /// Hears a visitor who has begun to talk.
    fn hear(&self, mut stream: impl Read) {
        let mut buffer = [0; 4_096];
        let length = stream.read(&mut buffer).unwrap_or(0);
        self.note(&buffer[..length]);
        self.lock().talking -= 1;
        self.changed.notify_all();
    }
}

fn serve_tcp(listener: TcpListener, ledger: &Arc<Ledger>) {
    let ledger = Arc::clone(ledger);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            ledger.begin();
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || {
                drop(stream.set_read_timeout(Some(PATIENCE)));
                ledger.hear(&mut stream);
                let body = format!("{{\"SecretAccessKey\":\"{CANARY}endpoint\"}}");
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()));
                drop(stream.read(&mut [0; 16]));
            });
        }
    });
}

fn serve_udp(socket: UdpSocket, ledger: &Arc<Ledger>) {
    let ledger = Arc::clone(ledger);
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            ledger.note(&buffer[..length]);
        }
    });
}

fn serve_unix(listener: UnixListener, ledger: &Arc<Ledger>) {
    let ledger = Arc::clone(ledger);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            ledger.begin();
            drop(stream.set_read_timeout(Some(PATIENCE)));
            ledger.hear(stream);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was sent before the question is part of the answer, however the servers' threads are scheduled.
    #[test]
    fn what_was_said_is_heard_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let listeners = Listeners::start(&folder.path().join("socket")).unwrap();
        for round in 0..200 {
            let word = format!("round-{round}.");
            let address = listeners.addresses[round % listeners.addresses.len()];
            match round / 2 % 3 {
                0 => drop(TcpStream::connect(address).unwrap().write_all(word.as_bytes())),
                1 => drop(UdpSocket::bind((address.ip(), 0)).unwrap().send_to(word.as_bytes(), address).unwrap()),
                _ => drop(UnixStream::connect(&listeners.socket).unwrap().write_all(word.as_bytes())),
            }
            assert!(listeners.heard(&word).unwrap(), "{word}");
        }
        listeners.clear();
        assert!(!listeners.heard("round-1.").unwrap());
    }
}
