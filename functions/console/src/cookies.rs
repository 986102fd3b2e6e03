//! Our cookies. Scripts cannot read them, other sites cannot have them sent with a form, and over HTTPS they carry a
//! prefix with which browsers refuse them from anybody but this host.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time};
use url::Url;

/// Name and scope of a cookie at our address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jar {
    name: String,
    path: String,
    secure: bool,
}

impl Jar {
    /// The cookie that holds the session.
    pub(crate) fn session(base_url: &str) -> Self {
        Self::new("pi_session", base_url)
    }

    /// The cookie that holds a sign-in on its way.
    pub(crate) fn sign_in(base_url: &str) -> Self {
        Self::new("pi_sign_in", base_url)
    }

    /// The cookie's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn new(name: &str, base_url: &str) -> Self {
        let url = Url::parse(base_url).ok();
        let secure = url.as_ref().is_some_and(|url| url.scheme() == "https");
        let path = url.as_ref().map_or("/", Url::path).trim_end_matches('/').to_owned();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let prefix = match (secure, path.as_str()) {
            (true, "/") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        Self { name: format!("{prefix}{name}"), path, secure }
    }

    /// The value in a request. A name that comes twice comes from somebody who could only add one: neither counts.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<String> {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = texts.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == self.name);
        let value = found.next()?.value().to_owned();
        found.next().is_none().then_some(value)
    }

    /// The header that sets a value for so many seconds. A value of ours has no character that would need escaping.
    pub(crate) fn set(&self, value: &str, seconds: i64) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name.as_str(), value))
            .path(self.path.as_str())
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds));
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }

    /// Whether an answer sets this cookie.
    pub(crate) fn is_set_by(&self, headers: &HeaderMap) -> bool {
        let mut set = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        set.any(|text| text.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('=')))
    }

    /// The header that takes the cookie away.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        self.set("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &'static str) -> HeaderMap {
        [(header::COOKIE, HeaderValue::from_static(text))].into_iter().collect()
    }

    #[test]
    fn a_cookie_is_as_narrow_as_its_address_allows() {
        for (base, expected) in [
            ("https://pi.example", "__Host-pi_session=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"),
            (
                "https://pi.example/live",
                "__Secure-pi_session=v; HttpOnly; SameSite=Lax; Secure; Path=/live; Max-Age=60",
            ),
            ("http://127.0.0.1:8080", "pi_session=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"),
        ] {
            assert_eq!(Jar::session(base).set("v", 60).unwrap(), expected);
        }
        assert!(Jar::session("https://pi.example").clear().unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn one_cookie_of_our_name_is_read() {
        let jar = Jar::session("https://pi.example");
        assert_eq!(jar.read(&sent("a=b; __Host-pi_session=x.y ;c=d")).as_deref(), Some("x.y"));
        assert_eq!(jar.read(&sent("pi_session=x; __Host-pi_sessions=y")), None, "without its prefix it is not ours");
        assert_eq!(jar.read(&sent("__Host-pi_session=x; __Host-pi_session=y")), None);
        assert_eq!(jar.read(&HeaderMap::new()), None);
    }
}
