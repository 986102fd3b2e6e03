//! Neither tokens nor keys are in a log.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::CodeHost;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::desk::{Desk, WRITE};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn not_even_at_the_lowest_level() {
    let log = Log::default();
    let writer = log.clone();
    let format = tracing_subscriber::fmt::layer().json().with_writer(move || writer.clone());
    // The simulator is not ours to keep quiet.
    let wanted = Targets::new().with_default(LevelFilter::TRACE).with_target("github_sim", LevelFilter::OFF);
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(format).with(wanted));

    let desk = Desk::start(WRITE).await;
    let first = desk.ask("acme/web").await.unwrap();
    let second = desk.ask_after(&first, "acme/web").await.unwrap();
    desk.ask("acme/nothing").await.unwrap_err();
    let personal = json!({ "kind": "token", "token": CodeHost::TOKEN });
    let local = Desk::start_with(WRITE, &personal, |context| context.config.allow_personal_token = true).await;
    local.ask("acme/web").await.unwrap();

    let text = log.text();
    assert_eq!(text.matches("token issued").count(), 3, "{text}");
    let key = CodeHost::app_key().private_pem.expose_secret();
    let line_of_key = key.lines().nth(5).unwrap();
    for secret in [first.token.as_str(), &second.token, CodeHost::TOKEN, line_of_key] {
        let place = text.find(secret).map(|at| &text[at.saturating_sub(600)..at]);
        assert_eq!(place, None);
    }
    let shown = format!("{:?} {:?} {:?}", desk.context.cache, first, desk.context.host);
    assert!(shown.contains("[hidden]") && !shown.contains("ghs_"), "{shown}");
}
