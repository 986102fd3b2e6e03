use reqwest::Method;
use serde_json::json;

use crate::world::World;

async fn page(world: &World, path: &str, status: u16) -> String {
    let response = world.http.get(format!("{}{path}", world.sim.base_url())).send().await.unwrap();
    assert_eq!(response.status(), status);
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_person_sees_tickets_and_comments() {
    let world = World::new().await;
    assert!(page(&world, "/", 200).await.contains("There are no tickets yet."));
    world.ticket();
    let body = "**Plan:** [open](https://x.example) <img src=x onerror=alert(1)>";
    world.json(Method::POST, "/tickets/FL-1/comments", Some(json!({"body": body})), 201).await;
    world.json(Method::PATCH, "/tickets/FL-1", Some(json!({"status": "Blocked"})), 200).await;
    let list = page(&world, "/", 200).await;
    assert!(list.contains(r#"<a href="/t/FL-1">"#) && list.contains("Sessions expire too early"));
    assert!(list.contains(r#"<span class="badge blocked">Blocked</span>"#));
    let url = world.json(Method::GET, "/tickets/FL-1", None, 200).await["url"].take();
    assert_eq!(url, format!("{}/t/FL-1", world.sim.base_url()));
    world.settled(2).await;
    let ticket = page(&world, "/t/FL-1", 200).await;
    assert!(ticket.contains("<code>session.js</code>"), "the description is rendered");
    assert!(
        ticket.contains(r#"<strong>Plan:</strong> <a href="https://x.example">open</a> &lt;img src=x"#),
        "{ticket}"
    );
    assert!(ticket.contains("ticket.updated") && ticket.contains("delivered"));
    assert!(page(&world, "/t/%3Cb%3E", 404).await.contains("There is no ticket <code>&lt;b&gt;</code>"));
}

#[tokio::test]
async fn a_person_files_a_ticket_and_another_site_does_not() {
    let world = World::new().await;
    assert!(page(&world, "/new", 200).await.contains(r#"<form method="post" action="/new">"#));
    let form =
        "title=Too+slow&description=**Why%3F**&repository=acme%2Fweb&base_branch=&labels=bug%2C+api&priority=high";
    let post = |site: &'static str| {
        let request = world.http.post(format!("{}/new", world.sim.base_url())).header("sec-fetch-site", site);
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send()
    };
    assert_eq!(post("cross-site").await.unwrap().status(), 403);
    assert!(page(&world, "/", 200).await.contains("There are no tickets yet."));
    let made = post("same-origin").await.unwrap();
    assert!(made.url().path().starts_with("/t/FL-"), "{}", made.url());
    let ticket = world.json(Method::GET, "/tickets/FL-1", None, 200).await;
    assert_eq!((&ticket["labels"], &ticket["base_branch"]), (&json!(["bug", "api"]), &json!("main")));
    world.settled(1).await;
}
