//! The mails that the deployment has sent, as the engine's mail service shows them.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// All mails.
#[derive(Debug, Clone)]
pub struct Mailbox {
    url: String,
    http: reqwest::Client,
}

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mail {
    /// Its id.
    pub message_id: String,
    /// To whom.
    #[serde(default)]
    pub to: Vec<String>,
    /// About what.
    #[serde(default)]
    pub subject: String,
    /// As plain text.
    #[serde(default)]
    pub body_text: Option<String>,
    /// As HTML.
    #[serde(default)]
    pub body_html: Option<String>,
}

#[derive(Deserialize)]
struct Messages {
    messages: std::collections::BTreeMap<String, Vec<Mail>>,
}

impl Mailbox {
    pub(crate) fn new(engine: &str) -> Self {
        Self { url: format!("{engine}/_ministack/ses/messages"), http: reqwest::Client::new() }
    }

    /// Every mail, in the order in which they were sent.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn all(&self) -> Result<Vec<Mail>> {
        let answer = self.http.get(&self.url).send().await.context("reading the mails")?;
        let messages: Messages = answer.error_for_status()?.json().await.context("reading the mails")?;
        Ok(messages.messages.into_values().flatten().collect())
    }
}

impl Mail {
    /// The first address in the text that begins with `start`.
    pub fn link(&self, start: &str) -> Option<String> {
        let text = self.body_text.as_deref()?;
        let at = text.find(start)?;
        let end = text[at..]
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')'))
            .unwrap_or(text.len() - at);
        Some(text[at..at + end].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_where_its_text_does() {
        let mail = |text: &str| Mail {
            message_id: "1".to_owned(),
            to: Vec::new(),
            subject: String::new(),
            body_text: Some(text.to_owned()),
            body_html: None,
        };
        let link = |text: &str| mail(text).link("http://h/approvals/");
        assert_eq!(link("Open http://h/approvals/ab12\nor").as_deref(), Some("http://h/approvals/ab12"));
        assert_eq!(link("<http://h/approvals/ab>").as_deref(), Some("http://h/approvals/ab"));
        assert_eq!(link("http://h/approvals/z").as_deref(), Some("http://h/approvals/z"));
        assert_eq!(link("http://other/"), None);
    }
}
