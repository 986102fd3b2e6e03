//! Where a repository's `[setup]` may fetch packages from.
//!
//! A sandbox reaches no network. While `[setup]` runs, and never again, its supervisor fetches packages for it: from
//! mirrors, whose credentials stay with the supervisor, and through tunnels to hosts that the operator allows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Host;

/// The port of every host.
pub const HTTPS_PORT: u16 = 443;

/// Where packages may come from. Empty: from nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSources {
    /// Mirrors, at most one of each ecosystem.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Mirror>,
    /// Hosts that may be reached by HTTPS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostName>,
}

impl PackageSources {
    /// Whether packages come from nowhere.
    pub const fn is_empty(&self) -> bool {
        self.mirrors.is_empty() && self.hosts.is_empty()
    }
}

/// A repository of packages that speaks the protocol of its ecosystem's public registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// The protocol.
    pub ecosystem: Ecosystem,
    /// Base URL, `http` or `https`.
    pub url: String,
    /// What the supervisor shows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<AccessToken>,
    /// Other hosts to which the mirror sends its readers for contents. They are not shown the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<HostName>,
}

/// Whose packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ecosystem {
    /// npm, pnpm, Yarn, Bun: the npm registry's protocol.
    Npm,
    /// pip, uv, Poetry: the simple repository API (PEP 503, PEP 691).
    Pypi,
    /// Cargo: a sparse index.
    Cargo,
}

impl Ecosystem {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Npm, Self::Pypi, Self::Cargo];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Cargo => "cargo",
        }
    }
}

/// A credential of a mirror. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessToken(String);

impl AccessToken {
    /// Takes a token.
    pub const fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// A host's name in its one canonical form: lower case, ASCII (IDNA), without a final dot, of at least two labels.
///
/// Never an address: those of the metadata services and of the network around a sandbox are addresses, in many
/// spellings (`0x7f.1`, `127.1`, `[::ffff:7f00:1]`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is not the name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// It is an address.
    #[error("{0} is an address, and only names are allowed")]
    Address(String),
    /// It is something else.
    #[error("`{}` is not the name of a host, such as packages.example.org", .0.escape_debug())]
    Malformed(String),
}

impl FromStr for HostName {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || InvalidHost::Malformed(text.chars().take(300).collect());
        // What the parser would decode, drop or map is not taken from anybody.
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || "%@/\\:?#[]".contains(c)) {
            return Err(match text.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
                Ok(address) => InvalidHost::Address(address.to_string()),
                Err(_) => malformed(),
            });
        }
        let name = match Host::parse(text) {
            Ok(Host::Domain(name)) => name,
            Ok(address) => return Err(InvalidHost::Address(address.to_string())),
            Err(_) => return Err(malformed()),
        };
        let name = name.strip_suffix('.').unwrap_or(&name);
        let labels: Vec<_> = name.split('.').collect();
        let is_label = |label: &&str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if labels.len() < 2 || name.len() > 253 || !labels.iter().all(is_label) {
            return Err(malformed());
        }
        Ok(Self(name.to_owned()))
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHost;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a list of names with commas between them.
    ///
    /// # Errors
    /// One of them is none.
    pub fn list(text: &str) -> Result<Vec<Self>, InvalidHost> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

/// Why a host may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedHost {
    /// It is no name.
    #[error(transparent)]
    Invalid(#[from] InvalidHost),
    /// Not the port of HTTPS.
    #[error("only port {HTTPS_PORT} can be reached")]
    Port,
    /// Nobody allowed it.
    #[error("{0} is not among the hosts that [setup] may reach")]
    NotAllowed(HostName),
}

