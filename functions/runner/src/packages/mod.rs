//! The door through which `[setup]` fetches packages: open while that one command runs, and shut for good before
//! anything that the agent wrote can.
//!
//! A sandbox has no network. Its only ways out are sockets on which the supervisor listens inside of it, and the
//! supervisor is the one who speaks to the world:
//! - [`mirror`]: package registries below a path of our own. The supervisor reads there, with a credential that the
//!   command never sees; nothing can be published.
//! - [`tunnel`]: `CONNECT` to hosts that the operator named, for what has no mirror.
//!
//! What package managers are told about it is in [`settings`].

pub mod dial;
pub mod mirror;
mod server;
pub mod settings;
pub mod tunnel;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::Utf8Path;
use domain::packages::{Ecosystem, HostName, PackageSources};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::dial::Dial;
use self::mirror::{BadMirror, Mirror};

/// Where doors are opened: one for each setup command. Whoever has none of these cannot open any.
#[derive(Debug, Clone)]
pub struct Doorway {
    sources: PackageSources,
    dial: Arc<dyn Dial>,
}

impl Doorway {
    /// To these sources.
    pub const fn new(sources: PackageSources, dial: Arc<dyn Dial>) -> Self {
        Self { sources, dial }
    }

    /// A new door. `None`: it would lead nowhere.
    ///
    /// # Errors
    /// A mirror's address is not usable.
    pub fn open(&self) -> Result<Option<Door>, BadMirror> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        Door::new(&self.sources, Arc::clone(&self.dial)).map(Some)
    }
}

/// An open door. Dropping it shuts it.
#[derive(Debug)]
pub struct Door {
    routes: Arc<Routes>,
    shut: CancellationToken,
    connections: TaskTracker,
}

/// Where requests go.
#[derive(Debug)]
struct Routes {
    /// Part of every address, so that only who was told can use the door.
    key: String,
    mirrors: Vec<Mirror>,
    hosts: Vec<HostName>,
    dial: Arc<dyn Dial>,
    refused: AtomicU64,
}

impl Door {
    /// A door at which nobody listens yet.
    ///
    /// # Errors
    /// A mirror's address is not usable.
    fn new(sources: &PackageSources, dial: Arc<dyn Dial>) -> Result<Self, BadMirror> {
        let routes = Routes {
            key: hex::encode(rand::random::<[u8; 24]>()),
            mirrors: sources.mirrors.iter().map(Mirror::new).collect::<Result<_, _>>()?,
            hosts: sources.hosts.clone(),
            dial,
            refused: AtomicU64::new(0),
        };
        Ok(Self { routes: Arc::new(routes), shut: CancellationToken::new(), connections: TaskTracker::new() })
    }

    /// What package managers are told in environment variables, when they reach the door at `port`.
    pub fn variables(&self, port: u16) -> Vec<(&'static str, String)> {
        settings::variables(&self.routes.key, port, &self.ecosystems(), !self.routes.hosts.is_empty())
    }

    /// Writes what package managers are told in files into a HOME in which nothing has run yet.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_settings(&self, home: &Utf8Path, port: u16) -> io::Result<()> {
        settings::write(home, &self.routes.key, port, &self.ecosystems())
    }

    /// Serves whoever reaches this socket, until the door is shut.
    ///
    /// # Errors
    /// The socket is not usable.
    pub fn serve(&self, listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (routes, shut, connections) = (Arc::clone(&self.routes), self.shut.clone(), self.connections.clone());
        self.connections.spawn(async move {
            let accepting = server::accept(listener, port, routes, &connections, &shut);
            shut.run_until_cancelled(accepting).await;
        });
        Ok(())
    }

    /// How many requests were refused.
    pub fn refused(&self) -> u64 {
        self.routes.refused.load(Ordering::Relaxed)
    }

    /// Shuts the door, and waits until nothing goes through it any more.
    pub async fn shut(self) {
        self.shut.cancel();
        self.connections.close();
        self.connections.wait().await;
    }

    fn ecosystems(&self) -> Vec<Ecosystem> {
        self.routes.mirrors.iter().map(Mirror::ecosystem).collect()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut.cancel();
    }
}

#[cfg(test)]
mod tests;
