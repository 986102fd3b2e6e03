//! Recognises credentials by their published forms.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

/// Forms of credentials, each as its issuer documents it.
const RULES: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(?:ghp|gho|ghu|ghr)_[A-Za-z0-9]{36,}"),
    ("a GitHub App token", r"\bghs_[A-Za-z0-9._-]{36,}"),
    ("a fine-grained GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{60,}"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{24,}"),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{40,}"),
    ("a Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
];

static COMPILED: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    RULES
        .iter()
        .filter_map(|(name, pattern)| Some((*name, RegexBuilder::new(pattern).unicode(false).build().ok()?)))
        .collect()
});

/// What the bytes seem to contain.
pub(super) fn find(bytes: &[u8]) -> Option<&'static str> {
    COMPILED.iter().find(|(_, rule)| rule.is_match(bytes)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(COMPILED.len(), RULES.len());
    }

    #[test]
    fn both_forms_of_app_tokens_are_found_and_prose_is_not() {
        let old = format!("token={}{}", "ghs_", "a1B2".repeat(9));
        let new = format!("x {}{}.{}.{}", "ghs_", "123456_eyJh".repeat(10), "abc".repeat(20), "d_-".repeat(30));
        assert!(find(old.as_bytes()).is_some());
        assert!(find(new.as_bytes()).is_some());
        assert_eq!(find(b"the ghs_ prefix marks an installation token; AKIA marks a key"), None);
    }
}