/// The host that a proxy's client asks for as `name:port`, if it is allowed.
///
/// # Errors
/// See [`RefusedHost`].
pub fn tunnel_to(authority: &str, allowed: &[HostName]) -> Result<HostName, RefusedHost> {
    let (name, port) = authority.rsplit_once(':').ok_or(RefusedHost::Port)?;
    let host: HostName = name.parse()?;
    if port != HTTPS_PORT.to_string() {
        return Err(RefusedHost::Port);
    }
    if allowed.contains(&host) { Ok(host) } else { Err(RefusedHost::NotAllowed(host)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed() -> Vec<HostName> {
        HostName::list("packages.example.org, bücher.example ,").unwrap()
    }

    #[test]
    fn spellings_of_one_name_are_one_name() {
        for spelling in ["packages.example.org:443", "PACKAGES.Example.ORG:443", "packages.example.org.:443"] {
            assert_eq!(tunnel_to(spelling, &allowed()).unwrap().as_str(), "packages.example.org", "{spelling}");
        }
        assert_eq!(tunnel_to("xn--bcher-kva.example:443", &allowed()).unwrap().as_str(), "xn--bcher-kva.example");
        // Letters of other widths are the same name to the parser, and to the list.
        assert!(tunnel_to("ｐackages.example.org:443", &allowed()).is_ok());
    }

    #[test]
    fn what_is_not_exactly_an_allowed_name_is_refused() {
        for authority in [
            "127.0.0.1:443",
            "[::1]:443",
            "[::ffff:169.254.169.254]:443",
            "169.254.170.2:443",
            "0x7f.1:443",
            "2130706433:443",
            "017700000001:443",
            "127.1:443",
            "127.0.0.1.:443",
            "１２７.0.0.1:443",
            "packages.example.org:80",
            "packages.example.org:0443",
            "packages.example.org:443 ",
            "packages.example.org:+443",
            "packages.example.org",
            "packages.example.org:",
            "packages.example.org:443:443",
            "user@packages.example.org:443",
            "evil.example@packages.example.org:443",
            "packages.example.org\0.evil.example:443",
            "packages.example.org%00.evil.example:443",
            "packages%2eexample.org:443",
            "packages.example.org/..:443",
            "packages.example.org\\.evil.example:443",
            "packages.example.org#.evil.example:443",
            "packages.example.org?.evil.example:443",
            "packages.example.org..:443",
            ".packages.example.org:443",
            "packages.example.org.evil.example:443",
            "evilpackages.example.org:443",
            "sub.packages.example.org:443",
            "example.org:443",
            "localhost:443",
            "packages\u{ad}:443",
            "packages.example.org\n:443",
            " packages.example.org:443",
            "*.example.org:443",
            "*:443",
            ":443",
            "",
        ] {
            assert!(tunnel_to(authority, &allowed()).is_err(), "{authority:?} was let through");
        }
    }

    #[test]
    fn addresses_are_told_apart_from_nonsense() {
        let refused = |text: &str| text.parse::<HostName>().unwrap_err();
        for address in ["10.0.0.1", "0x7f.1", "[fe80::1]", "fd00:ec2::254"] {
            assert!(matches!(refused(address), InvalidHost::Address(_)), "{address}");
        }
        assert!(matches!(refused("a b.example"), InvalidHost::Malformed(_)));
        assert!(HostName::list("a.example,,b").is_err());
    }

    #[test]
    fn tokens_do_not_show_themselves() {
        let mirror = Mirror {
            ecosystem: Ecosystem::Npm,
            url: "https://packages.example.org/npm/".to_owned(),
            token: Some(AccessToken::new("hush".to_owned())),
            redirects: vec![],
        };
        assert!(!format!("{mirror:?}").contains("hush"));
        assert!(serde_json::to_string(&mirror).unwrap().contains("hush"));
    }

    proptest! {
        /// A list decides by equality of names as a resolver knows them: bytes, but for case and the final dot.
        #[test]
        fn no_other_ascii_name_passes(name in "[ -~]{0,40}") {
            let ours = name.to_ascii_lowercase();
            let is_ours = ours.strip_suffix('.').unwrap_or(&ours) == "packages.example.org";
            prop_assert_eq!(tunnel_to(&format!("{name}:443"), &allowed()).is_ok(), is_ours);
        }

        #[test]
        fn a_name_is_read_back(name in "[a-z]{1,9}(\\.[a-z]{1,9}){1,3}") {
            if let Ok(host) = name.parse::<HostName>() {
                prop_assert_eq!(host.to_string().parse::<HostName>().unwrap(), host);
            }
        }
    }
}
