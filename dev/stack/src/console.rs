//! The console, as people and programs use it: over HTTP, with nothing but a link or the API token.

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::header::ORIGIN;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::form::Form;

/// A client of the console.
#[derive(Debug, Clone)]
pub struct Console {
    base_url: String,
    token: SecretString,
    http: reqwest::Client,
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
    pub(crate) fn new(base_url: &str, token: SecretString) -> Self {
        Self { base_url: base_url.to_owned(), token, http: reqwest::Client::new() }
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

    /// Opens an approval link, and submits the form on its page as a browser does.
    ///
    /// # Errors
    /// When the page does not open, has no such button, or the decision is refused.
    pub async fn decide_by_link(&self, link: &str, answer: Answer, comment: Option<&str>) -> Result<()> {
        let page = Url::parse(link).context("the approval link is no URL")?;
        let html = success(self.http.get(page.clone()).send().await?).await?.text().await?;
        let forms = Form::all(&html);
        let found = forms.iter().find_map(|form| Some((form, form.choice(answer.as_str())?)));
        let Some((form, button)) = found else {
            bail!("the page of the approval link has no button {answer:?}; it may be decided already");
        };
        let mut fields = form.hidden.clone();
        fields.push(button.clone());
        for name in &form.fields {
            fields.push((name.clone(), if name == "comment" { comment.unwrap_or_default() } else { "" }.to_owned()));
        }
        let target = page.join(&form.action)?;
        let request = self.http.post(target).header(ORIGIN, page.origin().ascii_serialization());
        let answer = request.header("sec-fetch-site", "same-origin").form(&fields).send().await?;
        let html = success(answer).await.context("submitting the form of the approval link")?.text().await?;
        ensure!(Form::all(&html).is_empty(), "the page still asks after the form was sent");
        Ok(())
    }
}

async fn success(answer: reqwest::Response) -> Result<reqwest::Response> {
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    let text: String = text.chars().take(600).collect();
    // The last part of an approval link's path is a secret.
    let shown = if url.starts_with("/approvals/") { "the approval link" } else { &url };
    bail!("{shown} answered {status}: {text}")
}
