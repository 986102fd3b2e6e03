//! May this identity do that to this repository?

use super::{Identity, Level, Permission};
use crate::error::{ApiError, ApiResult};
use crate::git::Git;
use crate::names::RepoName;
use crate::sim::Sim;
use crate::state::{InstallationToken, Repo, Role};

/// What an operation needs: one of some permissions, at a level.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    any_of: &'static [Permission],
    level: Level,
}

impl Need {
    /// Read access by one of these permissions.
    pub(crate) const fn read(any_of: &'static [Permission]) -> Self {
        Self { any_of, level: Level::Read }
    }

    /// Write access by one of these permissions.
    pub(crate) const fn write(any_of: &'static [Permission]) -> Self {
        Self { any_of, level: Level::Write }
    }

    /// The value of GitHub's `X-Accepted-GitHub-Permissions` header.
    fn header(self) -> String {
        let parts: Vec<String> =
            self.any_of.iter().map(|p| format!("{}={}", p.as_str(), self.level.as_str())).collect();
        parts.join("; ")
    }
}

/// Who changes something, as it appears in events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The login; `slug[bot]` for the app.
    pub login: String,
    /// Whether it is the app.
    pub app: bool,
}

impl Actor {
    /// A person.
    pub(crate) fn person(login: impl Into<String>) -> Self {
        Self { login: login.into(), app: false }
    }
}

/// A permission that was checked: only [`Sim::access`] (and the simulator's own pages and control calls) make one.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The repository, by its real name.
    pub name: RepoName,
    /// Its Git side.
    pub git: Git,
    /// Who acts.
    pub actor: Actor,
    /// Whether files under `.github/workflows` may be changed.
    pub workflows: bool,
}

impl Sim {
    /// Checks that the caller sees the repository and has the permission.
    ///
    /// # Errors
    /// 404 when it must not know of the repository, 401 without a token, 403 without the permission.
    pub(crate) fn access(&self, identity: &Identity, owner: &str, name: &str, need: Need) -> ApiResult<Access> {
        let name = RepoName::new(owner, name).map_err(|_| ApiError::not_found())?;
        let repo = self.store.read(|s| s.repo(&name).cloned()).ok_or_else(ApiError::not_found)?;
        let public_read = !repo.private && need.level == Level::Read;
        let (actor, workflows) = match identity {
            Identity::Anonymous if public_read => (Actor::person(""), false),
            Identity::Anonymous if repo.private => return Err(ApiError::not_found()),
            Identity::Anonymous => return Err(ApiError::requires_authentication()),
            Identity::App => return Err(jwt_on_a_repository()),
            Identity::Installation(token) => {
                let actor = Actor { login: self.bot_login(), app: true };
                let workflows = token.permissions.contains_key(&Permission::Workflows);
                check_installation(token, &repo, need, public_read)?;
                (actor, workflows)
            }
            // Its scopes are about the person alone.
            Identity::Oauth(token) if public_read => (Actor::person(&token.login), false),
            Identity::Oauth(_) => return Err(ApiError::not_found()),
            Identity::User(login) => {
                check_person(self.role(&repo.name, login), &repo, need, public_read)?;
                (Actor::person(login), true)
            }
        };
        Ok(Access { git: self.git.repo(&repo.name), name: repo.name, actor, workflows })
    }
}

fn jwt_on_a_repository() -> ApiError {
    ApiError::forbidden("Resource not accessible by integration")
}

fn check_installation(token: &InstallationToken, repo: &Repo, need: Need, public_read: bool) -> ApiResult<()> {
    let key = repo.name.key();
    let own = repo.app_installed
        && token.account.eq_ignore_ascii_case(&repo.name.owner)
        && token.repositories.as_ref().is_none_or(|list| list.contains(&key));
    if !own {
        return if public_read {
            Ok(())
        } else if repo.private {
            Err(ApiError::not_found())
        } else {
            Err(refused(need))
        };
    }
    let granted = |p: &Permission| {
        (*p == Permission::Metadata && need.level == Level::Read)
            || token.permissions.get(p).is_some_and(|level| *level >= need.level)
    };
    if need.any_of.iter().any(granted) { Ok(()) } else { Err(refused(need)) }
}

fn refused(need: Need) -> ApiError {
    ApiError::forbidden("Resource not accessible by integration")
        .with_header("x-accepted-github-permissions", &need.header())
}

fn check_person(role: Option<Role>, repo: &Repo, need: Need, public_read: bool) -> ApiResult<()> {
    let enough = match need {
        Need { any_of: [Permission::Administration], .. } => Role::Admin,
        Need { level: Level::Read, .. } => Role::Read,
        Need { level: Level::Write, .. } => Role::Write,
    };
    match role {
        Some(role) if role >= enough => Ok(()),
        _ if public_read => Ok(()),
        Some(_) => Err(ApiError::forbidden("Resource not accessible by personal access token")
            .with_header("x-accepted-github-permissions", &need.header())),
        None if repo.private => Err(ApiError::not_found()),
        None => Err(ApiError::forbidden("Resource not accessible by personal access token")),
    }
}
