//! Repositories, folders, files and commits.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};

use super::{Failed, Page, diff, layout, markdown, repo_name};
use crate::error::ApiError;
use crate::git::{Commit, EMPTY_TREE, Git, LogFilter, Tree};
use crate::names::{RepoName, Sha};
use crate::sim::Sim;
use crate::state::Repo;
use crate::view::encode_path;

type Shared = State<Arc<Sim>>;
type Result<T = Page> = std::result::Result<T, Failed>;

/// Commits on one page.
const COMMITS: usize = 100;
/// Larger files are not shown.
const LARGEST: usize = 512 * 1024;

fn table(repos: &[Repo]) -> Markup {
    html! {
        div .box {
            table .list {
                @for repo in repos {
                    tr {
                        td { a href={ "/" (repo.name.to_string()) } { strong { (repo.name.to_string()) } } }
                        td .dim { (repo.description.as_deref().unwrap_or_default()) }
                        td { a href={ "/" (repo.name.to_string()) "/pulls" } { (repo.open_pulls().count()) " open pull requests" } }
                    }
                }
                @if repos.is_empty() { tr { td .dim { "No repositories yet." } } }
            }
        }
    }
}

pub(super) async fn repositories(State(sim): Shared) -> Page {
    let repos: Vec<Repo> = sim.store.read(|s| s.repos.values().cloned().collect());
    Page::ok(layout::plain("Repositories", &html! { h1 { "Repositories" } (table(&repos)) }))
}

pub(super) async fn account(State(sim): Shared, Path(owner): Path<String>) -> Result {
    let user = sim.store.read(|s| s.user(&owner).cloned()).ok_or_else(ApiError::not_found)?;
    let own = |r: &&Repo| r.name.owner.eq_ignore_ascii_case(&owner);
    let repos: Vec<Repo> = sim.store.read(|s| s.repos.values().filter(own).cloned().collect());
    let body = html! {
        h1 { (user.login) }
        @if let Some(name) = &user.name { p .dim { (name) } }
        (table(&repos))
    };
    Ok(Page::ok(layout::plain(&user.login, &body)))
}

/// A plain coloured disc, so that avatar links lead somewhere.
pub(super) async fn avatar(Path(id): Path<u64>) -> Response {
    let hue = (id * 47) % 360;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 40 40\">\
         <circle cx=\"20\" cy=\"20\" r=\"20\" fill=\"hsl({hue} 55% 55%)\"/></svg>"
    );
    ([("content-type", "image/svg+xml")], svg).into_response()
}

/// The commit and the path of `{ref}/{path}`, where the reference may hold slashes: the longest that exists wins.
async fn split(git: &Git, rest: &str) -> Result<(String, Sha, String)> {
    let parts: Vec<&str> = rest.trim_matches('/').split('/').collect();
    for count in (1..=parts.len()).rev() {
        let reference = parts[..count].join("/");
        if let Some(commit) = git.resolve_commit(&reference).await? {
            return Ok((reference, commit, parts[count..].join("/")));
        }
    }
    Err(ApiError::not_found().into())
}

fn open_count(repo: &Repo) -> usize {
    repo.open_pulls().count()
}

pub(super) async fn home(State(sim): Shared, Path((owner, name)): Path<(String, String)>) -> Result {
    let repo = sim.repo(&repo_name(&owner, &name)?)?;
    let git = sim.git.repo(&repo.name);
    let branch = repo.default_branch.clone();
    let tip = git.branch(&branch).await?.ok_or_else(ApiError::not_found)?;
    let listing = folder(&git, &repo.name, &branch, &tip, "").await?;
    let branches = git.refs("refs/heads/").await?;
    let readme = match git.entry(&tip, "README.md").await? {
        Some(entry) => git.blob(&entry.sha).await?,
        None => None,
    };
    let body = html! {
        h1 { (repo.name.to_string()) }
        @if let Some(text) = &repo.description { p { (text) } }
        (listing)
        @if let Some(bytes) = readme {
            div .box { div .top { code { "README.md" } } div .in.text { (markdown::render(&String::from_utf8_lossy(&bytes))) } }
        }
        h2 { "Branches" }
        div .box { table .list {
            @for branch in &branches {
                @let short = branch.name.trim_start_matches("refs/heads/");
                tr {
                    td { a href={ "/" (repo.name.to_string()) "/tree/" (encode_path(short)) } { (short) } }
                    td .mono.dim { (branch.sha.short()) }
                }
            }
        } }
        p .dim { "Clone: " code { "git clone " (git.dir().display()) } }
    };
    Ok(Page::ok(layout::repo(&repo.name.to_string(), &repo.name, open_count(&repo), &body)))
}

