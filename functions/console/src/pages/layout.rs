//! What every page has.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::problem::Problem;

/// The style sheet. The content security policy allows it by its hash, so it stands in the page byte for byte.
pub(crate) const STYLE: &str = include_str!("style.css");

/// A whole page.
pub(super) fn frame(title: &str, crumb: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · pi-tickets" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top { (crumb) }
                main { (body) }
            }
        }
    }
}

/// The page for what went wrong. Every unknown, foreign and outlived approval link gets the very same one.
pub(crate) fn problem(problem: &Problem) -> Markup {
    let (title, advice) = match problem.status.as_u16() {
        401 => ("Please sign in", "Sign in, or send an API token as a bearer token."),
        403 => ("That is not allowed", "If it should be, ask whoever runs this service."),
        404 => (
            "There is nothing here",
            "The address may be mistyped, or what it led to is over. An approval link opens in whole only: copy all of it from the mail.",
        ),
        503 => ("One moment, please", "Load this page again."),
        status if status >= 500 => {
            ("Something broke on our side", "If it stays like this, tell whoever runs this service.")
        }
        _ => ("That did not work", "Go back, check what was sent, and try again."),
    };
    let body = html! {
        div.card {
            h1 { (title) }
            p { (problem.detail) }
            p.soft { (advice) }
        }
    };
    frame(title, &html! { "pi-tickets" }, &body)
}
