//! Forms of a page, as a browser would submit them.

use html5gum::{StartTag, Token, Tokenizer};

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes; empty for the page itself.
    pub action: String,
    /// Hidden fields with their values.
    pub hidden: Vec<(String, String)>,
    /// Fields that a person fills in.
    pub fields: Vec<String>,
    /// Buttons (and radio buttons) with their values.
    pub choices: Vec<(String, String)>,
}

impl Form {
    /// The forms of a page that are submitted by POST.
    pub(crate) fn all(html: &str) -> Vec<Self> {
        let (mut forms, mut open) = (Vec::new(), None::<Self>);
        for token in Tokenizer::new(html) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => match (tag.name.as_slice(), &mut open) {
                    (b"form", _) => {
                        let is_post = attribute(&tag, "method").is_some_and(|m| m.eq_ignore_ascii_case("post"));
                        let action = attribute(&tag, "action").unwrap_or_default();
                        open = is_post.then(|| Self { action, ..Self::default() });
                    }
                    (_, Some(form)) => form.take(&tag),
                    _ => {}
                },
                Token::EndTag(tag) if tag.name.as_slice() == b"form" => forms.extend(open.take()),
                _ => {}
            }
        }
        forms
    }

    fn take(&mut self, tag: &StartTag<()>) {
        let (Some(name), value) = (attribute(tag, "name"), attribute(tag, "value").unwrap_or_default()) else {
            return;
        };
        let kind = attribute(tag, "type").map(|kind| kind.to_ascii_lowercase());
        match (tag.name.as_slice(), kind.as_deref()) {
            (b"input", Some("hidden")) => self.hidden.push((name, value)),
            (b"button", _) | (b"input", Some("submit" | "radio")) => self.choices.push((name, value)),
            (b"input" | b"textarea", _) => self.fields.push(name),
            _ => {}
        }
    }

    /// The name of the choice with this value, whatever the case of its letters.
    pub(crate) fn choice(&self, value: &str) -> Option<&(String, String)> {
        self.choices.iter().find(|(_, own)| own.eq_ignore_ascii_case(value))
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_would() {
        let html = r#"<form action="/search"><input name=q></form>
            <form method="post" action="/approvals/1"><input type=hidden name="subject" value="a&amp;b">
            <textarea name="comment">x</textarea><button name="decision" value="approve">Approve</button>
            <button name="decision" value="reject">No</button></form>"#;
        let forms = Form::all(html);
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/approvals/1");
        assert_eq!(forms[0].hidden, [("subject".to_owned(), "a&b".to_owned())]);
        assert_eq!(forms[0].fields, ["comment"]);
        assert_eq!(forms[0].choice("APPROVE"), Some(&("decision".to_owned(), "approve".to_owned())));
        assert_eq!(forms[0].choice("merge"), None);
    }
}
