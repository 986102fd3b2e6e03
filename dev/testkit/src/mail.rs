//! Mails as the engine keeps them.

use serde_json::Value;

use crate::World;

/// A mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its only recipient.
    pub to: String,
    /// About what.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

impl World {
    /// An address that SES knows as ours and that no other world sends from.
    pub fn sender(&self) -> String {
        let address = self.address();
        let fields = [("Action", "VerifyEmailIdentity"), ("EmailAddress", &address)];
        self.engine.client.query("ses", "2010-12-01", &fields).unwrap();
        address
    }

    fn address(&self) -> String {
        format!("pi@{}.example", self.names.state)
    }

    /// What was sent from [`World::sender`], in order.
    pub fn mails(&self) -> Vec<Mail> {
        let page = self.engine.client.page("/_ministack/ses/messages").unwrap();
        let accounts = page["messages"].as_object().unwrap();
        let all = accounts.values().flat_map(|mails| mails.as_array().unwrap());
        all.filter(|mail| mail["Source"] == self.address()).map(read).collect()
    }
}

fn read(mail: &Value) -> Mail {
    let [to] = &mail["To"].as_array().unwrap()[..] else { panic!("one recipient was expected: {mail}") };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Mail { to: text(to), subject: text(&mail["Subject"]), text: text(&mail["BodyText"]), html: text(&mail["BodyHtml"]) }
}
