//! Signed links: whoever holds one may read the pages that it names, and nothing else.
//!
//! A link to a workflow's page stands in the ticket's comments, where everybody who may read the ticket finds it. Its
//! parameter `view` is a keyed hash over what it opens, so that it cannot be guessed or changed into another one. It
//! opens pages for reading only: decisions and the API need an approval link or the API token. It holds as long as
//! the key does; a new key makes every earlier link void.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::digest::Digest;
use crate::ids::WorkflowId;

/// A key for short texts that we hand out and want to know again. `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey([u8; 64]);

impl SigningKey {
    /// The key that follows from a secret for one purpose. Keys of different purposes say nothing about each other or
    /// about the secret, which should have 128 random bits or more.
    pub fn derive(secret: &str, purpose: &str) -> Self {
        let seed = Digest::of_parts([b"pi-tickets key v1".as_slice(), purpose.as_bytes(), secret.as_bytes()]);
        // HMAC's own rule for keys shorter than a block: zeros up to its length.
        let mut key = [0; 64];
        key[..32].copy_from_slice(seed.as_bytes());
        Self(key)
    }

    /// The signature of a list of parts: 64 hexadecimal digits.
    pub fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        hex::encode(self.mac(parts).finalize().into_bytes())
    }

    /// Whether `signature` is the one of these parts. Takes the same time for every wrong one.
    pub fn verify<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>, signature: &str) -> bool {
        let mut bytes = [0; 32];
        hex::decode_to_slice(signature, &mut bytes).is_ok() && self.mac(parts).verify_slice(&bytes).is_ok()
    }

    fn mac<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
        let mut mac = Hmac::new(&self.0.into());
        mac.update(Digest::of_parts(parts).as_bytes());
        mac
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey([hidden])")
    }
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View<'a> {
    /// The list of workflows, and with it every workflow's page.
    All,
    /// One workflow's page and what belongs to it.
    Workflow(&'a WorkflowId),
}

/// Makes and checks the parameter `view`.
#[derive(Debug, Clone)]
pub struct ViewKey(SigningKey);

impl ViewKey {
    /// The key that follows from a secret.
    pub fn derive(secret: &str) -> Self {
        Self(SigningKey::derive(secret, "view"))
    }

    /// The value of the parameter `view`.
    pub fn token(&self, view: View<'_>) -> String {
        self.0.sign(parts(view))
    }

    /// Whether a token opens the view.
    pub fn opens(&self, view: View<'_>, token: &str) -> bool {
        // Both are always computed, so that the time says nothing about which one it was.
        let (this, all) = (self.0.verify(parts(view), token), self.0.verify(parts(View::All), token));
        this | all
    }

    /// The address of a workflow's page for somebody without an account. `base_url` has no slash at its end.
    pub fn workflow_url(&self, base_url: &str, id: &WorkflowId) -> String {
        format!("{}?view={}", workflow_url(base_url, id), self.token(View::Workflow(id)))
    }

    /// The address of the list of workflows for somebody without an account.
    pub fn list_url(&self, base_url: &str) -> String {
        format!("{base_url}/?view={}", self.token(View::All))
    }
}

/// The address of a workflow's page. `base_url` has no slash at its end.
pub fn workflow_url(base_url: &str, id: &WorkflowId) -> String {
    format!("{base_url}/workflows/{id}")
}

fn parts(view: View<'_>) -> [&[u8]; 2] {
    match view {
        View::All => [b"all", b""],
        View::Workflow(id) => [b"workflow", id.as_str().as_bytes()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Generation, TicketKey};

    fn id(ticket: &str) -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens(ticket), Generation::FIRST)
    }

    #[test]
    fn a_token_opens_what_it_was_made_for() {
        let key = ViewKey::derive("secret");
        let (one, two) = (id("1"), id("2"));
        let token = key.token(View::Workflow(&one));
        assert!(key.opens(View::Workflow(&one), &token));
        assert!(!key.opens(View::Workflow(&two), &token) && !key.opens(View::All, &token));
        assert!(key.opens(View::Workflow(&two), &key.token(View::All)));
        assert!(!ViewKey::derive("other").opens(View::Workflow(&one), &token));
        for bad in ["", "0", &token[1..], &format!("{token}00"), &"é".repeat(32), &"0".repeat(64)] {
            assert!(!key.opens(View::Workflow(&one), bad), "{bad}");
        }
    }

    #[test]
    fn purposes_and_parts_do_not_mix() {
        let view = SigningKey::derive("secret", "view");
        let form = SigningKey::derive("secret", "form");
        let signature = view.sign([b"ab".as_slice(), b"c"]);
        assert!(view.verify([b"ab".as_slice(), b"c"], &signature));
        assert!(!view.verify([b"a".as_slice(), b"bc"], &signature));
        assert!(!form.verify([b"ab".as_slice(), b"c"], &signature));
        assert!(!format!("{view:?}").contains("115"));
    }

    /// Computed with Python's `hmac` and `hashlib`: links that were sent must stay valid over releases.
    #[test]
    fn the_form_does_not_change() {
        let url = ViewKey::derive("secret").list_url("https://x.example/live");
        assert_eq!(
            url,
            "https://x.example/live/?view=ce74a8b56264096118ed103e9ac1fe24b9739db988fb60b3a5c11d3611857985"
        );
    }
}
