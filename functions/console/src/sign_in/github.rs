//! GitHub as the one who knows people. Its token lives as long as the five calls here.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::header;
use domain::failure::{Failure, FailureKind};
use domain::person::Person;
use domain::role::Membership;
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicRequestTokenError};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::ParseError;

use crate::Settings;
use crate::backend::OauthApp;

/// What people let us read: their addresses, and what they belong to.
const SCOPES: [&str; 2] = ["user:email", "read:org"];
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Entries of one page, GitHub's most.
const PER_PAGE: usize = 100;
/// Most pages that are read of a list.
const MAX_PAGES: usize = 10;

/// Who consented, as GitHub tells.
#[derive(Debug, Clone)]
pub struct Account {
    /// The person, with every address that GitHub has verified.
    pub person: Person,
    /// The numbers of what they belong to.
    pub membership: Membership,
}

/// Why it is not known who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum NotIdentified {
    /// GitHub does not take the code.
    #[error("GitHub does not take the code")]
    Refused,
    /// GitHub or the way to it does not work.
    #[error("GitHub cannot be asked")]
    Failed(#[source] Failure),
}

/// A client of GitHub's sign-in and of what belongs to a person.
#[derive(Debug, Clone)]
pub struct Github {
    http: reqwest::Client,
    settings: Settings,
    api_url: String,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(app: &OauthApp, settings: &Settings) -> Result<Client, Failure> {
    let github = &settings.github_url;
    let invalid = |error: ParseError| Failure::new(FailureKind::Internal, error.to_string());
    Ok(BasicClient::new(ClientId::new(app.client_id.clone()))
        .set_client_secret(ClientSecret::new(app.client_secret.expose_secret().to_owned()))
        // GitHub wants both in the body.
        .set_auth_type(oauth2::AuthType::RequestBody)
        .set_auth_uri(AuthUrl::new(format!("{github}/login/oauth/authorize")).map_err(invalid)?)
        .set_token_uri(TokenUrl::new(format!("{github}/login/oauth/access_token")).map_err(invalid)?)
        .set_redirect_uri(RedirectUrl::new(callback(settings)).map_err(invalid)?))
}

/// Where GitHub sends people back to: what the OAuth app has to have registered.
pub(crate) fn callback(settings: &Settings) -> String {
    format!("{}/account/sign-in/callback", settings.base_url)
}

/// A new way to GitHub: its address, and the two secrets that its end has to go with.
pub(super) struct Way {
    pub(super) address: String,
    pub(super) state: CsrfToken,
    pub(super) verifier: PkceCodeVerifier,
}

impl Way {
    pub(super) fn new(app: &OauthApp, settings: &Settings) -> Result<Self, Failure> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = client(app, settings)?;
        let request = client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        let scopes = SCOPES.map(|scope| Scope::new(scope.to_owned()));
        let (address, state) = request.add_scopes(scopes).url();
        Ok(Self { address: address.to_string(), state, verifier })
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    #[serde(rename = "email")]
    address: String,
    verified: bool,
    primary: bool,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl Github {
    /// A client; `api_url` has no slash at its end.
    ///
    /// # Errors
    /// When there can be no HTTPS.
    pub fn new(settings: &Settings, api_url: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .user_agent("pi-tickets")
            .timeout(TIMEOUT)
            // A redirect would carry the code or the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
        Ok(Self { http, settings: settings.clone(), api_url: api_url.to_owned() })
    }

    /// Exchanges a code and reads who it is.
    ///
    /// # Errors
    /// When GitHub does not take the code, or cannot be asked.
    pub async fn identify(&self, app: &OauthApp, code: String, verifier: String) -> Result<Account, NotIdentified> {
        let client = client(app, &self.settings).map_err(NotIdentified::Failed)?;
        let http = self.http.clone();
        let send = move |request| send(http.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&send)
            .await
            .map_err(refusal)?;
        let token = SecretString::from(answer.access_token().secret().clone());
        self.account(&token).await.map_err(NotIdentified::Failed)
    }

    async fn account(&self, token: &SecretString) -> Result<Account, Failure> {
        let (user, emails, organizations, teams) = futures::try_join!(
            self.get::<User>("/user", token),
            self.list::<Email>("/user/emails", token),
            self.list::<Numbered>("/user/orgs", token),
            self.list::<Numbered>("/user/teams", token),
        )?;
        let numbers = |list: Vec<Numbered>| list.into_iter().map(|one| one.id).collect::<BTreeSet<_>>();
        let membership = Membership { user: user.id, teams: numbers(teams), organizations: numbers(organizations) };
        Ok(Account { person: person(user, emails), membership })
    }

    async fn list<T: DeserializeOwned>(&self, path: &str, token: &SecretString) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let found: Vec<T> = self.get(&format!("{path}?per_page={PER_PAGE}&page={page}"), token).await?;
            let full = found.len() >= PER_PAGE;
            all.extend(found);
            if !full {
                return Ok(all);
            }
        }
        // A list that is cut could take a role away, and hide an address that is somebody's own.
        Err(Failure::new(FailureKind::Internal, format!("GitHub's list {path} is longer than we read")))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, token: &SecretString) -> Result<T, Failure> {
        let failed = |error: reqwest::Error| {
            Failure::new(FailureKind::Transient, format!("asking GitHub for {path}: {}", error.without_url()))
        };
        let request = self.http.get(format!("{}{path}", self.api_url)).bearer_auth(token.expose_secret());
        let request = request.header(header::ACCEPT, "application/vnd.github+json");
        let answer = request.header("x-github-api-version", "2022-11-28").send().await.map_err(failed)?;
        answer.error_for_status().map_err(failed)?.json().await.map_err(failed)
    }
}

