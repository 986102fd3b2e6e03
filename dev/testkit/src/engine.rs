//! One engine for all worlds of a process.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use machine_tests::client::Client;
use toolchain::engine::{Engine, EngineSettings};
use toolchain::{Component, Toolchain};

/// A running engine. The fields are dropped in this order: the folder goes when nothing writes to it any more.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) client: Client,
    _folder: tempfile::TempDir,
}

/// The process's engine, started if no world has one now.
pub(crate) fn shared() -> Arc<Shared> {
    static ENGINE: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    let mut known = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let shared = Arc::new(start());
        *known = Arc::downgrade(&shared);
        shared
    })
}

fn start() -> Shared {
    let toolchain = Toolchain::of_this_checkout();
    assert!(toolchain.is_current(Component::Engine).unwrap(), "the engine is not installed: run `cargo xtask setup`");
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(&toolchain, &EngineSettings::new(folder.path())).unwrap();
    Shared { client: Client::new(&engine), engine, _folder: folder }
}
