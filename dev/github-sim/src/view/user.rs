//! Accounts.

use serde_json::{Value, json};

use super::{Links, encode, node_id};
use crate::state::{AccountKind, User};

/// GitHub's "simple user".
pub(crate) fn user(links: &Links, user: &User) -> Value {
    let kind = match user.kind {
        AccountKind::User => "User",
        AccountKind::Organization => "Organization",
        AccountKind::Bot => "Bot",
    };
    let login = encode(&user.login);
    let url = links.api(&format!("/users/{login}"));
    let html = match user.login.strip_suffix("[bot]") {
        Some(slug) => format!("{}/apps/{}", links.html_base(), encode(slug)),
        None => format!("{}/{login}", links.html_base()),
    };
    json!({
        "login": user.login,
        "id": user.id,
        "node_id": node_id("User", user.id),
        "avatar_url": format!("{}/_avatars/{}", links.html_base(), user.id),
        "gravatar_id": "",
        "url": url,
        "html_url": html,
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": kind,
        "user_view_type": "public",
        "site_admin": false,
    })
}

/// GitHub's "public user": the simple one and a profile.
pub(crate) fn full_user(links: &Links, account: &User, public_repos: usize) -> Value {
    let mut value = user(links, account);
    let profile = json!({
        "name": account.name,
        "company": null,
        "blog": "",
        "location": null,
        "email": account.email,
        "hireable": null,
        "bio": null,
        "twitter_username": null,
        "public_repos": public_repos,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    });
    merge(&mut value, profile);
    value
}

/// Adds the members of `more` to `value`.
pub(super) fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more);
    }
}
