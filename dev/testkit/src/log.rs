//! What our functions log.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

/// Everything that our functions would log on the current thread from now on, were everything asked for.
///
/// Simulators run on the thread of their test and are left out: they are not ours to keep quiet.
pub struct Log {
    text: Text,
    _collecting: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Log {
    /// Starts.
    pub fn collect() -> Self {
        let text = Text::default();
        let writer = text.clone();
        let layer = runtime::telemetry::layer("trace,github_sim=off,codeartifact_sim=off", move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        Self { text, _collecting: tracing::subscriber::set_default(subscriber) }
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }

    /// What was logged just before a secret, if it was logged at all.
    pub fn before(&self, secret: &str) -> Option<String> {
        let text = self.text();
        text.find(secret).map(|at| text[..at].chars().rev().take(600).collect::<Vec<_>>().into_iter().rev().collect())
    }
}
