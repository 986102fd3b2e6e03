//! Neither tokens nor keys are in a log.

use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::{CodeHost, Log};

use crate::desk::{Desk, WRITE};

#[tokio::test]
async fn not_even_at_the_lowest_level() {
    let log = Log::collect();
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
        assert_eq!(log.before(secret), None);
    }
    let shown = format!("{:?} {:?} {:?}", desk.context.cache, first, desk.context.host);
    assert!(shown.contains("[hidden]") && !shown.contains("ghs_"), "{shown}");
}