pub(super) async fn tree(State(sim): Shared, Path((owner, name, rest)): Path<(String, String, String)>) -> Result {
    let repo = sim.repo(&repo_name(&owner, &name)?)?;
    let git = sim.git.repo(&repo.name);
    let (reference, commit, path) = split(&git, &rest).await?;
    let listing = folder(&git, &repo.name, &reference, &commit, &path).await?;
    let title = format!("{path} at {reference}");
    Ok(Page::ok(layout::repo(&title, &repo.name, open_count(&repo), &listing)))
}

async fn folder(git: &Git, repo: &RepoName, reference: &str, commit: &Sha, path: &str) -> Result<Markup> {
    let tree = if path.is_empty() {
        git.tree(commit, false).await?
    } else {
        let entry = git.entry(commit, path).await?.ok_or_else(ApiError::not_found)?;
        git.tree(&entry.sha, false).await?
    };
    let tree = tree.ok_or_else(ApiError::not_found)?;
    let last = git.commit(commit).await?.ok_or_else(ApiError::not_found)?;
    Ok(listing(repo, reference, path, &tree, &last))
}

fn listing(repo: &RepoName, reference: &str, path: &str, tree: &Tree, last: &Commit) -> Markup {
    let base = format!("/{repo}");
    let at = encode_path(reference);
    let full = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    let mut entries: Vec<_> = tree.entries.iter().collect();
    entries.sort_by_key(|e| (e.kind != "tree", &e.path));
    html! {
        div .box {
            div .top {
                strong { (reference) } @if !path.is_empty() { " / " code { (path) } }
                " · " a .mono href={ (base) "/commit/" (last.sha.as_str()) } { (last.sha.short()) }
                " " (last.subject()) " " span .dim { "by " (last.author.name) ", " (last.author.date) }
                " · " a href={ (base) "/commits/" (at) } { "History" }
            }
            table .list {
                @if let Some((parent, _)) = path.rsplit_once('/') {
                    tr { td { a href={ (base) "/tree/" (at) "/" (encode_path(parent)) } { ".." } } td {} }
                } @else if !path.is_empty() {
                    tr { td { a href={ (base) "/tree/" (at) } { ".." } } td {} }
                }
                @for entry in entries {
                    @let page = if entry.kind == "tree" { "tree" } else { "blob" };
                    tr {
                        td { a href={ (base) "/" (page) "/" (at) "/" (encode_path(&full(&entry.path))) } {
                            (entry.path) @if entry.kind == "tree" { "/" }
                        } }
                        td .dim { @if let Some(size) = entry.size { (size) " bytes" } }
                    }
                }
            }
        }
    }
}

async fn file(sim: &Sim, owner: &str, name: &str, rest: &str) -> Result<(Repo, String, String, Vec<u8>)> {
    let repo = sim.repo(&repo_name(owner, name)?)?;
    let git = sim.git.repo(&repo.name);
    let (reference, commit, path) = split(&git, rest).await?;
    let entry = git.entry(&commit, &path).await?.ok_or_else(ApiError::not_found)?;
    let bytes = git.blob(&entry.sha).await?.ok_or_else(ApiError::not_found)?;
    Ok((repo, reference, path, bytes))
}

