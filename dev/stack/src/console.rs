//! The console, as people and programs use it: over HTTP, signed in with a link, or with the API token.

use anyhow::{Context as _, Result, bail, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::browser::{Browser, Page, success};
use crate::form::Form;

/// A client of the console.
#[derive(Debug, Clone)]
pub struct Console {
    base_url: String,
    token: SecretString,
    http: reqwest::Client,
    /// Who signs in, where the simulator lets people do so.
    login: Option<&'static str>,
}

/// A gate, as the list of open gates shows it.
#[derive(Debug, Deserialize)]
struct Open {
    id: String,
    subject_digest: String,
}

#[derive(Deserialize)]
struct Pending {
    gates: Vec<Open>,
}

/// What is answered at a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Approve,
    /// Do it again, differently.
    Revise,
    /// Stop.
    Reject,
}

impl Answer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "APPROVE",
            Self::Revise => "REVISE",
            Self::Reject => "REJECT",
        }
    }
}

impl Console {
    pub(crate) fn new(base_url: &str, token: SecretString, login: Option<&'static str>) -> Self {
        Self { base_url: base_url.to_owned(), token, http: reqwest::Client::new(), login }
    }

    /// Reads from the JSON API; `path` begins with `/api/`.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base_url)).bearer_auth(self.token.expose_secret());
        success(request.send().await?).await?.json().await.with_context(|| format!("reading {path}"))
    }

    /// Decides by the JSON API.
    ///
    /// # Errors
    /// When the gate is not among the token holder's open ones, or the decision is refused.
    pub async fn decide(&self, gate: &str, answer: Answer, comment: Option<&str>) -> Result<()> {
        let pending: Pending = serde_json::from_value(self.get("/api/approvals/pending").await?)?;
        let open = pending.gates.into_iter().find(|open| open.id == gate);
        let open = open.with_context(|| format!("the API does not list the gate {gate} as open"))?;
        let body = json!({"decision": answer.as_str(), "comment": comment, "subject_digest": open.subject_digest});
        let url = format!("{}/api/approvals/{gate}/decide", self.base_url);
        let request = self.http.post(url).bearer_auth(self.token.expose_secret()).json(&body);
        success(request.send().await?).await.map(drop).with_context(|| format!("deciding {gate} by the API"))
    }

    /// Has an ended workflow go on, by the JSON API.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn retry(&self, workflow: &str, words: &str) -> Result<()> {
        let url = format!("{}/api/workflows/{workflow}/retry", self.base_url);
        let request = self.http.post(url).bearer_auth(self.token.expose_secret()).json(&json!({ "reason": words }));
        success(request.send().await?).await.map(drop).with_context(|| format!("going on with {workflow}"))
    }

    /// Signs in as a person of the simulator and comes back to an approval link; then submits the form on its page as a
    /// browser does.
    ///
    /// # Errors
    /// When nobody can sign in, the page does not open, has no such button, or the decision is refused.
    pub async fn decide_by_link(&self, link: &str, answer: Answer, comment: Option<&str>) -> Result<()> {
        let login = self.login.context("people sign in at the GitHub simulator only; this stack uses GitHub itself")?;
        let mut browser = Browser::new(&self.base_url)?;
        let path = link.strip_prefix(&self.base_url).context("the approval link is not one of this console")?;
        let page = sign_in(&mut browser, &self.base_url, path, login).await?;
        let forms = Form::all(&page.html);
        let found = forms.iter().find_map(|form| Some((form, form.choice(answer.as_str())?)));
        let Some((form, button)) = found else {
            bail!("the page of the approval link has no button {answer:?}; it may be decided already");
        };
        let mut fields = form.hidden.clone();
        fields.push(button.clone());
        for name in &form.fields {
            fields.push((name.clone(), if name == "comment" { comment.unwrap_or_default() } else { "" }.to_owned()));
        }
        let after = browser.submit(&page, form, &fields).await.context("submitting the form of the approval link")?;
        ensure!(Form::all(&after.html).is_empty(), "the page still asks after the form was sent");
        Ok(())
    }
}

/// Goes to the simulator, says who one is, and comes back to `path`.
async fn sign_in(browser: &mut Browser, base_url: &str, path: &str, login: &str) -> Result<Page> {
    let mut begin = Url::parse(&format!("{base_url}/account/sign-in/github"))?;
    begin.query_pairs_mut().append_pair("return", path);
    let asked = browser.open(begin).await.context("going to the simulator to sign in")?;
    let forms = Form::all(&asked.html);
    let found = forms.iter().find_map(|form| Some((form, form.choice(login)?)));
    let (form, button) = found.with_context(|| format!("the simulator has nobody called {login}"))?;
    let mut fields = form.hidden.clone();
    fields.push(button.clone());
    browser.submit(&asked, form, &fields).await.with_context(|| format!("signing in as {login}"))
}
