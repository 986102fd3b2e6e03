//! Who is asking, and the proofs of what they may do. Each proof can be made only by the check it stands for.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::person::{Actor, Channel, Person};
use domain::role::{Role, Scope, Scopes};
use domain::signing::SigningKey;

use crate::Console;
use crate::backend::Backend;
use crate::cookies::Jar;
use crate::problem::{Problem, Refused};
use crate::sign_in::ReturnPath;
use crate::{origin, session, tokens};

/// Proof that somebody may read.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    person: Person,
    scopes: Scopes,
    /// The session, unless they showed a token.
    session: Option<SignedIn>,
}

/// Proof that a person is signed in in a browser.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) family: String,
    pub(crate) role: Role,
    form_key: SigningKey,
}

impl SignedIn {
    pub(crate) fn new(family: String, role: Role, form_key: SigningKey) -> Self {
        Self { family, role, form_key }
    }

    /// The value that only forms on this session's own pages have, for one purpose.
    pub(crate) fn form_token(&self, purpose: &str) -> String {
        self.form_key.sign(self.form_parts(purpose))
    }

    fn form_parts<'a>(&'a self, purpose: &'a str) -> [&'a [u8]; 2] {
        [self.family.as_bytes(), purpose.as_bytes()]
    }
}

/// Proof that somebody may decide gates that ask them. Whether one does is [`domain::gate::Gate::decide`]'s matter.
pub(crate) struct Decider<'a>(&'a Viewer);

/// Proof that somebody may run the service.
pub(crate) struct Operator<'a>(&'a Viewer);

impl Viewer {
    /// Somebody whose credentials were checked.
    pub(crate) fn new(person: Person, scopes: Scopes, session: Option<SignedIn>) -> Self {
        Self { person, scopes, session }
    }

    pub(crate) fn person(&self) -> &Person {
        &self.person
    }

    pub(crate) fn signed_in(&self) -> Option<&SignedIn> {
        self.session.as_ref()
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    /// How their words reach us.
    fn channel(&self) -> Channel {
        if self.session.is_some() { Channel::Console } else { Channel::Api }
    }

    fn need(&self, scope: Scope) -> Result<&Self, Problem> {
        if self.may(scope) { Ok(self) } else { Err(Problem::forbidden(scope)) }
    }
}

impl Decider<'_> {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person { person: self.0.person.clone(), channel: self.0.channel() }
    }
}

impl Operator<'_> {
    pub(crate) fn person(&self) -> &Person {
        &self.0.person
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::Person { person: self.0.person.clone(), channel: self.0.channel() }
    }
}

/// What the credentials of a request came to.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// There were none.
    Nobody,
    /// They are good.
    Known(Box<Viewer>),
    /// They are not: why, and whose they were as far as that is known.
    Refused(&'static str, Option<Box<Person>>),
    /// They could not be checked now.
    Unclear(Problem),
}

/// A request and who sent it.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    caller: Caller,
    method: Method,
    headers: HeaderMap,
    base_url: String,
    /// Where to come back to after signing in.
    path: String,
}

impl Asking {
    /// Who may read.
    pub(crate) fn viewer(&self) -> Result<&Viewer, Problem> {
        match &self.caller {
            Caller::Known(viewer) => viewer.need(Scope::Read),
            Caller::Unclear(problem) => Err(problem.clone()),
            Caller::Nobody => Err(self.unauthorized(if self.is_page_visit() { None } else { Some("no credentials") })),
            Caller::Refused(why, _) => Err(self.unauthorized(Some(why))),
        }
    }