pub(super) async fn blob(State(sim): Shared, Path((owner, name, rest)): Path<(String, String, String)>) -> Result {
    let (repo, reference, path, bytes) = file(&sim, &owner, &name, &rest).await?;
    let text = std::str::from_utf8(&bytes).ok().filter(|t| t.len() <= LARGEST && !t.contains('\0'));
    let at = encode_path(&reference);
    let body = html! {
        div .box {
            div .top {
                a href={ "/" (repo.name.to_string()) "/tree/" (at) } { (reference) } " / " code { (path) }
                " · " span .dim { (bytes.len()) " bytes" }
                " · " a href={ "/" (repo.name.to_string()) "/raw/" (at) "/" (encode_path(&path)) } { "Raw" }
            }
            @match text {
                Some(text) => { div .scroll { table .code {
                    @for (number, line) in text.lines().enumerate() { tr { td .n { (number + 1) } td { (line) } } }
                } } },
                None => { div .in { p .dim { "Too large or not text." } } },
            }
        }
    };
    Ok(Page::ok(layout::repo(&path, &repo.name, open_count(&repo), &body)))
}

pub(super) async fn raw(
    State(sim): Shared,
    Path((owner, name, rest)): Path<(String, String, String)>,
) -> Result<Response> {
    let (_, _, _, bytes) = file(&sim, &owner, &name, &rest).await?;
    // Never a type that a browser would run.
    let kind =
        if std::str::from_utf8(&bytes).is_ok() { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    Ok((StatusCode::OK, super::HEADERS, [("content-type", kind)], bytes).into_response())
}

pub(super) async fn commits(
    State(sim): Shared,
    Path((owner, name, reference)): Path<(String, String, String)>,
) -> Result {
    let repo = sim.repo(&repo_name(&owner, &name)?)?;
    let git = sim.git.repo(&repo.name);
    let tip = git.resolve_commit(&reference).await?.ok_or_else(ApiError::not_found)?;
    let mut shas = git.log(&tip, None, &LogFilter::default()).await?;
    shas.truncate(COMMITS);
    let commits = git.commits(&shas).await?;
    let body = html! { h1 { "Commits on " (reference) } (commit_table(&repo.name, &commits)) };
    Ok(Page::ok(layout::repo(&format!("Commits on {reference}"), &repo.name, open_count(&repo), &body)))
}

/// Commits as a list.
pub(super) fn commit_table(repo: &RepoName, commits: &[Commit]) -> Markup {
    html! {
        div .box { table .list {
            @for commit in commits {
                tr {
                    td { a href={ "/" (repo.to_string()) "/commit/" (commit.sha.as_str()) } { (commit.subject()) } }
                    td .dim { (commit.author.name) ", " (commit.author.date) }
                    td .mono { (commit.sha.short()) }
                }
            }
        } }
    }
}

pub(super) async fn commit(State(sim): Shared, Path((owner, name, sha)): Path<(String, String, String)>) -> Result {
    let repo = sim.repo(&repo_name(&owner, &name)?)?;
    let git = sim.git.repo(&repo.name);
    let sha = git.resolve_commit(&sha).await?.ok_or_else(ApiError::not_found)?;
    let commit = git.commit(&sha).await?.ok_or_else(ApiError::not_found)?;
    let from = commit.parents.first().map_or(EMPTY_TREE, Sha::as_str);
    let files = git.diff(from, sha.as_str()).await?;
    let rest = commit.message.split_once('\n').map_or("", |(_, rest)| rest.trim());
    let body = html! {
        h1 { (commit.subject()) }
        @if !rest.is_empty() { pre { (rest) } }
        p .dim {
            code { (sha.as_str()) } " by " (commit.author.name) ", " (commit.author.date)
            @for parent in &commit.parents {
                " · parent " a .mono href={ "/" (repo.name.to_string()) "/commit/" (parent.as_str()) } { (parent.short()) }
            }
        }
        (diff::files(&repo.name, &sha, &files))
    };
    Ok(Page::ok(layout::repo(commit.subject(), &repo.name, open_count(&repo), &body)))
}
