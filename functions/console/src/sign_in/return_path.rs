//! Where somebody goes after signing in: a place of ours, and never anybody else's.

use url::Url;

/// An address that our own are held against. Nobody has it.
const OURS: &str = "https://console.invalid";
/// Longest address, bytes.
const MAX_BYTES: usize = 2_000;

/// The path and query of a page of ours, relative to the base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnPath(String);

impl ReturnPath {
    /// Takes what is surely a place of ours; for everything else the front page.
    pub(crate) fn read(text: &str) -> Self {
        if is_ours(text) { Self(text.to_owned()) } else { Self("/".to_owned()) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole address.
    pub(crate) fn url(&self, base_url: &str) -> String {
        format!("{base_url}{}", self.0)
    }

    /// The page on which one signs in to come back here.
    pub(crate) fn sign_in_url(&self, base_url: &str) -> String {
        self.query(&format!("{base_url}/account/sign-in"))
    }

    /// The way from there to GitHub.
    pub(crate) fn begin_url(&self, base_url: &str) -> String {
        self.query(&format!("{base_url}/account/sign-in/github"))
    }

    fn query(&self, address: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return", &self.0).finish();
        format!("{address}?{query}")
    }
}

/// A parser of addresses finds in it just what is written: no host, no way up, nothing that browsers leave out or turn
/// round. A path that begins with an encoded slash is refused for those who decode it later.
fn is_ours(text: &str) -> bool {
    let whole = format!("{OURS}{text}");
    let same = Url::parse(OURS).and_then(|ours| ours.join(text)).is_ok_and(|joined| joined.as_str() == whole);
    let start = text.get(1..4).unwrap_or_default().to_ascii_lowercase();
    let encoded = matches!(start.as_str(), "%2f" | "%5c");
    same && text.starts_with('/') && !encoded && text.len() <= MAX_BYTES && !text.starts_with("/account/sign-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_of_ours_stay() {
        for good in
            ["/", "/workflows/wf-1", "/workflows/wf-1/logs?after=LOG%230001", "/approvals/0af", "/account/tokens"]
        {
            assert_eq!(ReturnPath::read(good).as_str(), good);
        }
        let path = ReturnPath::read("/workflows/wf-1?a=b");
        assert_eq!(path.url("https://pi.example/live"), "https://pi.example/live/workflows/wf-1?a=b");
        let page = "https://pi.example/live/account/sign-in?return=%2Fworkflows%2Fwf-1%3Fa%3Db";
        assert_eq!(path.sign_in_url("https://pi.example/live"), page);
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for bad in [
            "",
            "x",
            "workflows",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2f/evil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/../admin",
            "/a/../../b",
            "/%2e%2e/b",
            "/a/./b",
            "/\t/evil.example",
            "/\n/evil",
            " /workflows",
            "/a b",
            "/a\\b",
            "/é",
            "/a\"b",
            "?x",
            "#x",
            "@evil.example",
            "/account/sign-in?return=%2F",
            "/account/sign-out",
            ".evil.example/",
        ] {
            assert_eq!(ReturnPath::read(bad).as_str(), "/", "{bad}");
        }
        assert_eq!(ReturnPath::read(&format!("/{}", "a".repeat(MAX_BYTES))).as_str(), "/");
    }

    proptest! {
        #[test]
        fn a_browser_stays_at_our_address(text in "[/\\\\.:@?#%a-f0-9 \\t]{0,12}") {
            for base in ["https://pi.example", "https://pi.example/live"] {
                let target = Url::parse(&ReturnPath::read(&text).url(base)).unwrap();
                prop_assert_eq!(target.host_str(), Some("pi.example"));
                prop_assert!(target.as_str().starts_with(&format!("{base}/")), "{}", target);
            }
        }
    }
}
