//! The app and its installations.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{node_id, user};
use crate::config::AppConfig;
use crate::sim::Sim;
use crate::state::Installation;

/// The app itself.
pub(crate) fn app(sim: &Sim, app: &AppConfig, installations: usize) -> Value {
    json!({
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("Integration", app.id),
        "client_id": app.client_id,
        "owner": user(&sim.links, &sim.user(&sim.config.human)),
        "name": app.name,
        "description": null,
        "external_url": sim.links.html_base(),
        "html_url": format!("{}/apps/{}", sim.links.html_base(), super::encode(&app.slug)),
        "created_at": Timestamp::UNIX_EPOCH,
        "updated_at": Timestamp::UNIX_EPOCH,
        "permissions": app.permissions,
        "events": app.events,
        "installations_count": installations,
    })
}

/// An installation of the app.
pub(crate) fn installation(sim: &Sim, app: &AppConfig, installation: &Installation, all: bool) -> Value {
    let account = sim.user(&installation.account);
    let id = installation.id;
    json!({
        "id": id,
        "client_id": app.client_id,
        "account": user(&sim.links, &account),
        "repository_selection": if all { "all" } else { "selected" },
        "access_tokens_url": sim.links.api(&format!("/app/installations/{id}/access_tokens")),
        "repositories_url": sim.links.api("/installation/repositories"),
        "html_url": format!("{}/settings/installations/{id}", sim.links.html_base()),
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": account.id,
        "target_type": if account.kind == crate::state::AccountKind::User { "User" } else { "Organization" },
        "permissions": app.permissions,
        "events": app.events,
        "created_at": installation.created_at,
        "updated_at": installation.created_at,
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": null,
        "suspended_at": null,
    })
}