    /// Who may decide.
    pub(crate) fn decider(&self) -> Result<Decider<'_>, Problem> {
        self.viewer()?.need(Scope::Decide).map(Decider)
    }

    /// Who may run the service.
    pub(crate) fn operator(&self) -> Result<Operator<'_>, Problem> {
        self.viewer()?.need(Scope::Operate).map(Operator)
    }

    /// Who is signed in in a browser: tokens do not do.
    pub(crate) fn signed_in(&self) -> Result<(&Viewer, &SignedIn), Problem> {
        let viewer = self.viewer()?;
        let session = viewer.session.as_ref().ok_or_else(|| {
            let detail = "This page is for people who are signed in in a browser; a token does not open it.";
            Problem::new(StatusCode::FORBIDDEN, detail).refused("a token where a session is needed")
        })?;
        Ok((viewer, session))
    }

    /// The API's changes need a token: a browser sends cookies by itself, also for somebody else's page.
    pub(crate) fn by_token(&self) -> Result<(), Problem> {
        if self.viewer()?.session.is_none() {
            return Ok(());
        }
        let detail = "The API's changes need a bearer token. In a browser, use the pages' forms. Nothing was changed.";
        Err(Problem::new(StatusCode::FORBIDDEN, detail).refused("a session where a token is needed"))
    }

    /// Checks that a form was sent by one of our own pages, of this very session and for this purpose.
    pub(crate) fn own_form(&self, purpose: &str, token: &str) -> Result<(&Viewer, &SignedIn), Problem> {
        self.same_origin()?;
        let (viewer, session) = self.signed_in()?;
        if session.form_key.verify(session.form_parts(purpose), token) {
            return Ok((viewer, session));
        }
        let detail =
            "This form is not of your session. Nothing was changed; load the page again and send it from there.";
        Err(Problem::new(StatusCode::FORBIDDEN, detail).refused("a form of another session"))
    }

    /// Checks that no other site had the request sent.
    pub(crate) fn same_origin(&self) -> Result<(), Problem> {
        if origin::is_own(&self.headers, &self.base_url) {
            return Ok(());
        }
        let detail = "This form was sent by another site. Nothing was decided.";
        Err(Problem::new(StatusCode::FORBIDDEN, detail).refused("a form of another site"))
    }

    /// Where one signs in and comes back from.
    pub(crate) fn sign_in_url(&self) -> String {
        ReturnPath::read(&self.path).sign_in_url(&self.base_url)
    }

    fn is_page_visit(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && !self.path.starts_with("/api/")
    }

    fn unauthorized(&self, why: Option<&'static str>) -> Problem {
        let sign_in = self.is_page_visit().then(|| self.sign_in_url());
        Problem { sign_in, refused: why.map(Refused), ..Problem::unauthorized() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = crate::problem::PageProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Without the layer below nobody is anybody.
        let missing = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Nobody asked who this is.");
        parts.extensions.get::<Self>().cloned().ok_or_else(|| missing().into())
    }
}

/// Finds out who is asking, before anything else; afterwards writes down what was refused.
pub(crate) async fn layer<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, cookie) = identify(&console, request.headers()).await;
    let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri(), |original| &original.0);
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
    let what = format!("{} {route}", request.method());
    let asking = Asking {
        method: request.method().clone(),
        headers: request.headers().clone(),
        base_url: console.settings.base_url.clone(),
        path,
        caller,
    };
    let by = match &asking.caller {
        Caller::Known(viewer) => Some(viewer.person.clone()),
        Caller::Refused(_, person) => person.as_deref().cloned(),
        Caller::Nobody | Caller::Unclear(_) => None,
    };
    // The end of a session by an id that was replaced matters whatever was asked for.
    let alarm = match &asking.caller {
        Caller::Refused(why @ session::REPLACED, _) => Some(Refused(why)),
        _ => None,
    };
    request.extensions_mut().insert(asking);
    let mut response = next.run(request).await;
    // A sign-in or sign-out has said what the session's cookie is from now on.
    let jar = Jar::session(&console.settings.base_url);
    if let Some(cookie) = cookie.filter(|_| !jar.is_set_by(response.headers())) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if let Some(Refused(why)) = response.extensions().get::<Refused>().copied().or(alarm) {
        console.refusals.note(&console.backend, (console.now)(), what, why, by).await;
    }
    response
}

/// A token that is shown counts, and nothing else: a bad one is not made good by a cookie.
async fn identify<B: Backend>(console: &Console<B>, headers: &HeaderMap) -> (Caller, Option<HeaderValue>) {
    let jar = Jar::session(&console.settings.base_url);
    let found = if let Some(value) = headers.get(header::AUTHORIZATION) {
        tokens::check(console, value).await.map(|caller| (caller, None))
    } else if let Some(value) = jar.read(headers) {
        session::check(console, &jar, &value).await
    } else {
        Ok((Caller::Nobody, None))
    };
    found.unwrap_or_else(|problem| (Caller::Unclear(problem), None))
}
