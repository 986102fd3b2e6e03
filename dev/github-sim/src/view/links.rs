//! URLs of pages and API resources.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::names::RepoName;

const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: AsciiSet = SEGMENT.remove(b'/');

/// Encodes one path segment or query value.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, &SEGMENT).to_string()
}

/// Encodes a path, keeping its slashes.
pub(crate) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, &PATH).to_string()
}

/// The simulator's own addresses.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    html: String,
}

impl Links {
    /// `html` is the origin, without a final slash.
    pub(crate) fn new(html: impl Into<String>) -> Self {
        Self { html: html.into() }
    }

    /// The origin of the pages.
    pub(crate) fn html_base(&self) -> &str {
        &self.html
    }

    /// The base of the API.
    pub(crate) fn api_base(&self) -> String {
        format!("{}/api/v3", self.html)
    }

    /// An API URL; `path` begins with a slash and is encoded already.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}/api/v3{path}", self.html)
    }

    /// An API URL below a repository.
    pub(crate) fn repo_api(&self, repo: &RepoName, path: &str) -> String {
        format!("{}/api/v3/repos/{repo}{path}", self.html)
    }

    /// A page below a repository.
    pub(crate) fn repo_html(&self, repo: &RepoName, path: &str) -> String {
        format!("{}/{repo}{path}", self.html)
    }
}
