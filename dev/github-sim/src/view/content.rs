//! Blobs, trees and files.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{encode, encode_path, node_id};
use crate::git::{Tree, TreeEntry};
use crate::names::{RepoName, Sha};
use crate::sim::Sim;

/// Characters per line of GitHub's base64.
const LINE: usize = 60;
/// Files over this many bytes come without content.
const LARGEST: usize = 1_048_576;

/// Base64 in lines, each with its line break, as GitHub sends it.
fn base64_lines(bytes: &[u8]) -> String {
    let flat = base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut text = String::with_capacity(flat.len() + flat.len() / LINE + 1);
    let mut rest = flat.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text
}

/// A blob, as the Git API shows it.
pub(crate) fn blob(sim: &Sim, repo: &RepoName, sha: &Sha, bytes: &[u8]) -> Value {
    json!({
        "sha": sha,
        "node_id": node_id("Blob", sha),
        "size": bytes.len(),
        "url": sim.links.repo_api(repo, &format!("/git/blobs/{sha}")),
        "content": base64_lines(bytes),
        "encoding": "base64",
    })
}

/// A tree, as the Git API shows it.
pub(crate) fn tree(sim: &Sim, repo: &RepoName, tree: &Tree) -> Value {
    let entry = |e: &TreeEntry| {
        let mut value = json!({
            "path": e.path,
            "mode": e.mode,
            "type": e.kind,
            "sha": e.sha,
        });
        if let Some(size) = e.size {
            value["size"] = size.into();
        }
        if e.kind != "commit" {
            value["url"] = sim.links.repo_api(repo, &format!("/git/{}s/{}", e.kind, e.sha)).into();
        }
        value
    };
    json!({
        "sha": tree.sha,
        "url": sim.links.repo_api(repo, &format!("/git/trees/{}", tree.sha)),
        "tree": tree.entries.iter().map(entry).collect::<Value>(),
        "truncated": false,
    })
}

/// One line of a folder's listing; `path` is the entry's full path.
pub(crate) fn directory_entry(sim: &Sim, repo: &RepoName, reference: &str, path: &str, entry: &TreeEntry) -> Value {
    let kind = match (entry.kind.as_str(), entry.mode.as_str()) {
        ("tree", _) => "dir",
        ("commit", _) => "submodule",
        (_, "120000") => "symlink",
        _ => "file",
    };
    let git_kind = if kind == "dir" { "trees" } else { "blobs" };
    let page = if kind == "dir" { "tree" } else { "blob" };
    let encoded = encode_path(path);
    let url = sim.links.repo_api(repo, &format!("/contents/{encoded}?ref={}", encode(reference)));
    let git = sim.links.repo_api(repo, &format!("/git/{git_kind}/{}", entry.sha));
    let html = sim.links.repo_html(repo, &format!("/{page}/{}/{encoded}", encode_path(reference)));
    let raw = sim.links.repo_html(repo, &format!("/raw/{}/{encoded}", encode_path(reference)));
    json!({
        "type": kind,
        "size": entry.size.unwrap_or(0),
        "name": path.rsplit('/').next().unwrap_or_default(),
        "path": path,
        "sha": entry.sha,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": if kind == "file" { Value::from(raw) } else { Value::Null },
        "_links": { "self": url, "git": git, "html": html },
    })
}

/// A file or symbolic link with its contents.
pub(crate) fn contents(
    sim: &Sim,
    repo: &RepoName,
    reference: &str,
    path: &str,
    entry: &TreeEntry,
    bytes: &[u8],
) -> Value {
    let mut value = directory_entry(sim, repo, reference, path, entry);
    if entry.mode == "120000" {
        value["target"] = String::from_utf8_lossy(bytes).into();
    } else if bytes.len() > LARGEST {
        value["content"] = "".into();
        value["encoding"] = "none".into();
    } else {
        value["content"] = base64_lines(bytes).into();
        value["encoding"] = "base64".into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::base64_lines;

    #[test]
    fn base64_has_lines_of_sixty() {
        assert_eq!(base64_lines(b""), "");
        assert_eq!(base64_lines(b"hi"), "aGk=\n");
        let long = base64_lines(&[0; 100]);
        assert!(long.lines().all(|l| l.len() <= 60) && long.ends_with('\n') && long.lines().count() == 3);
    }
}