/// Our HTTP client, as `oauth2` wants one.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(reqwest::Request::try_from(request)?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Somebody under every verified address: an address that is not verified may be anybody's.
fn person(user: User, emails: Vec<Email>) -> Person {
    let mut verified: Vec<_> = emails.into_iter().filter(|email| email.verified).collect();
    verified.sort_by_key(|email| !email.primary);
    let mut addresses = verified.into_iter().map(|email| email.address);
    Person {
        name: user.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| user.login.clone()),
        github_id: Some(user.id),
        github_login: Some(user.login),
        email: addresses.next(),
        other_emails: addresses.collect(),
        ..Person::default()
    }
}

/// GitHub refuses with status 200 and an error in the body.
fn refusal(error: BasicRequestTokenError<reqwest::Error>) -> NotIdentified {
    let transient = |message: String| NotIdentified::Failed(Failure::new(FailureKind::Transient, message));
    let named = match error {
        BasicRequestTokenError::ServerResponse(answer) => answer.error().to_string(),
        BasicRequestTokenError::Parse(_, body) => match serde_json::from_slice::<BasicErrorResponse>(&body) {
            Ok(answer) => answer.error().to_string(),
            Err(_) => return transient("GitHub's answer to a code is of another form".to_owned()),
        },
        BasicRequestTokenError::Request(error) => {
            return transient(format!("asking GitHub for a token: {}", error.without_url()));
        }
        BasicRequestTokenError::Other(message) => return transient(message),
    };
    match named.as_str() {
        "bad_verification_code" => NotIdentified::Refused,
        name => NotIdentified::Failed(Failure::new(
            FailureKind::Internal,
            format!("GitHub refused the OAuth app: {name}. Check its client id, secret and callback."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_verified_addresses_are_somebodys() {
        let user = User { id: 7, login: "ann".to_owned(), name: Some(" ".to_owned()) };
        let email = |address: &str, verified, primary| Email { address: address.to_owned(), verified, primary };
        let emails = vec![
            email("boss@acme.example", false, false),
            email("ann@home.example", true, false),
            email("ann@acme.example", true, true),
        ];
        let ann = person(user, emails);
        assert_eq!(ann.emails().collect::<Vec<_>>(), ["ann@acme.example", "ann@home.example"]);
        assert_eq!((ann.name.as_str(), ann.github_id), ("ann", Some(7)));
        assert!(!ann.is_same(&Person::from_email("boss@acme.example")));
    }
}
