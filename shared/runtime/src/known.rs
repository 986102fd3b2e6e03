//! Saying which secrets a function holds, without saying what they are.

use std::collections::HashSet;
use std::sync::Mutex;

use domain::Digest;
use domain::failure::{Failure, FailureKind};
use domain::secrets::{Fingerprint, fingerprints};
use secrecy::{ExposeSecret as _, SecretString};

/// Fingerprints of a secret with a salt of their own. `name` completes "contains …".
///
/// # Errors
/// `Internal` when the system has no randomness to give.
pub fn fingerprints_of(name: &str, secret: &SecretString) -> Result<Vec<Fingerprint>, Failure> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(fingerprints(name, secret.expose_secret(), salt))
}

/// Says once per process, and again after a rotation, which secrets it holds.
#[derive(Debug, Default)]
pub struct Announcer {
    told: Mutex<HashSet<Digest>>,
}

impl Announcer {
    /// Hands the fingerprints of `secrets` (name, value) to `tell`, unless it took them before. A failure to tell is
    /// logged and tried again the next time: it is no reason to stop what the secret is for.
    pub async fn announce<E: std::error::Error>(
        &self,
        secrets: &[(&str, &SecretString)],
        tell: impl AsyncFnOnce(Vec<Fingerprint>) -> Result<(), E>,
    ) {
        let parts = secrets.iter().flat_map(|(name, secret)| [name.as_bytes(), secret.expose_secret().as_bytes()]);
        let these = Digest::of_parts(parts);
        if self.told().contains(&these) {
            return;
        }
        let fingerprints: Result<Vec<_>, _> =
            secrets.iter().map(|(name, secret)| fingerprints_of(name, secret)).collect();
        let told = match fingerprints {
            Ok(lists) => tell(lists.into_iter().flatten().collect()).await.map_err(|error| error.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        match told {
            Ok(()) => {
                self.told().insert(these);
            }
            Err(error) => tracing::warn!(%error, "which secrets this function holds could not be told"),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn each_value_is_told_once_and_a_failure_is_made_up_for() {
        let (announcer, told) = (Announcer::default(), RefCell::new(Vec::new()));
        let (old, new) = (SecretString::from("0123456789abcdef"), SecretString::from("fedcba9876543210"));
        let say = |secret: SecretString, works: bool| {
            let (announcer, told) = (&announcer, &told);
            async move {
                let tell = async |prints: Vec<Fingerprint>| {
                    told.borrow_mut().push((prints.len(), works));
                    if works { Ok(()) } else { Err(std::io::Error::other("down")) }
                };
                announcer.announce(&[("the key", &secret)], tell).await;
            }
        };
        for (secret, works) in [(&old, false), (&old, true), (&old, true), (&new, true)] {
            say(secret.clone(), works).await;
        }
        assert_eq!(*told.borrow(), [(1, false), (1, true), (1, true)]);
    }

    #[test]
    fn two_fingerprints_of_one_secret_differ() {
        let secret = SecretString::from("0123456789abcdef");
        assert_ne!(fingerprints_of("x", &secret).unwrap(), fingerprints_of("x", &secret).unwrap());
    }
}
