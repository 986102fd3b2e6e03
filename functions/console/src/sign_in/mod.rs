//! Signing in through GitHub, and out.

mod attempt;
mod github;
mod return_path;

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::role::Scopes;
use serde::Deserialize;

use self::attempt::Attempt;
use self::github::Way;
pub(crate) use self::github::callback;
pub use self::github::{Account, Github, NotIdentified};
pub(crate) use self::return_path::ReturnPath;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::cookies::Jar;
use crate::pages::{self, SignInFacts};
use crate::problem::{PageProblem, Problem};
use crate::{Console, session, tokens};

/// What the form for signing out is for.
pub(crate) const SIGN_OUT: &str = "sign-out";

#[derive(Deserialize)]
pub(crate) struct ReturnQuery {
    #[serde(default, rename = "return")]
    to: String,
}

/// The page that asks to sign in.
pub(crate) async fn page<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<ReturnQuery>,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let to = ReturnPath::read(&query.to);
    let base_url = &console.settings.base_url;
    let configured = console.backend.secrets().await?.oauth.is_some();
    let facts = SignInFacts {
        begin: configured.then(|| to.begin_url(base_url)),
        callback: callback(&console.settings),
        who: asking.signed_in().ok().map(|(viewer, _)| viewer.person().label()),
    };
    Ok(pages::page(&pages::sign_in(&facts, base_url)))
}

/// The way to GitHub. It changes nothing here; the cookie makes its end worth something in this browser alone.
pub(crate) async fn begin<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<ReturnQuery>,
) -> Result<Response, PageProblem> {
    let secrets = console.backend.secrets().await?;
    let Some(app) = &secrets.oauth else { return Err(Problem::not_found().into()) };
    let way = Way::new(app, &console.settings)?;
    let (to, now) = (ReturnPath::read(&query.to), (console.now)());
    let attempt = Attempt::new(way.state.secret(), way.verifier.secret(), &to, now);
    let jar = Jar::sign_in(&console.settings.base_url);
    let cookie = attempt.sealed(&secrets.sign_in_key).and_then(|value| jar.set(&value, attempt::SECONDS));
    let cookie = cookie.ok_or_else(|| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "There can be no cookie."))?;
    let mut response = redirect(&way.address)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct CallbackQuery {
    code: String,
    state: String,
    error: String,
}

/// The way back: who it is, which role they have, and a session for them.
pub(crate) async fn callback_from_github<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
    asking: Asking,
) -> Result<Response, PageProblem> {
    let secrets = console.backend.secrets().await?;
    let Some(app) = &secrets.oauth else { return Err(Problem::not_found().into()) };
    let (jar, now) = (Jar::sign_in(&console.settings.base_url), (console.now)());
    let attempt = jar.read(&headers).and_then(|value| Attempt::open(&value, &query.state, &secrets.sign_in_key, now));
    let Some(attempt) = attempt else {
        return Err(
            again("This sign-in was not begun in this browser, or took too long.", "a sign-in not begun here").into()
        );
    };
    if !query.error.is_empty() || query.code.is_empty() {
        return Err(again("GitHub did not let you in, or you said no there.", "GitHub said no").into());
    }
    let account = match console.backend.identify(app, query.code, attempt.verifier.clone()).await {
        Ok(account) => account,
        Err(NotIdentified::Refused) => {
            return Err(again("GitHub does not know this sign-in any more.", "a code that GitHub does not take").into());
        }
        Err(NotIdentified::Failed(failure)) => return Err(failure.into()),
    };
    let role = console.settings.role_rules.role(&account.membership);
    // Whoever may do less than before has no token that may do more.
    let scopes = role.map_or_else(Scopes::default, domain::role::Role::scopes);
    tokens::hold_to(&console, &account.person, &scopes).await?;
    let Some(role) = role else {
        let detail = format!(
            "GitHub knows you as {} (user:{}), and no rule gives that account, its teams or organizations a role here. \
             Ask whoever runs this service.",
            account.person.label(),
            account.membership.user
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).refused("an account without a role").into());
    };
    if let Ok((_, before)) = asking.signed_in() {
        console.backend.end_session(&before.family).await?;
    }
    let cookie = session::begin(&console, &secrets, account.person, role).await?;
    let mut response = redirect(&attempt.to().url(&console.settings.base_url))?;
    for cookie in [cookie, jar.clear()].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct SignOut {
    token: String,
}

/// Ends the session.
pub(crate) async fn out<B: Backend>(
    State(console): State<Arc<Console<B>>>,
    asking: Asking,
    form: Result<Form<SignOut>, FormRejection>,
) -> Result<Response, PageProblem> {
    asking.signed_in()?;
    let Form(form) = form.map_err(|_| Problem::bad_request("The form is not whole. You are still signed in."))?;
    let (_, signed_in) = asking.own_form(SIGN_OUT, &form.token)?;
    console.backend.end_session(&signed_in.family).await?;
    let base_url = &console.settings.base_url;
    let mut response = redirect(&ReturnPath::read("/").sign_in_url(base_url))?;
    if let Some(cookie) = Jar::session(base_url).clear() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn again(what: &str, why: &'static str) -> Problem {
    Problem::bad_request(format!("{what} Nothing was changed; sign in again.")).refused(why)
}

/// On to another address, by GET.
pub(crate) fn redirect(address: &str) -> Result<Response, Problem> {
    let address = HeaderValue::try_from(address)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "That is no address to go to."))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response())
}
