//! A browser without a window: it keeps the console's cookies, follows redirects, and submits forms.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use url::Url;

use crate::form::Form;

/// Most redirects of one visit.
const MAX_REDIRECTS: usize = 10;

/// A browser of somebody who visits one console.
#[derive(Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    console: String,
    cookies: BTreeMap<String, String>,
}

/// A page, where it was found.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its address, after redirects.
    pub(crate) url: Url,
    /// Its content.
    pub(crate) html: String,
}

impl Browser {
    /// A browser without cookies; `console` is the base of the addresses that get them.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub(crate) fn new(console: &str) -> Result<Self> {
        let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
        Ok(Self { http, console: console.to_owned(), cookies: BTreeMap::new() })
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When what is found in the end is no success.
    pub(crate) async fn open(&mut self, url: Url) -> Result<Page> {
        let request = self.http.get(url.clone());
        self.go(url, request).await
    }

    /// Submits a form of a page.
    ///
    /// # Errors
    /// When what is found in the end is no success.
    pub(crate) async fn submit(&mut self, page: &Page, form: &Form, fields: &[(String, String)]) -> Result<Page> {
        let url = page.url.join(&form.action)?;
        let origin = page.url.origin().ascii_serialization();
        let request = self.http.post(url.clone()).header(ORIGIN, origin).header("sec-fetch-site", "same-origin");
        self.go(url, request.form(fields)).await
    }

    async fn go(&mut self, mut url: Url, mut request: RequestBuilder) -> Result<Page> {
        for _ in 0..MAX_REDIRECTS {
            let at_console = url.as_str().starts_with(&self.console);
            if at_console && !self.cookies.is_empty() {
                let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, pairs.join("; "));
            }
            let answer = request.send().await?;
            if at_console {
                self.keep(&answer);
            }
            let Some(target) = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection()) else {
                let html = success(answer).await?.text().await?;
                return Ok(Page { url, html });
            };
            url = url.join(target.to_str().context("a redirect that is no text")?)?;
            request = self.http.get(url.clone());
        }
        bail!("{} leads in circles", url.path())
    }

    fn keep(&mut self, answer: &Response) {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            match pair.split_once('=') {
                Some((name, "")) => drop(self.cookies.remove(name)),
                Some((name, value)) => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
                None => {}
            }
        }
    }
}

/// An answer that is a success, or what it says.
///
/// # Errors
/// When it is none.
pub(crate) async fn success(answer: Response) -> Result<Response> {
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
