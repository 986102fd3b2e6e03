//! Holds the state in memory and keeps `state.json` up to date.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::sync::Notify;

use crate::state::State;

/// The state behind a lock. Changes are saved by [`Store::run_saver`] soon after, and by [`Store::save`] at the end.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    file: PathBuf,
    changed: Notify,
}

impl Store {
    /// Reads `state.json` in `dir`, or begins with nothing.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        let file = dir.join("state.json");
        let state = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{} does not fit this version; delete the folder to begin anew", file.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
        };
        Ok(Self { state: Mutex::new(state), file, changed: Notify::new() })
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the state.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_one();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file: whole or not at all.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(&*self.lock()).context("the state cannot be written as JSON")?;
        let draft = self.file.with_extension("json.new");
        std::fs::write(&draft, bytes).with_context(|| format!("{} cannot be written", draft.display()))?;
        std::fs::rename(&draft, &self.file).with_context(|| format!("{} cannot be replaced", self.file.display()))
    }

    /// Saves after every change, until it is dropped.
    pub(crate) async fn run_saver(&self) {
        loop {
            self.changed.notified().await;
            if let Err(error) = self.save() {
                tracing::error!(error = format!("{error:#}"), "the state was not saved");
            }
        }
    }
}
