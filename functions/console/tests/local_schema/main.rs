//! The API against its own description: Schemathesis asks it over HTTP what the description allows and what it does not,
//! and compares the answers. Rows are in the local engine.
//!
//! Needs the engine and Schemathesis installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "another target calls the rest")]
#[path = "../local_console/site.rs"]
mod site;

use std::process::Command;
use std::sync::Arc;

use console::{Console, app};
use domain::failure::{Failure, FailureKind};
use domain::gate::GateKind;
use domain::steps::Done;
use domain::workflow::Event;
use serde_json::{Value, json};
use testkit::Functions;
use testkit::sample::{sha, ticket};
use toolchain::Toolchain;

use crate::site::{Site, TOKEN, clock};

/// How long it may ask, seconds.
const SECONDS: u32 = 60;

/// A site with workflows in several states, two open gates among them.
async fn populated() -> Site {
    let site = Site::start().await;
    // Whether a plan holds is decided by `workflow`, which needs a repository; here no plan is the one that is asked about.
    site.functions.on(Functions::WORKFLOW, async |request: Value| match request["step"].as_str() {
        Some("edit_spec") => Ok(json!({"outcome": "not_asked"})),
        _ => Ok(serde_json::to_value(Done::Done).unwrap()),
    });
    site.waiting().await;
    let published = site.world.published(&ticket("FL-2"), &sha("b")).await;
    site.world.open(&published, GateKind::Pr).await;
    site.planned("FL-3").await;
    site.world.begin(&ticket("FL-4")).await;
    let failed = site.world.begin(&ticket("FL-5")).await;
    site.world.tell(&failed.id, [Event::Failed { failure: Failure::new(FailureKind::Internal, "a bug") }]).await;
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_described_is_what_is_done() {
    let site = populated().await;
    let console = Console::new(site.backend(), site.config.settings.clone(), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app(Arc::new(console))).into_future());

    let mut fuzzer = Command::new(Toolchain::of_this_checkout().api_fuzzer());
    fuzzer
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/local_schema/schemathesis.toml")])
        .args(["run", &format!("{origin}/api/openapi.json"), "--url", &origin])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        // One worker: Python 3.11's own parser is not safe in two threads ("AST constructor recursion depth mismatch").
        .args(["--checks", "all", "--max-time", &SECONDS.to_string(), "--workers", "1"])
        .args(["--no-color", "--warnings", "off"])
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || fuzzer.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    // A run that could not ask anything would find nothing. The description's own route is not asked about.
    let described = site.visit("/api/openapi.json").await.json();
    let operations = described["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len());
    let tested = format!("Tested: {}\n", operations.sum::<usize>() - 1);
    assert!(text.contains(&tested), "{tested}{text}");
}
