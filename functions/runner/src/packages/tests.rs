//! The door over the wire.

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::get;
use base64::Engine as _;
use domain::packages::{AccessToken, Mirror as Source};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;

use super::*;

const TOKEN: &str = "the-mirrors-token";

/// Every host is the same one: it says what it hears.
#[derive(Debug)]
struct Echo(u16);

#[async_trait::async_trait]
impl Dial for Echo {
    async fn dial(&self, _host: &HostName) -> io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.0)).await
    }
}

struct World {
    door: Door,
    port: u16,
    http: reqwest::Client,
}

async fn listener() -> (tokio::net::TcpListener, u16) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn echo() -> u16 {
    let (listener, port) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut from, mut to) = stream.into_split();
            tokio::spawn(async move { copy(&mut from, &mut to).await });
        }
    });
    port
}

/// A registry that says whether it was shown the token, and sends its readers elsewhere.
async fn registry() -> String {
    let (listener, port) = listener().await;
    let base = format!("http://127.0.0.1:{port}/npm/team/");
    let (own, loops) = (base.clone(), base.clone());
    let pad = move |headers: HeaderMap| async move {
        let shown = headers.get("authorization").is_some_and(|value| *value == *format!("Bearer {TOKEN}"));
        let agent = headers.contains_key("x-secret");
        (
            [("content-type", "application/json")],
            format!(r#"{{"shown":{shown},"leaked":{agent},"tarball":"{own}pad/-/pad.tgz"}}"#),
        )
    };
    let routes = Router::new()
        .route("/npm/team/pad", get(pad))
        .route("/npm/team/pad/-/pad.tgz", get(|| async { Redirect::temporary("/blobs/1") }))
        .route("/blobs/1", get(|| async { ([("content-type", "application/octet-stream")], "contents") }))
        .route("/npm/team/away", get(|| async { Redirect::temporary("https://evil.example/x") }))
        .route("/npm/team/inwards", get(|| async { Redirect::temporary("http://169.254.169.254/latest") }))
        .route("/npm/team/around", get(move || async move { Redirect::temporary(&format!("{loops}around")) }))
        .route("/npm/team/closed", get(|| async { StatusCode::UNAUTHORIZED }))
        .route("/npm/other/secret", get(|| async { "of another team" }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base
}

impl World {
    async fn new() -> Self {
        let sources = PackageSources {
            mirrors: vec![Source {
                ecosystem: Ecosystem::Npm,
                url: registry().await,
                token: Some(AccessToken::new(TOKEN.to_owned())),
                redirects: vec![],
            }],
            hosts: HostName::list("packages.example.org").unwrap(),
        };
        let doorway = Doorway::new(sources, Arc::new(Echo(echo().await)));
        let door = doorway.open().unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        door.serve(listener).unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { door, port, http }
    }

    fn variable(&self, name: &str) -> String {
        let variables = self.door.variables(self.port);
        variables.into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}{path}", self.variable("npm_config_registry")));
        let answer = answer.header("x-secret", "code").send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Sends `CONNECT`; the stream, and the answer's first line.
    async fn connect(&self, authority: &str, key: &str) -> (TcpStream, String) {
        let key = base64::engine::general_purpose::STANDARD.encode(format!("setup:{key}"));
        let request = format!("CONNECT {authority} HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic {key}\r\n\r\n");
        self.ask(&request).await
    }

    async fn ask(&self, request: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        let head = String::from_utf8(head).unwrap();
        (stream, head.lines().next().unwrap_or_default().to_owned())
    }

    fn key(&self) -> String {
        self.door.routes.key.clone()
    }
}

#[tokio::test]
async fn packages_are_read_with_a_token_that_the_command_never_sees() {
    let world = World::new().await;
    let (status, text) = world.get("pad").await;
    assert_eq!(status, StatusCode::OK);
    let here = world.variable("npm_config_registry");
    assert_eq!(text, format!(r#"{{"shown":true,"leaked":false,"tarball":"{here}pad/-/pad.tgz"}}"#));
    assert_eq!(world.get("pad/-/pad.tgz").await, (StatusCode::OK, "contents".to_owned()));
    assert!(!world.door.variables(world.port).iter().any(|(_, value)| value.contains(TOKEN)));
    assert_eq!(world.door.refused(), 0);
}

#[tokio::test]
async fn a_mirror_leads_nowhere_else() {
    let world = World::new().await;
    for (path, status) in [
        ("away", StatusCode::FORBIDDEN),
        ("inwards", StatusCode::FORBIDDEN),
        ("around", StatusCode::BAD_GATEWAY),
        ("closed", StatusCode::BAD_GATEWAY),
        ("nothing", StatusCode::NOT_FOUND),
    ] {
        let (found, text) = world.get(path).await;
        assert_eq!(found, status, "{path}: {text}");
        assert!(!text.contains("of another team") && !text.contains(TOKEN), "{text}");
    }
    // As it is: clients take the dots out.
    let request = format!("GET /{}/npm/%2e%2e/other/secret HTTP/1.1\r\nhost: x\r\n\r\n", world.key());
    let answer = world.ask(&request).await.1;
    assert_eq!(answer, "HTTP/1.1 403 Forbidden");
    assert_eq!(world.door.refused(), 3);
}

#[tokio::test]
async fn a_mirror_is_for_reading_by_whoever_was_told() {
    let world = World::new().await;
    let registry = world.variable("npm_config_registry");
    let put = world.http.put(format!("{registry}pad")).body("a package").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
    let guessed = registry.replace(&world.key(), &"0".repeat(48));
    assert_eq!(world.http.get(format!("{guessed}pad")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let pypi = registry.replace("/npm/", "/pypi/");
    assert_eq!(world.http.get(format!("{pypi}simple/")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    // A proxy for plain HTTP would carry anything anywhere.
    let proxy = reqwest::Proxy::http(format!("http://127.0.0.1:{}", world.port)).unwrap();
    let through = reqwest::Client::builder().proxy(proxy).build().unwrap();
    let answer = through.get("http://packages.example.org/x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn tunnels_lead_to_allowed_hosts_and_to_no_other_spelling() {
    let world = World::new().await;
    let key = world.key();
    let (mut stream, answer) = world.connect("packages.example.org:443", &key).await;
    assert_eq!(answer, "HTTP/1.1 200 OK");
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");

    for (authority, status) in [
        ("evil.example:443", "403"),
        ("packages.example.org:80", "403"),
        ("127.0.0.1:443", "403"),
        ("[::ffff:169.254.169.254]:443", "403"),
        ("user@packages.example.org:443", "403"),
        ("packages.example.org\0.evil.example:443", "400"),
        ("packages.example.org%00.evil.example:443", "40"),
    ] {
        let (_, answer) = world.connect(authority, &key).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{authority:?}: {answer}");
    }
    let (_, answer) = world.connect("packages.example.org:443", "guess").await;
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
}

#[tokio::test]
async fn when_the_door_is_shut_nothing_goes_through_it_any_more() {
    let World { door, port, http } = World::new().await;
    let world = World { door, port, http };
    let (mut stream, _) = world.connect("packages.example.org:443", &world.key()).await;
    let registry = world.variable("npm_config_registry");
    world.door.shut().await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "the tunnel is open");
    assert!(world.http.get(format!("{registry}pad")).send().await.is_err());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[test]
fn a_doorway_to_nowhere_has_no_door() {
    assert!(Doorway::new(PackageSources::default(), Arc::new(Echo(1))).open().unwrap().is_none());
}
