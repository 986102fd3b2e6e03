//! Archives and file reading.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use reqwest::Method;
use serde_json::json;

use crate::support::{PERSONAL, World};

async fn unpack(world: &World, location: &str) -> BTreeMap<String, String> {
    let response = world.http.get(location).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-gzip");
    let bytes = response.bytes().await.unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(path, text);
        }
    }
    files
}

#[tokio::test]
async fn tarballs_honour_export_attributes_and_need_only_their_own_token() {
    let world = World::start().await;
    let answer = world.call(Method::GET, "/repos/acme/web/tarball/main", PERSONAL, None).await;
    assert_eq!(answer.status, 302);
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let files = unpack(&world, &location).await;
    let top = format!("acme-web-{}", world.first.short());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [".gitattributes", "README.md", "VERSION", "src/app.js"].map(|f| format!("{top}/{f}"));
    assert_eq!(names, expected, "docs/secret.txt is marked export-ignore");
    assert_eq!(files[&format!("{top}/VERSION")], format!("{}\n", world.first), "export-subst");

    let no_token = location.split("token=").next().unwrap();
    assert_eq!(world.http.get(no_token).send().await.unwrap().status(), 404);
    let other = location.replace("/acme/web/", "/acme/other/");
    assert_eq!(world.http.get(other).send().await.unwrap().status(), 404);
    world.clock.advance(301);
    assert_eq!(world.http.get(&location).send().await.unwrap().status(), 404, "expired");
}

#[tokio::test]
async fn a_tarball_of_nothing_is_found_out_at_the_download() {
    let world = World::start().await;
    let answer = world.call(Method::GET, "/repos/acme/web/tarball/no/such", PERSONAL, None).await;
    assert_eq!(answer.status, 302);
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(world.http.get(location).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn folders_become_repositories_as_they_are() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = World::start().await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    std::fs::create_dir_all(root.join(".git")).unwrap();
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::write(root.join(".git/config"), "not part of it").unwrap();
    std::fs::write(root.join("bin/run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(root.join("bin/run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(root.join("data.bin"), [0, 159, 146, 150]).unwrap();
    std::fs::write(root.join("odd\nname \"é\".txt"), "odd").unwrap();
    symlink("bin/run.sh", root.join("link")).unwrap();
    let one = world.sim.create_repo_from_dir("acme", "one", root).await.unwrap();
    let two = world.sim.create_repo_from_dir("acme", "two", root).await.unwrap();
    assert_eq!(one, two, "the same files always give the same commit");

    let tree = world.call(Method::GET, "/repos/acme/one/git/trees/main?recursive=1", PERSONAL, None).await;
    let brief: Vec<(String, String)> = tree.body["tree"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["mode"].as_str().unwrap().to_owned(), e["path"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("040000", "bin"),
        ("100755", "bin/run.sh"),
        ("100644", "data.bin"),
        ("120000", "link"),
        ("100644", "odd\nname \"é\".txt"),
    ];
    assert_eq!(brief, expected.map(|(m, p)| (m.to_owned(), p.to_owned())));
    let file = world.call(Method::GET, "/repos/acme/one/contents/data.bin", PERSONAL, None).await;
    let content = file.body["content"].as_str().unwrap().replace('\n', "");
    let bytes = base64::engine::general_purpose::STANDARD.decode(content).unwrap();
    assert_eq!(bytes, [0, 159, 146, 150]);
    let link = world.call(Method::GET, "/repos/acme/one/contents/link", PERSONAL, None).await;
    assert_eq!((&link.body["type"], &link.body["name"]), (&json!("file"), &json!("link")), "followed");
    let again = world.sim.create_repo_from_dir("acme", "one", root).await.unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
}

#[tokio::test]
async fn raw_and_diff_media_types() {
    let world = World::start().await;
    world.push("feature", "src/app.js", "line one\nline 2\nline three\n").await;
    let get = async |path: &str, accept: &str| {
        let url = format!("{}/repos/acme/web{path}", world.sim.api_base());
        let request = world.http.get(url).bearer_auth(PERSONAL).header("accept", accept);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(get("/contents/README.md", "application/vnd.github.raw+json").await, "# Web\n");
    assert_eq!(get("/contents/README.md", "application/vnd.github.v3.raw").await, "# Web\n");
    let diff = get("/compare/main...feature", "application/vnd.github.diff").await;
    assert!(diff.contains("-line two\n+line 2\n"), "{diff}");
    let sha = get("/commits/feature", "application/vnd.github.sha").await;
    assert_eq!(sha.len(), 40);
}

#[tokio::test]
async fn comparisons_count_both_sides_and_name_renames() {
    let world = World::start().await;
    world.push("feature", "src/app.js", "line one\nline 2\nline three\n").await;
    world.push("main", "other.txt", "x\n").await;
    let tree = json!([
        { "path": "guide.md", "mode": "100644", "content": "# Web\n" },
        { "path": "README.md", "mode": "100644", "sha": null },
        { "path": "VERSION", "mode": "120000", "content": "README.md" },
    ]);
    let tip = world.git(&["rev-parse", "feature"]);
    let body = json!({ "base_tree": tip, "tree": tree });
    let tree = world.call(Method::POST, "/repos/acme/web/git/trees", PERSONAL, Some(body)).await.body["sha"].clone();
    let body = json!({ "message": "Move", "tree": tree, "parents": [tip] });
    let commit = world.call(Method::POST, "/repos/acme/web/git/commits", PERSONAL, Some(body)).await;
    let body = json!({ "sha": commit.body["sha"] });
    let moved = world.call(Method::PATCH, "/repos/acme/web/git/refs/heads/feature", PERSONAL, Some(body)).await;
    assert_eq!(moved.status, 200, "{}", moved.body);

    let compared = world.call(Method::GET, "/repos/acme/web/compare/main...feature", PERSONAL, None).await.body;
    assert_eq!((&compared["ahead_by"], &compared["behind_by"]), (&json!(2), &json!(1)));
    assert_eq!(compared["status"], "diverged");
    assert_eq!(compared["merge_base_commit"]["sha"], world.first.as_str());
    let files: Vec<(&str, &str)> = compared["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["filename"].as_str().unwrap(), f["status"].as_str().unwrap()))
        .collect();
    assert_eq!(files, [("VERSION", "changed"), ("guide.md", "renamed"), ("src/app.js", "modified")]);
    let file = |n: usize| &compared["files"][n];
    assert_eq!(file(1)["previous_filename"], "README.md");
    assert_eq!(file(1).get("patch"), None);
    assert!(file(0)["patch"].as_str().unwrap().contains("+README.md"), "{}", file(0));
    assert_eq!(file(2)["patch"], "@@ -1,3 +1,3 @@\n line one\n-line two\n+line 2\n line three");
}
