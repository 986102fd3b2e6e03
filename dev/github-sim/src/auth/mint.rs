//! Minting installation tokens.

use jiff::SignedDuration;
use rand::distr::{Alphanumeric, SampleString};
use serde::Deserialize;

use super::{Level, Permission, Permissions};
use crate::config::{AppConfig, TokenFormat};
use crate::error::{ApiError, ApiResult};
use crate::sim::Sim;
use crate::state::{Installation, InstallationToken, State};

/// How long a token lives.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// The body of `POST /app/installations/{id}/access_tokens`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenRequest {
    repositories: Option<Vec<String>>,
    repository_ids: Option<Vec<u64>>,
    permissions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Random letters and digits.
pub(crate) fn random_text(length: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), length)
}

/// Makes and stores a token for the installation, limited as asked.
///
/// # Errors
/// 422 for a repository or permission that the installation does not have.
pub(crate) fn mint(
    sim: &Sim,
    app: &AppConfig,
    installation: &Installation,
    request: &TokenRequest,
) -> ApiResult<(String, InstallationToken)> {
    let permissions = granted(app, request)?;
    let text = match sim.config.token_format {
        TokenFormat::Short => format!("ghs_{}", random_text(36)),
        TokenFormat::Long => {
            format!("ghs_{}_{}.{}.{}", app.id, random_text(64), random_text(380), random_text(64))
        }
    };
    let expires_at = sim.clock.now() + LIFETIME;
    sim.store.write(|state| {
        let repositories = selected(state, installation, request)?;
        let token = InstallationToken {
            installation: installation.id,
            account: installation.account.clone(),
            repositories,
            permissions,
            expires_at,
        };
        state.tokens.retain(|_, t| t.expires_at > sim.clock.now());
        state.tokens.insert(text.clone(), token.clone());
        Ok((text, token))
    })
}

fn granted(app: &AppConfig, request: &TokenRequest) -> ApiResult<Permissions> {
    let Some(wanted) = &request.permissions else { return Ok(app.permissions.clone()) };
    let refused = || ApiError::unprocessable("The permissions requested are not granted to this installation.");
    let mut granted = Permissions::new();
    for (name, level) in wanted {
        let permission: Permission = serde_json::from_value(name.as_str().into()).map_err(|_| refused())?;
        let level: Level = serde_json::from_value(level.clone()).map_err(|_| refused())?;
        if app.permissions.get(&permission).is_none_or(|most| *most < level) {
            return Err(refused());
        }
        granted.insert(permission, level);
    }
    if app.permissions.contains_key(&Permission::Metadata) {
        granted.entry(Permission::Metadata).or_insert(Level::Read);
    }
    Ok(granted)
}

fn selected(state: &State, installation: &Installation, request: &TokenRequest) -> ApiResult<Option<Vec<String>>> {
    if request.repositories.is_none() && request.repository_ids.is_none() {
        return Ok(None);
    }
    let refused = || {
        ApiError::unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    };
    let own =
        || state.repos.values().filter(|r| r.app_installed && r.name.owner.eq_ignore_ascii_case(&installation.account));
    let mut keys = Vec::new();
    for name in request.repositories.iter().flatten() {
        let repo = own().find(|r| r.name.name.eq_ignore_ascii_case(name)).ok_or_else(refused)?;
        keys.push(repo.name.key());
    }
    for id in request.repository_ids.iter().flatten() {
        let repo = own().find(|r| r.id == *id).ok_or_else(refused)?;
        keys.push(repo.name.key());
    }
    Ok(Some(keys))
}
