//! What our functions log.

use tempfile::NamedTempFile;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

/// Everything that our functions would log on the current thread from now on, were everything asked for.
///
/// Simulators run on the thread of their test and are left out: they are not ours to keep quiet.
pub struct Log {
    lines: NamedTempFile,
    _collecting: DefaultGuard,
}

impl Log {
    /// Starts.
    pub fn collect() -> Self {
        let lines = NamedTempFile::new().unwrap();
        let layer = runtime::telemetry::layer("trace,github_sim=off,codeartifact_sim=off", lines.reopen().unwrap());
        let subscriber = tracing_subscriber::registry().with(layer);
        Self { lines, _collecting: tracing::subscriber::set_default(subscriber) }
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.lines).unwrap()
    }

    /// What was logged just before a secret, if it was logged at all.
    pub fn before(&self, secret: &str) -> Option<String> {
        let text = self.text();
        text.find(secret).map(|at| text[..at].chars().rev().take(600).collect::<Vec<_>>().into_iter().rev().collect())
    }
}
