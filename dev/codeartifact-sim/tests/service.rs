//! The service as its clients see it: AWS's own SDK, and plain HTTP as package managers speak it.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_codeartifact::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_codeartifact::error::ProvideErrorMetadata;
use aws_sdk_codeartifact::types::PackageFormat;
use codeartifact_sim::{Config, Running, start};
use jiff::Timestamp;
use serde_json::Value;

struct World {
    sim: Running,
    api: aws_sdk_codeartifact::Client,
    http: reqwest::Client,
    now: Arc<AtomicI64>,
}

async fn world() -> World {
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let clock = Arc::clone(&now);
    let clock = Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
    let sim = start(Config { clock, ..Config::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("npm/pad/package.json", r#"{"name":"@tools/pad","version":"1.2.0","main":"index.js"}"#);
    file("npm/pad/index.js", "module.exports = (s) => s.padStart(9);\n");
    file("pypi/slug/wheel.json", r#"{"name":"tiny-slug","version":"2.0.1"}"#);
    file("pypi/slug/tiny_slug.py", "def slug(text):\n    return text.lower()\n");
    sim.publish_folder(folder.path()).unwrap();
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "test")))
        .endpoint_url(sim.base_url())
        .build();
    World { api: aws_sdk_codeartifact::Client::new(&aws), http: reqwest::Client::new(), sim, now }
}

impl World {
    async fn token(&self) -> String {
        let answer = self.api.get_authorization_token().domain("local").duration_seconds(900).send().await.unwrap();
        answer.authorization_token.unwrap()
    }

    async fn base(&self, format: PackageFormat) -> String {
        let ask = self.api.get_repository_endpoint().domain("local").repository("packages").format(format);
        ask.send().await.unwrap().repository_endpoint.unwrap()
    }
}

#[tokio::test]
async fn packages_are_found_by_their_registries_protocols() {
    let world = world().await;
    let token = world.token().await;
    let npm = world.base(PackageFormat::Npm).await;
    let found: Value =
        world.http.get(format!("{npm}@tools%2fpad")).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
    let dist = &found["versions"]["1.2.0"]["dist"];
    assert_eq!(found["dist-tags"]["latest"], "1.2.0");
    let tarball = dist["tarball"].as_str().unwrap();
    let archive = world.http.get(tarball).bearer_auth(&token).send().await.unwrap();
    assert!(archive.url().path().starts_with("/contents/"), "{}", archive.url());
    assert_eq!(archive.bytes().await.unwrap().first_chunk(), Some(&[0x1f, 0x8b]));

    let pypi = world.base(PackageFormat::Pypi).await;
    let page = world.http.get(format!("{pypi}simple/tiny-slug/")).basic_auth("aws", Some(&token));
    let page = page.send().await.unwrap().text().await.unwrap();
    let link = page.split('"').find(|part| part.contains("#sha256=")).unwrap();
    assert!(link.contains("tiny_slug-2.0.1-py3-none-any.whl"), "{link}");
    let wheel = world.http.get(link).basic_auth("aws", Some(&token)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(wheel.first_chunk(), Some(b"PK"));
}

#[tokio::test]
async fn nothing_is_found_without_a_token_that_lives() {
    let world = world().await;
    let token = world.token().await;
    let pad = format!("{}@tools%2fpad", world.base(PackageFormat::Npm).await);
    let status = async |token: Option<&str>| {
        let ask = world.http.get(&pad);
        let ask = if let Some(token) = token { ask.bearer_auth(token) } else { ask };
        ask.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(None).await, 401);
    assert_eq!(status(Some("nonsense")).await, 401);
    assert_eq!(status(Some(&token)).await, 200);
    world.now.fetch_add(900, Ordering::Relaxed);
    assert_eq!(status(Some(&token)).await, 401);
    let authorized: Vec<bool> = world.sim.requests().iter().map(|request| request.authorized).collect();
    assert_eq!(authorized, [false, false, true, false]);
}

#[tokio::test]
async fn mistakes_are_told_as_the_service_tells_them() {
    let world = world().await;
    let ask = world.api.get_authorization_token().domain("other").send().await;
    assert_eq!(ask.unwrap_err().code(), Some("ResourceNotFoundException"));
    let ask = world.api.get_authorization_token().domain("local").duration_seconds(60).send().await;
    assert_eq!(ask.unwrap_err().code(), Some("ValidationException"));
    let ask = world.api.get_repository_endpoint().domain("local").repository("x").format(PackageFormat::Npm).send();
    assert_eq!(ask.await.unwrap_err().code(), Some("ResourceNotFoundException"));
}
