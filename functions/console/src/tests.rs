//! The whole application over a backend in memory: requests in, answers out.

mod analytics;
mod api;
mod approvals;
mod audit;
mod codes;
mod description;
mod desk;
mod diff;
mod gate;
mod gateway;
mod home;
mod links;
mod matrix;
mod operations;
mod sessions;
mod sign_in;
mod slack;
mod tokens;
mod views;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::testing::{Memory, TOKEN};

/// An answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a hidden field of the first form that has it.
    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        self.body.split_once(&mark).unwrap().1.split('"').next().unwrap().to_owned()
    }

    /// The value of a cookie that it sets.
    fn cookie(&self, name: &str) -> Option<String> {
        let mut set = self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let found = set.find_map(|text| text.strip_prefix(&format!("{name}=")))?;
        Some(found.split(';').next().unwrap().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The page without its style sheet, cut at its tags.
    fn page(&self) -> String {
        let (head, rest) = self.body.split_once("<style>").unwrap();
        let (_, body) = rest.split_once("</style>").unwrap();
        format!("{head}{body}").replace("><", ">\n<")
    }

    /// The same without the tokens of forms, which every session has of its own.
    fn page_without_tokens(&self) -> String {
        let mark = "name=\"token\" value=\"";
        let page = self.page();
        let parts = page.split(mark).enumerate();
        parts.map(|(number, part)| if number == 0 { part } else { &part[64..] }).collect::<Vec<_>>().join(mark)
    }
}

/// A request to be sent.
struct Call(axum::http::request::Builder, Body);

impl Call {
    fn get(path: &str) -> Self {
        Self(Request::builder().uri(path), Body::empty())
    }

    fn head(path: &str) -> Self {
        Self(Request::builder().method("HEAD").uri(path), Body::empty())
    }

    fn json(path: &str, body: &Value) -> Self {
        let request = Request::builder().method("POST").uri(path).header(header::CONTENT_TYPE, "application/json");
        Self(request, Body::from(body.to_string()))
    }

    fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        Self(Request::builder().method("POST").uri(path).header(header::CONTENT_TYPE, kind), Body::from(encoded))
    }

    fn raw(path: &str, body: &str) -> Self {
        Self(Request::builder().method("POST").uri(path), Body::from(body.to_owned()))
    }

    fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    fn with_token(self) -> Self {
        self.bearer(TOKEN)
    }

    /// With a session's cookie.
    fn session(self, value: &str) -> Self {
        self.header("cookie", &format!("__Secure-pi_session={value}"))
    }

    fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    async fn to(self, memory: &Memory) -> Answer {
        self.sent_to(crate::app(memory.console())).await
    }

    async fn sent_to(self, app: axum::Router) -> Answer {
        let request = self.0.body(self.1).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
