//! The pages a person opens, and the forms a person sends.

use reqwest::Method;
use serde_json::json;

use crate::support::{PERSONAL, World};

struct Browser<'a>(&'a World);

impl Browser<'_> {
    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.0.http.get(format!("{}{path}", self.0.sim.html_base())).send().await.unwrap();
        let policy = response.headers().get("content-security-policy").cloned();
        assert!(policy.is_some_and(|p| p.to_str().unwrap().starts_with("default-src 'none'")), "{path}");
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn see(&self, path: &str, texts: &[&str]) {
        let (status, page) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {page}");
        for text in texts {
            assert!(page.contains(text), "{path} does not show {text:?}: {page}");
        }
    }

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let url = format!("{}{path}", self.0.sim.html_base());
        let response = self.0.http.post(url).form(form).send().await.unwrap();
        let status = response.status().as_u16();
        let location = response.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
        (status, location.unwrap_or(response.text().await.unwrap()))
    }
}

#[tokio::test]
async fn browsing_a_repository() {
    let world = World::start().await;
    world.push("topic/x", "a <b>.txt", "<script>alert(1)</script>\n").await;
    let browser = Browser(&world);
    browser.see("/", &["acme/web", "0 open pull requests"]).await;
    browser.see("/acme", &["acme/web"]).await;
    browser.see("/acme/web", &["src/", "README.md", "<h1>Web</h1>", "topic/x", "git clone"]).await;
    browser.see("/acme/web/tree/topic/x/src", &["app.js"]).await;
    browser.see("/acme/web/blob/main/src/app.js", &["line two"]).await;
    browser.see("/acme/web/blob/topic/x/a%20%3Cb%3E.txt", &["&lt;script&gt;"]).await;
    browser.see("/acme/web/commits/topic/x", &["Change a &lt;b&gt;.txt", "Initial commit"]).await;
    browser.see(&format!("/acme/web/commit/{}", world.first), &["Initial commit", "5 files"]).await;
    let (status, text) = browser.get("/acme/web/raw/main/README.md").await;
    assert_eq!((status, text.as_str()), (200, "# Web\n"));
    assert_eq!(browser.get("/acme/none").await.0, 404);
    assert_eq!(browser.get("/acme/web/blob/main/none").await.0, 404);
}

#[tokio::test]
async fn reviewing_and_merging() {
    let world = World::start().await;
    let browser = Browser(&world);
    let token = world.installation_token(json!({})).await;
    let number = world.open_pull("feature", &token).await;
    let page = format!("/acme/web/pull/{number}");
    browser.see("/acme/web/pulls", &["Add feature", "ticket-bot[bot]"]).await;
    browser.see(&page, &["You are maintainer", "This can be merged", "feature.txt", "class=\"add\"", "Approve"]).await;
    let at = |what: &str| format!("{page}/{what}");
    let sent = browser.send(&at("review"), &[("event", "REQUEST_CHANGES"), ("body", "")]).await;
    assert_eq!(sent.0, 422, "{}", sent.1);
    assert!(sent.1.contains("Nothing was changed"), "{}", sent.1);
    let sent = browser.send(&at("review"), &[("event", "REQUEST_CHANGES"), ("body", "Please **test**")]).await;
    assert_eq!(sent, (303, page.clone()));
    browser.send(&at("comment"), &[("body", "A thought <b>")]).await;
    browser.send(&at("review"), &[("event", "APPROVE"), ("body", "")]).await;
    browser
        .see(&page, &["requested changes", "<strong>test</strong>", "approved these changes", "A thought &lt;b&gt;"])
        .await;
    browser.send(&at("state"), &[("state", "closed")]).await;
    browser.see(&page, &["Closed without merging", "Reopen"]).await;
    browser.send(&at("state"), &[("state", "open")]).await;

    let head = world.git(&["rev-parse", "feature"]);
    world.push("feature", "more.txt", "x\n").await;
    let stale = browser.send(&at("merge"), &[("sha", &head), ("merge_method", "squash")]).await;
    assert_eq!(stale.0, 409);
    assert!(stale.1.contains("Head branch was modified"), "{}", stale.1);
    let head = world.git(&["rev-parse", "feature"]);
    let sent = browser.send(&at("merge"), &[("sha", &head), ("merge_method", "squash")]).await;
    assert_eq!(sent, (303, page.clone()));
    browser.see(&page, &["Merged", "maintainer"]).await;
    let pull = world.call(Method::GET, &format!("/repos/acme/web/pulls/{number}"), PERSONAL, None).await;
    assert_eq!(pull.body["merged_by"]["login"], "maintainer");
}

#[tokio::test]
async fn conflicts_are_named() {
    let world = World::start().await;
    world.push("ours", "src/app.js", "ours\n").await;
    let body = json!({ "title": "Ours", "head": "ours", "base": "main" });
    world.call(Method::POST, "/repos/acme/web/pulls", PERSONAL, Some(body)).await;
    world.push("main", "src/app.js", "theirs\n").await;
    Browser(&world)
        .see("/acme/web/pull/1", &["has conflicts with the base", "<code>src/app.js</code>", "disabled"])
        .await;
}
