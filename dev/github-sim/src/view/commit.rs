//! References, commits, changed files and comparisons.

use serde_json::{Value, json};

use super::{encode_path, node_id, user};
use crate::git::{Commit, FileChange, Identity, Ref};
use crate::names::{RepoName, Sha};
use crate::sim::Sim;

/// A reference, as the Git API shows it.
pub(crate) fn reference(sim: &Sim, repo: &RepoName, reference: &Ref) -> Value {
    let kind = match reference.kind.as_str() {
        "tag" => "tags",
        "tree" => "trees",
        "blob" => "blobs",
        _ => "commits",
    };
    json!({
        "ref": reference.name,
        "node_id": node_id("Ref", format!("{repo}:{}", reference.name)),
        "url": sim.links.repo_api(repo, &format!("/git/{}", encode_path(&reference.name))),
        "object": {
            "sha": reference.sha,
            "type": reference.kind,
            "url": sim.links.repo_api(repo, &format!("/git/{kind}/{}", reference.sha)),
        },
    })
}

fn person(who: &Identity) -> Value {
    json!({ "name": who.name, "email": who.email, "date": who.date })
}

fn verification(commit: &Commit) -> Value {
    let reason = if commit.signature.is_some() { "unknown_key" } else { "unsigned" };
    json!({
        "verified": false,
        "reason": reason,
        "signature": commit.signature,
        "payload": null,
        "verified_at": null,
    })
}

fn parents(sim: &Sim, repo: &RepoName, commit: &Commit, path: &str) -> Value {
    let one = |sha: &Sha| {
        json!({
            "sha": sha,
            "url": sim.links.repo_api(repo, &format!("{path}/{sha}")),
            "html_url": sim.links.repo_html(repo, &format!("/commit/{sha}")),
        })
    };
    commit.parents.iter().map(one).collect()
}

/// A commit, as the Git API shows it.
pub(crate) fn git_commit(sim: &Sim, repo: &RepoName, commit: &Commit) -> Value {
    let sha = &commit.sha;
    json!({
        "sha": sha,
        "node_id": node_id("Commit", sha),
        "url": sim.links.repo_api(repo, &format!("/git/commits/{sha}")),
        "html_url": sim.links.repo_html(repo, &format!("/commit/{sha}")),
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "tree": {
            "sha": commit.tree,
            "url": sim.links.repo_api(repo, &format!("/git/trees/{}", commit.tree)),
        },
        "message": commit.message,
        "parents": parents(sim, repo, commit, "/git/commits"),
        "verification": verification(commit),
    })
}

/// A commit, as the repository API shows it; `files` adds the statistics.
pub(crate) fn commit(sim: &Sim, repo: &RepoName, commit: &Commit, files: Option<&[FileChange]>) -> Value {
    let sha = &commit.sha;
    let url = sim.links.repo_api(repo, &format!("/commits/{sha}"));
    let account = |who: &Identity| {
        let found = sim.store.read(|s| s.users.values().find(|u| u.commit_email() == who.email).cloned());
        found.map_or(Value::Null, |found| user(&sim.links, &found))
    };
    let mut value = json!({
        "sha": sha,
        "node_id": node_id("Commit", sha),
        "commit": {
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "message": commit.message,
            "tree": {
                "sha": commit.tree,
                "url": sim.links.repo_api(repo, &format!("/git/trees/{}", commit.tree)),
            },
            "url": sim.links.repo_api(repo, &format!("/git/commits/{sha}")),
            "comment_count": 0,
            "verification": verification(commit),
        },
        "url": url,
        "html_url": sim.links.repo_html(repo, &format!("/commit/{sha}")),
        "comments_url": format!("{url}/comments"),
        "author": account(&commit.author),
        "committer": account(&commit.committer),
        "parents": parents(sim, repo, commit, "/commits"),
    });
    if let Some(files) = files {
        let additions: u64 = files.iter().map(|f| f.additions).sum();
        let deletions: u64 = files.iter().map(|f| f.deletions).sum();
        value["stats"] = json!({ "additions": additions, "deletions": deletions, "total": additions + deletions });
        value["files"] = files.iter().map(|f| file_change(sim, repo, sha, f)).collect();
    }
    value
}

/// A commit, as check suites show it.
pub(crate) fn simple_commit(commit: &Commit) -> Value {
    let brief = |who: &Identity| json!({ "name": who.name, "email": who.email });
    json!({
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": brief(&commit.author),
        "committer": brief(&commit.committer),
    })
}

/// A changed file; `at` is the commit that its links point to.
pub(crate) fn file_change(sim: &Sim, repo: &RepoName, at: &Sha, file: &FileChange) -> Value {
    let path = encode_path(&file.path);
    let mut value = json!({
        "sha": file.blob,
        "filename": file.path,
        "status": file.status.as_str(),
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": sim.links.repo_html(repo, &format!("/blob/{at}/{path}")),
        "raw_url": sim.links.repo_html(repo, &format!("/raw/{at}/{path}")),
        "contents_url": sim.links.repo_api(repo, &format!("/contents/{path}?ref={at}")),
    });
    if let Some(patch) = &file.patch {
        value["patch"] = patch.as_str().into();
    }
    if let Some(previous) = &file.previous_path {
        value["previous_filename"] = previous.as_str().into();
    }
    value
}

/// What [`comparison`] shows.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// `base...head` as asked for.
    pub spec: &'a str,
    /// The base commit.
    pub base: &'a Commit,
    /// The common ancestor.
    pub merge_base: &'a Commit,
    /// The head commit's id.
    pub head: &'a Sha,
    /// Commits of the head that the base lacks.
    pub ahead: u64,
    /// Commits of the base that the head lacks.
    pub behind: u64,
    /// The former, oldest first, one page of them.
    pub commits: &'a [Commit],
    /// Changed files since the common ancestor.
    pub files: &'a [FileChange],
}

/// A comparison of two commits.
pub(crate) fn comparison(sim: &Sim, repo: &RepoName, of: &Comparison<'_>) -> Value {
    let status = match (of.ahead, of.behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let spec = encode_path(of.spec);
    let html = sim.links.repo_html(repo, &format!("/compare/{spec}"));
    let permalink = format!("/compare/{}...{}", of.base.sha, of.head);
    json!({
        "url": sim.links.repo_api(repo, &format!("/compare/{spec}")),
        "html_url": html,
        "permalink_url": sim.links.repo_html(repo, &permalink),
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": commit(sim, repo, of.base, None),
        "merge_base_commit": commit(sim, repo, of.merge_base, None),
        "status": status,
        "ahead_by": of.ahead,
        "behind_by": of.behind,
        "total_commits": of.ahead,
        "commits": of.commits.iter().map(|c| commit(sim, repo, c, None)).collect::<Value>(),
        "files": of.files.iter().map(|f| file_change(sim, repo, of.head, f)).collect::<Value>(),
    })
}
