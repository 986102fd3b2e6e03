//! Repositories.

use serde_json::{Value, json};

use super::user::merge;
use super::{node_id, user};
use crate::sim::Sim;
use crate::state::Repo;

/// GitHub's "repository", as it is nested in other answers and events.
pub(crate) fn repository(sim: &Sim, repo: &Repo) -> Value {
    let links = &sim.links;
    let name = &repo.name;
    let api = |path: &str| links.repo_api(name, path);
    let html = links.repo_html(name, "");
    let open = repo.open_pulls().count();
    let mut value = json!({
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": name.name,
        "full_name": name.to_string(),
        "private": repo.private,
        "owner": user(links, &sim.user(&name.owner)),
        "html_url": html,
        "description": repo.description,
        "fork": false,
        "url": api(""),
        "forks_url": api("/forks"),
        "keys_url": api("/keys{/key_id}"),
        "collaborators_url": api("/collaborators{/collaborator}"),
        "teams_url": api("/teams"),
        "hooks_url": api("/hooks"),
        "issue_events_url": api("/issues/events{/number}"),
        "events_url": api("/events"),
        "assignees_url": api("/assignees{/user}"),
        "branches_url": api("/branches{/branch}"),
        "tags_url": api("/tags"),
        "blobs_url": api("/git/blobs{/sha}"),
        "git_tags_url": api("/git/tags{/sha}"),
        "git_refs_url": api("/git/refs{/sha}"),
        "trees_url": api("/git/trees{/sha}"),
        "statuses_url": api("/statuses/{sha}"),
        "languages_url": api("/languages"),
        "stargazers_url": api("/stargazers"),
        "contributors_url": api("/contributors"),
        "subscribers_url": api("/subscribers"),
        "subscription_url": api("/subscription"),
        "commits_url": api("/commits{/sha}"),
        "git_commits_url": api("/git/commits{/sha}"),
        "comments_url": api("/comments{/number}"),
        "issue_comment_url": api("/issues/comments{/number}"),
        "contents_url": api("/contents/{+path}"),
        "compare_url": api("/compare/{base}...{head}"),
        "merges_url": api("/merges"),
        "archive_url": api("/{archive_format}{/ref}"),
        "downloads_url": api("/downloads"),
        "issues_url": api("/issues{/number}"),
        "pulls_url": api("/pulls{/number}"),
        "milestones_url": api("/milestones{/number}"),
        "notifications_url": api("/notifications{?since,all,participating}"),
        "labels_url": api("/labels{/name}"),
        "releases_url": api("/releases{/id}"),
        "deployments_url": api("/deployments"),
    });
    let more = json!({
        "created_at": repo.created_at,
        "updated_at": repo.pushed_at,
        "pushed_at": repo.pushed_at,
        "git_url": format!("git:{}.git", html.trim_start_matches("http:")),
        "ssh_url": format!("git@localhost:{name}.git"),
        "clone_url": format!("{html}.git"),
        "svn_url": html,
        "homepage": null,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": null,
        "has_issues": true,
        "has_projects": false,
        "has_downloads": true,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "forks_count": 0,
        "mirror_url": null,
        "archived": false,
        "disabled": false,
        "open_issues_count": open,
        "license": null,
        "allow_forking": true,
        "is_template": false,
        "web_commit_signoff_required": false,
        "topics": [],
        "visibility": if repo.private { "private" } else { "public" },
        "forks": 0,
        "open_issues": open,
        "watchers": 0,
        "default_branch": repo.default_branch,
        "temp_clone_token": "",
        "permissions": { "admin": false, "maintain": false, "push": true, "triage": true, "pull": true },
        "allow_merge_commit": repo.merge.merge,
        "allow_squash_merge": repo.merge.squash,
        "allow_rebase_merge": repo.merge.rebase,
        "allow_auto_merge": false,
        "delete_branch_on_merge": repo.merge.delete_branch,
        "allow_update_branch": false,
        "use_squash_pr_title_as_default": false,
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "merge_commit_message": "PR_TITLE",
        "merge_commit_title": "MERGE_MESSAGE",
    });
    merge(&mut value, more);
    value
}

/// GitHub's "full repository", the answer of `GET /repos/{owner}/{repo}`.
pub(crate) fn full_repository(sim: &Sim, repo: &Repo) -> Value {
    let mut value = repository(sim, repo);
    merge(&mut value, json!({ "network_count": 0, "subscribers_count": 0 }));
    value
}
