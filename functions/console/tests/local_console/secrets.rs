//! Secrets and tables that cannot be used.

use std::sync::Arc;

use axum::http::{Request, header};
use console::{Aws, Console, app};
use runtime::Secrets;
use serde_json::json;
use store::Store;
use testkit::sample::ticket;

use crate::site::{Site, TOKEN, answer, api, clock};

#[tokio::test]
async fn a_secret_that_cannot_be_used_opens_nothing() {
    let mut site = Site::start().await;
    let good = site.config.clone();
    let short = site.world.secret(&json!({ "token": "short-hidden", "email": "ann@acme.example" }));
    let odd = site.world.secret(&json!({ "tokens": "hidden" }));
    let gone = "arn:aws:secretsmanager:us-east-1:000000000000:secret:gone".to_owned();
    for arn in [short, odd.clone(), gone] {
        site.config.api_token_secret_arn = arn;
        let refused = site.get("/api/workflows").await;
        assert_eq!(refused.status, 500);
        assert!(!refused.body.contains("hidden"), "{}", refused.body);
    }
    site.config = console::Config { signing_key_secret_arn: odd.clone(), ..good.clone() };
    assert_eq!(site.get("/api/workflows").await.status, 500);
    site.config = console::Config { github_oauth_secret_arn: Some(odd), ..good.clone() };
    assert_eq!(site.get("/api/workflows").await.status, 500);
    site.config = good;
    assert_eq!(site.get("/api/workflows").await.status, 200);
    assert_eq!(site.visit("/api/workflows").await.status, 401);
}

#[tokio::test]
async fn a_part_that_does_not_answer_is_worth_another_try() {
    let site = Site::start().await;
    let id = site.world.begin(&ticket("FL-1")).await.id;
    let down = site.world.unreachable();
    let rows = Store::new(aws_sdk_dynamodb::Client::new(&down), &site.config.state_table, &site.config.audit_table);
    let no_rows = Aws { store: rows, ..site.backend() };
    let no_secrets = Aws { secrets: Secrets::from_config(&down), ..site.backend() };
    for backend in [no_rows, no_secrets] {
        let app = app(Arc::new(Console::new(backend, site.config.settings.clone(), clock)));
        let request = Request::get(api(&id, "")).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let busy = answer(app, request, String::new()).await;
        assert_eq!((busy.status.as_u16(), busy.headers["retry-after"].to_str().unwrap()), (503, "2"), "{}", busy.body);
    }
}
