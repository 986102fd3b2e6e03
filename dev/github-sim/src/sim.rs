//! The simulator's shared parts, handed to every operation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::api::{Busy, CallLog, RateLimiter};
use crate::clock::Clock;
use crate::config::{Config, OrganizationConfig};
use crate::faults::Faults;
use crate::git::GitRoot;
use crate::names::{RepoName, Sha};
use crate::oauth::Oauth;
use crate::pulls::FactsCache;
use crate::state::{AccountKind, Role, User};
use crate::store::Store;
use crate::view::Links;
use crate::webhooks::Webhooks;

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Sim {
    /// What it was started with.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// What is not in Git.
    pub store: Store,
    /// What is in Git.
    pub git: GitRoot,
    /// How URLs are built.
    pub links: Links,
    /// Where events go.
    pub webhooks: Webhooks,
    /// Failures to inject.
    pub faults: Faults,
    /// The latest API calls.
    pub calls: CallLog,
    /// The time that they took.
    pub busy: Busy,
    /// Signing in elsewhere with an account of here.
    pub oauth: Oauth,
    pub(crate) limits: RateLimiter,
    pub(crate) facts: FactsCache,
    pub(crate) archives: Mutex<HashMap<String, ArchiveTicket>>,
    locks: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

/// What a one-archive download token allows.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveTicket {
    /// The repository.
    pub(crate) repo: RepoName,
    /// What was asked for, resolved at the time of asking.
    pub(crate) commit: Option<Sha>,
    /// When it stops working.
    pub(crate) expires_at: jiff::Timestamp,
}

impl Sim {
    /// Opens the state folder and makes the configured accounts.
    pub(crate) fn open(config: Config, links: Links) -> anyhow::Result<Self> {
        let dir = &config.state_dir;
        std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be created", dir.display()))?;
        let git = GitRoot::open(dir).with_context(|| format!("{} cannot hold repositories", dir.display()))?;
        let store = Store::open(dir)?;
        let sim = Self {
            clock: config.clock.clone(),
            webhooks: Webhooks::new(config.webhook.clone()),
            oauth: Oauth::new(config.oauth_app.clone(), config.organizations.clone()),
            limits: RateLimiter::new(config.rate_limit),
            store,
            git,
            links,
            faults: Faults::default(),
            calls: CallLog::default(),
            busy: Busy::default(),
            facts: FactsCache::default(),
            archives: Mutex::default(),
            locks: Mutex::default(),
            config,
        };
        sim.ensure_accounts();
        Ok(sim)
    }

    fn ensure_accounts(&self) {
        let now = self.clock.now();
        self.store.write(|state| {
            state.ensure_user(&self.config.human, AccountKind::User, now);
            for token in &self.config.personal_tokens {
                state.ensure_user(&token.login, AccountKind::User, now);
            }
            if let Some(app) = &self.config.app {
                state.ensure_user(&app.bot_login(), AccountKind::Bot, now);
            }
            for user in &self.config.users {
                let known = state.ensure_user(&user.login, AccountKind::User, now);
                known.name.clone_from(&user.name);
                known.email.clone_from(&user.email);
                known.id = user.id.unwrap_or(known.id);
            }
        });
        self.ensure_organizations(&self.config.organizations);
    }

    /// Makes the accounts of organizations and of their members.
    pub(crate) fn ensure_organizations(&self, organizations: &[OrganizationConfig]) {
        let now = self.clock.now();
        self.store.write(|state| {
            for organization in organizations {
                state.ensure_user(&organization.login, AccountKind::Organization, now).id = organization.id;
                let teams = organization.teams.iter().flat_map(|team| &team.members);
                for login in organization.members.iter().chain(teams) {
                    state.ensure_user(login, AccountKind::User, now);
                }
            }
        });
    }

    /// The app's own login, or `ghost` without an app.
    pub(crate) fn bot_login(&self) -> String {
        self.config.app.as_ref().map_or_else(|| "ghost".to_owned(), crate::config::AppConfig::bot_login)
    }

    /// The role of a login in a repository; the configured person is an administrator everywhere.
    pub(crate) fn role(&self, repo: &RepoName, login: &str) -> Option<Role> {
        if login.eq_ignore_ascii_case(&self.config.human) {
            return Some(Role::Admin);
        }
        self.store.read(|s| s.repo(repo).and_then(|r| r.role(login)))
    }

    /// The account of a login; a placeholder when it is gone.
    pub(crate) fn user(&self, login: &str) -> User {
        self.store.read(|s| s.user(login).cloned()).unwrap_or_else(|| User {
            id: 10_137,
            login: "ghost".to_owned(),
            name: None,
            email: None,
            kind: AccountKind::User,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    /// Serializes everything that changes one repository.
    pub(crate) async fn lock(&self, repo: &RepoName) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(repo.key()).or_default())
        };
        lock.lock_owned().await
    }
}
