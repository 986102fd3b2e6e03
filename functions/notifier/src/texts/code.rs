//! The mail with a code to type. It has no link: a program that follows links finds nothing in it.

use domain::Timestamp;
use domain::gate::requests::MintedCode;
use domain::text;
use domain::workflow::Workflow;
use maud::{DOCTYPE, html};

use super::Mail;
use super::words::left;

/// Tells somebody their code. The subject does not have it: subjects are shown on locked screens.
pub fn code_mail(workflow: &Workflow, minted: &MintedCode, now: Timestamp) -> Mail {
    let title = text::defused(&text::one_line(&workflow.ticket.title, 120));
    let subject = format!("Your code for: {title}");
    let what = format!("Somebody opened your approval link for “{title}” and asked for this code:");
    let end = format!(
        "It counts for {}, on that page only, and can be typed five times. If that was not you, your link was \
         forwarded: give the code to nobody, and tell whoever runs this service.",
        left(minted.ends_at, now)
    );
    let text = format!("{what}\n\n  {}\n\n{end}\n", minted.code);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (subject) } }
            body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1f2430;background:#ffffff" {
                p { (what) }
                p style="font:600 32px/1.2 ui-monospace,monospace;letter-spacing:.2em" { (minted.code) }
                p { (end) }
            }
        }
    };
    Mail { subject, text, html: page.into_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Story, now};

    #[test]
    fn the_mail_has_the_code_and_no_link() {
        let workflow = Story::begin("Keep <b>sessions</b> https://evil.example/").workflow;
        let minted = MintedCode { code: "012345".to_owned(), ends_at: "2026-11-22T10:15:00Z".parse().unwrap() };
        let mail = code_mail(&workflow, &minted, now());
        assert!(
            !mail.subject.contains("012345") && mail.text.contains("\n  012345\n") && mail.html.contains(">012345<")
        );
        for part in [&mail.text, &mail.html] {
            assert!(part.contains("15 minutes") && !part.contains("://") && !part.contains("href"), "{part}");
        }
        assert!(mail.html.contains("&lt;b&gt;"));
    }
}
