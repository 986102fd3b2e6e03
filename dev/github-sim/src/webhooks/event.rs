//! From something that happened to a delivery.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Delivery, Job, KEPT};
use crate::auth::Actor;
use crate::error::{ApiError, ApiResult};
use crate::sim::Sim;
use crate::state::{AccountKind, Repo};
use crate::view;

/// The name of an event and its action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    name: &'static str,
    action: Option<&'static str>,
}

impl Event {
    /// An event with an action, such as `pull_request` `opened`.
    pub(crate) const fn new(name: &'static str, action: &'static str) -> Self {
        Self { name, action: Some(action) }
    }

    /// An event without actions, such as `push`.
    pub(crate) const fn plain(name: &'static str) -> Self {
        Self { name, action: None }
    }
}

impl Sim {
    /// Queues an event, when there is a receiver and the app is installed and subscribed.
    pub(crate) fn emit(&self, repo: &Repo, event: Event, actor: &Actor, payload: Value) {
        let subscribed = self.config.app.as_ref().is_none_or(|app| app.events.iter().any(|e| e == event.name));
        if !subscribed || !repo.app_installed || self.webhooks.target().is_none() {
            return;
        }
        let mut body = serde_json::Map::new();
        if let Some(action) = event.action {
            body.insert("action".to_owned(), action.into());
        }
        if let Value::Object(payload) = payload {
            body.extend(payload);
        }
        let mut repository = view::repository(self, repo);
        if event.name == "push" {
            // The push event alone counts seconds.
            for field in ["created_at", "pushed_at"] {
                let at = if field == "created_at" { repo.created_at } else { repo.pushed_at };
                repository[field] = at.as_second().into();
            }
            repository["master_branch"] = repo.default_branch.as_str().into();
            repository["stargazers"] = 0.into();
        }
        body.insert("repository".to_owned(), repository);
        let owner = self.user(&repo.name.owner);
        if owner.kind == AccountKind::Organization {
            body.insert("organization".to_owned(), self.organization(&owner));
        }
        body.insert("sender".to_owned(), view::user(&self.links, &self.user(&actor.login)));
        let installation = self.store.read(|s| s.installations.get(&repo.name.owner.to_ascii_lowercase()).cloned());
        if let Some(installation) = installation {
            let node = view::node_id("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u", installation.id);
            body.insert("installation".to_owned(), json!({ "id": installation.id, "node_id": node }));
        }
        self.enqueue(event, Some(repo.name.to_string()), &Value::Object(body));
    }

    /// Queues the `ping` that a receiver gets when it is configured.
    pub(crate) fn ping(&self) {
        let Some(target) = self.webhooks.target() else { return };
        let app = self.config.app.as_ref();
        let events = app.map_or_else(Vec::new, |a| a.events.clone());
        let body = json!({
            "zen": "Keep it logically awesome.",
            "hook_id": 1,
            "hook": {
                "type": "App",
                "id": 1,
                "name": "web",
                "active": true,
                "events": events,
                "config": { "content_type": "json", "insecure_ssl": "0", "secret": "********", "url": target.url },
                "updated_at": self.clock.now(),
                "created_at": self.clock.now(),
                "app_id": app.map(|a| a.id),
                "deliveries_url": self.links.api("/app/hook/deliveries"),
            },
        });
        self.enqueue(Event::plain("ping"), None, &body);
    }

    fn organization(&self, owner: &crate::state::User) -> Value {
        let url = self.links.api(&format!("/orgs/{}", view::encode(&owner.login)));
        json!({
            "login": owner.login,
            "id": owner.id,
            "node_id": view::node_id("Organization", owner.id),
            "url": url,
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/_avatars/{}", self.links.html_base(), owner.id),
            "description": null,
        })
    }

    fn enqueue(&self, event: Event, repository: Option<String>, body: &Value) {
        let now = self.clock.now();
        let id = self.store.write(|state| {
            let id = state.next_id();
            state.deliveries.push(Delivery {
                id,
                guid: Uuid::new_v4().to_string(),
                event: event.name.to_owned(),
                action: event.action.map(str::to_owned),
                repository,
                body: body.to_string(),
                created_at: now,
                attempts: Vec::new(),
            });
            let surplus = state.deliveries.len().saturating_sub(KEPT);
            state.deliveries.drain(..surplus);
            id
        });
        self.webhooks.push(Job { id, redelivery: false });
    }

    /// Sends a logged delivery again: same bytes, same `X-GitHub-Delivery`.
    ///
    /// # Errors
    /// 404 when the log does not have it.
    pub(crate) fn redeliver(&self, id: u64) -> ApiResult<()> {
        if !self.store.read(|s| s.deliveries.iter().any(|d| d.id == id)) {
            return Err(ApiError::not_found());
        }
        self.webhooks.push(Job { id, redelivery: true });
        Ok(())
    }
}
