//! Tokens that are still good, so that a workflow's steps do not each mint one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::code_host::TokenAnswer;
use domain::ids::Repository;
use domain::{Digest, Timestamp};
use jiff::SignedDuration;

/// A token that ends sooner than this is not handed out again: whoever gets it must be able to finish with it.
const LEFT_AT_LEAST: SignedDuration = SignedDuration::from_mins(5);

/// One token per repository, in memory only.
#[derive(Debug, Default)]
pub struct TokenCache(Mutex<HashMap<String, TokenAnswer>>);

impl TokenCache {
    /// The repository's token, if it has more than five minutes left and is not the one that the code host is said to
    /// have rejected.
    pub fn get(&self, repository: &Repository, rejected: Option<Digest>, now: Timestamp) -> Option<TokenAnswer> {
        let is_rejected = |token: &TokenAnswer| rejected.is_some_and(|rejected| rejected == Digest::of(&token.token));
        self.lock().get(&key(repository)).filter(|token| is_good(token, now) && !is_rejected(token)).cloned()
    }

    /// Keeps a token, and forgets those that are no longer good.
    pub fn put(&self, repository: &Repository, token: TokenAnswer, now: Timestamp) {
        let mut tokens = self.lock();
        tokens.retain(|_, token| is_good(token, now));
        tokens.insert(key(repository), token);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, TokenAnswer>> {
        // Tokens are inserted whole, so a poisoned cache is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_good(token: &TokenAnswer, now: Timestamp) -> bool {
    token.expires_at.duration_since(now) > LEFT_AT_LEAST
}

/// GitHub's names do not depend on case.
fn key(repository: &Repository) -> String {
    repository.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_handed_out_until_five_minutes_before_its_end() {
        let cache = TokenCache::default();
        let end: Timestamp = "2026-11-22T11:00:00Z".parse().unwrap();
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (web, other) = ("acme/web".parse().unwrap(), "acme/other".parse().unwrap());
        let token = TokenAnswer { token: "t".to_owned(), expires_at: end, fingerprints: vec![] };
        cache.put(&web, token.clone(), at("2026-11-22T10:00:00Z"));
        assert_eq!(cache.get(&"Acme/Web".parse().unwrap(), None, at("2026-11-22T10:54:59Z")), Some(token.clone()));
        assert_eq!(cache.get(&web, None, at("2026-11-22T10:55:00Z")), None);
        assert_eq!(cache.get(&other, None, at("2026-11-22T10:00:00Z")), None);
        cache.put(&other, token, at("2026-11-22T10:55:00Z"));
        assert_eq!(cache.lock().len(), 1, "what is no longer good is forgotten");
    }

    #[test]
    fn a_rejected_token_is_not_handed_out_again_but_its_successor_is() {
        let (cache, web) = (TokenCache::default(), "acme/web".parse().unwrap());
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let token = |text: &str| TokenAnswer {
            token: text.to_owned(),
            expires_at: now + SignedDuration::from_hours(1),
            fingerprints: vec![],
        };
        let rejected = Some(Digest::of("first"));
        cache.put(&web, token("first"), now);
        assert_eq!(cache.get(&web, rejected, now), None);
        assert_eq!(cache.get(&web, Some(Digest::of("other")), now), Some(token("first")));
        cache.put(&web, token("second"), now);
        assert_eq!(cache.get(&web, rejected, now), Some(token("second")), "somebody else said so before");
    }
}
