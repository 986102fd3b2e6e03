//! Organizations and teams.

use serde_json::{Value, json};

use super::user::merge;
use super::{Links, encode, node_id};
use crate::config::TeamConfig;
use crate::state::User;

/// GitHub's "organization simple".
pub(crate) fn organization(links: &Links, account: &User) -> Value {
    let url = links.api(&format!("/orgs/{}", encode(&account.login)));
    json!({
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": url,
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("{}/_avatars/{}", links.html_base(), account.id),
        "description": null,
    })
}

/// GitHub's "team full", with its organization.
pub(crate) fn team(links: &Links, account: &User, team: &TeamConfig) -> Value {
    let url = links.api(&format!("/organizations/{}/team/{}", account.id, team.id));
    let html = links.html_base();
    let (owner, slug) = (encode(&account.login), encode(&team.slug));
    let mut full = organization(links, account);
    let details = json!({
        "html_url": format!("{html}/{owner}"),
        "has_organization_projects": true,
        "has_repository_projects": true,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": account.created_at,
        "updated_at": account.created_at,
        "archived_at": null,
        "type": "Organization",
    });
    merge(&mut full, details);
    json!({
        "id": team.id,
        "node_id": node_id("Team", team.id),
        "name": team.slug,
        "slug": team.slug,
        "description": null,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": url,
        "html_url": format!("{html}/orgs/{owner}/teams/{slug}"),
        "members_url": format!("{url}/members{{/member}}"),
        "repositories_url": format!("{url}/repos"),
        "members_count": team.members.len(),
        "repos_count": 0,
        "created_at": account.created_at,
        "updated_at": account.created_at,
        "parent": null,
        "type": "organization",
        "organization": full,
    })
}
