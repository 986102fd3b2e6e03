//! Credentials in texts and files: by their published forms, and by fingerprints of those that this deployment uses.
//!
//! Both are looked for in the text itself and in what it may be an encoding of (`views`).

mod entropy;
pub mod known;
mod rules;
mod views;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use known::{Fingerprint, KnownSecrets, fingerprints};

use crate::digest::Digest;
use rules::{Form, RULES};

/// Most different credentials that are told of one text.
const MAX_FINDINGS: usize = 20;

/// Something that looks like a credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it looks like: completes "contains …".
    pub what: String,
    /// Digest of it, so that one that was there before can be told from a new one.
    pub digest: Digest,
    /// Whether it is one that this deployment uses.
    pub ours: bool,
}

/// Every credential that the content of the file at `path` seems to hold, in a fixed order, at most 20.
pub fn find(path: &str, content: &[u8], known: &KnownSecrets) -> Vec<Finding> {
    let mut found = BTreeSet::new();
    look(path, content, Form::Raw, known, &mut found);
    views::each(content, &mut |text, form| {
        look("", text, form, known, &mut found);
        found.len() >= MAX_FINDINGS
    });
    found.into_iter().take(MAX_FINDINGS).collect()
}

/// What sort of credential a text seems to contain, if any: completes "contains …".
pub fn secret_in(text: &[u8], known: &KnownSecrets) -> Option<String> {
    find("", text, known).into_iter().next().map(|finding| finding.what)
}

fn look(path: &str, text: &[u8], form: Form, known: &KnownSecrets, found: &mut BTreeSet<Finding>) {
    if let Some(name) = known.find(text) {
        found.insert(Finding { what: name.to_owned(), digest: Digest::of(name), ours: true });
    }
    RULES.each(path, text, form, |rule, secret| {
        if found.len() < MAX_FINDINGS {
            found.insert(Finding {
                what: format!("what looks like {}", rule.name),
                digest: Digest::of(secret),
                ours: false,
            });
        }
    });
}

#[cfg(test)]
mod tests;
