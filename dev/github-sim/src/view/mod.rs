//! How things look in answers and events: JSON in GitHub's shapes.

mod app;
mod checks;
mod commit;
mod content;
mod links;
mod organization;
mod protection;
mod pull;
mod repo;
mod review;
mod user;

pub(crate) use self::app::{app, installation};
pub(crate) use self::checks::{check_run, check_suite, combined_status};
pub(crate) use self::commit::{Comparison, commit, comparison, file_change, git_commit, reference, simple_commit};
pub(crate) use self::content::{blob, contents, directory_entry, tree};
pub(crate) use self::links::{Links, encode, encode_path};
pub(crate) use self::organization::{organization, team};
pub(crate) use self::protection::protection;
pub(crate) use self::pull::{label, pull, pull_minimal, pull_simple};
pub(crate) use self::repo::{full_repository, repository};
pub(crate) use self::review::{issue_comment, review, review_comment};
pub(crate) use self::user::{full_user, user};

use base64::Engine as _;

/// An opaque node id, stable for a kind and a number or name.
pub(crate) fn node_id(kind: &str, id: impl std::fmt::Display) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{:03}:{kind}{id}", kind.len()))
}

/// How an account relates to a repository, in GitHub's words.
pub(crate) fn association(repo: &crate::state::Repo, login: &str) -> &'static str {
    match repo.role(login) {
        _ if login.eq_ignore_ascii_case(&repo.name.owner) => "OWNER",
        Some(_) => "COLLABORATOR",
        None if login.ends_with("[bot]") => "CONTRIBUTOR",
        None => "NONE",
    }
}
