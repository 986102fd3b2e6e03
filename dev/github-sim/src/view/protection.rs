//! Branch protection.

use serde_json::{Value, json};

use super::encode;
use crate::names::RepoName;
use crate::sim::Sim;
use crate::state::Protection;

/// The rules of a protected branch.
pub(crate) fn protection(sim: &Sim, repo: &RepoName, branch: &str, rules: &Protection) -> Value {
    let url = sim.links.repo_api(repo, &format!("/branches/{}/protection", encode(branch)));
    let mut value = json!({
        "url": url,
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": true },
        "required_linear_history": { "enabled": false },
        "allow_force_pushes": { "enabled": false },
        "allow_deletions": { "enabled": false },
        "block_creations": { "enabled": false },
        "required_conversation_resolution": { "enabled": false },
        "lock_branch": { "enabled": false },
        "allow_fork_syncing": { "enabled": false },
        "required_signatures": { "url": format!("{url}/required_signatures"), "enabled": false },
    });
    if !rules.required_checks.is_empty() {
        let check = |c: &String| json!({ "context": c, "app_id": null });
        value["required_status_checks"] = json!({
            "url": format!("{url}/required_status_checks"),
            "strict": rules.strict,
            "contexts": rules.required_checks,
            "contexts_url": format!("{url}/required_status_checks/contexts"),
            "checks": rules.required_checks.iter().map(check).collect::<Value>(),
        });
    }
    if rules.required_approvals > 0 {
        value["required_pull_request_reviews"] = json!({
            "url": format!("{url}/required_pull_request_reviews"),
            "dismiss_stale_reviews": rules.dismiss_stale_reviews,
            "require_code_owner_reviews": false,
            "require_last_push_approval": false,
            "required_approving_review_count": rules.required_approvals,
        });
    }
    value
}
