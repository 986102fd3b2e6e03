//! Whether a form was sent by our own page.

use axum::http::{HeaderMap, header};
use url::Url;

/// Whether the browser says that the request came from one of our own pages, or says nothing about it.
///
/// Our pages have `Referrer-Policy: no-referrer`, under which browsers send `Origin: null` with a form, so `null`
/// alone says nothing; `Sec-Fetch-Site`, which every current browser sends, does. Programs that are no browsers send
/// neither and cannot be made to send a request by another site. The form's own signed value is checked besides.
pub(crate) fn is_own(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let site_is_own = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let origin_is_own = match text(header::ORIGIN.as_str()).as_deref() {
        None | Some("null") => true,
        Some(origin) => is_our_address(origin, text(header::HOST.as_str()).as_deref(), base_url),
    };
    site_is_own && origin_is_own
}

/// Our pages are reached under the public address, or under the one that the request names.
fn is_our_address(origin: &str, host: Option<&str>, base_url: &str) -> bool {
    let ours = Url::parse(base_url).is_ok_and(|url| url.origin().ascii_serialization() == origin);
    let asked = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    ours || asked
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn own(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        is_own(&headers.collect(), "https://pi.example/live")
    }

    #[test]
    fn only_our_own_pages_may_send_a_form() {
        assert!(own(&[]));
        assert!(own(&[("origin", "https://pi.example"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "https://abc.execute-api.example"), ("host", "abc.execute-api.example")]));
        assert!(!own(&[("origin", "https://evil.example")]));
        assert!(!own(&[("origin", "https://pi.example.evil.example"), ("host", "pi.example")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("origin", "null"), ("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]), "a sibling of our domain is not we");
    }
}
