//! Pages of long answers, with GitHub's `Link` header.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::LINK;
use serde_json::Value;

use super::context::Context;

/// The page that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// Reads `page` (from 1) and `per_page` (default 30, at most 100).
    pub(super) fn of(context: &Context) -> Self {
        let number = |name| context.query(name).and_then(|v| v.parse::<usize>().ok());
        Self { number: number("page").unwrap_or(1).max(1), size: number("per_page").unwrap_or(30).clamp(1, 100) }
    }

    /// The items of this page.
    pub(super) fn cut<T>(self, items: Vec<T>) -> Vec<T> {
        items.into_iter().skip((self.number - 1).saturating_mul(self.size)).take(self.size).collect()
    }

    /// Other pages by relation: `prev`, `next`, `last`, `first`.
    fn others(self, total: usize) -> Vec<(&'static str, usize)> {
        let last = total.div_ceil(self.size).max(1);
        let mut others = Vec::new();
        if self.number > 1 {
            others.push(("prev", (self.number - 1).min(last)));
        }
        if self.number < last {
            others.push(("next", self.number + 1));
            others.push(("last", last));
        }
        if self.number > 1 {
            others.push(("first", 1));
        }
        others
    }

    /// An answer with the `Link` header for `total` items.
    pub(super) fn answer(self, context: &Context, total: usize, body: Value) -> Response {
        let mut response = Json(body).into_response();
        let origin = context.sim.links.html_base();
        let links: Vec<String> = self
            .others(total)
            .into_iter()
            .map(|(relation, page)| {
                let kept = context.query.iter().filter(|(n, _)| n != "page").map(|(n, v)| (n.as_str(), v.as_str()));
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(kept)
                    .append_pair("page", &page.to_string())
                    .finish();
                format!("<{origin}{}?{query}>; rel=\"{relation}\"", context.uri.path())
            })
            .collect();
        if let (false, Ok(value)) = (links.is_empty(), HeaderValue::try_from(links.join(", "))) {
            response.headers_mut().insert(LINK, value);
        }
        response
    }

    /// Cuts and answers a list.
    pub(super) fn list(self, context: &Context, items: Vec<Value>) -> Response {
        let total = items.len();
        self.answer(context, total, Value::Array(self.cut(items)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations() {
        let page = |number| Page { number, size: 10 };
        assert_eq!(page(1).others(10), []);
        assert_eq!(page(1).others(11), [("next", 2), ("last", 2)]);
        assert_eq!(page(2).others(25), [("prev", 1), ("next", 3), ("last", 3), ("first", 1)]);
        assert_eq!(page(9).others(25), [("prev", 3), ("first", 1)]);
        assert_eq!(page(2).cut((0..25).collect()), (10..20).collect::<Vec<_>>());
        assert!(page(9).cut((0..25).collect()).is_empty());
    }
}
