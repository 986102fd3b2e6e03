//! What a request brings. Extracting never fails, so that who is asking is looked at first; reading says what is wrong.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;

/// Longest excerpt of an error message, characters: it may quote what was sent.
const MAX_MESSAGE: usize = 300;

/// An object. Derived readers take the list of its values too, which the description does not promise.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// The one variable part of a path. What is no text is empty, and thereby nobody's id.
pub(crate) struct ApiPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ApiPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map_or_else(|_| String::new(), |Path(text)| text)))
    }
}

/// The part of an address after its question mark.
pub(crate) struct ApiQuery<T>(Result<T, QueryRejection>);

impl<T> ApiQuery<T> {
    /// Reads it.
    pub(crate) fn read(self) -> Result<T, Problem> {
        self.0.map_err(|error| Problem::bad_request(domain::text::one_line(&error.body_text(), MAX_MESSAGE)))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::from_request_parts(parts, state).await.map(|Query(query)| query)))
    }
}

/// A body.
pub(crate) struct ApiBody {
    bytes: Result<Bytes, StatusCode>,
    is_json: bool,
}

impl<S: Send + Sync> FromRequest<S> for ApiBody {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
        let bytes = Bytes::from_request(request, state).await;
        Ok(Self { bytes: bytes.map_err(|rejection| rejection.status()), is_json })
    }
}

impl ApiBody {
    /// Reads it; an error names the field.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        self.value().map(|Object(value)| value)
    }

    fn value<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let bytes = self.bytes()?;
        if !self.is_json {
            let detail = "The body has to be JSON, with `Content-Type: application/json`. Nothing was changed.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bad = |text: String| Problem::bad_request(domain::text::one_line(&text, MAX_MESSAGE));
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| bad(format!("`{}`: {}", error.path(), error.inner())))?;
        json.end().map_err(|error| bad(error.to_string()))?;
        Ok(value)
    }

    /// Reads it, or takes none and `null` as the default.
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(self) -> Result<T, Problem> {
        if self.bytes()?.is_empty() {
            return Ok(T::default());
        }
        Ok(self.value::<Option<Object<T>>>()?.map(|Object(value)| value).unwrap_or_default())
    }

    fn bytes(&self) -> Result<&Bytes, Problem> {
        self.bytes.as_ref().map_err(|status| match *status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(*status, "The body has more than 128 KiB, which is the limit. Nothing was changed.")
            }
            _ => Problem::bad_request("The body broke off. Nothing was changed; send it again."),
        })
    }
}
