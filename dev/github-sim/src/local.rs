//! Keeps foreign web pages away from the pages and the control API, which ask for no credentials.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{HeaderMap, StatusCode};

/// Refuses requests that a browser sends on behalf of another site, and host names that are not loopback (DNS rebinding).
pub(crate) async fn only(request: Request, next: Next) -> Response {
    if foreign(request.headers()) {
        let text = "This simulator answers requests from this machine only, not from other sites' pages.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let cross = matches!(text("sec-fetch-site"), Some("cross-site" | "same-site"));
    // Following a link from elsewhere to a page is fine; posting or embedding is not.
    let navigation = text("sec-fetch-mode") == Some("navigate") && !headers.contains_key("origin");
    let host = text(HOST.as_str()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    let loopback = name == "localhost"
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let other_origin =
        text("origin").is_some_and(|origin| origin.split_once("://").is_none_or(|(_, authority)| authority != host));
    !loopback || other_origin || (cross && !navigation)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::foreign;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_this_machines_requests_pass() {
        assert!(!foreign(&headers(&[("host", "127.0.0.1:8080")])));
        assert!(!foreign(&headers(&[("host", "[::1]:8080")])));
        assert!(!foreign(&headers(&[("host", "localhost:1"), ("origin", "http://localhost:1")])));
        assert!(foreign(&headers(&[("host", "evil.example:8080")])));
        assert!(foreign(&headers(&[("host", "127.0.0.1:1"), ("origin", "https://evil.example")])));
        assert!(foreign(&headers(&[("host", "127.0.0.1:1"), ("origin", "null")])));
        assert!(foreign(&headers(&[("host", "127.0.0.1:1"), ("sec-fetch-site", "cross-site")])));
        let link = [("host", "127.0.0.1:1"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert!(!foreign(&headers(&link)));
    }
}
