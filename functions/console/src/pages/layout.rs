//! What every page has.

use domain::role::Scope;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::parts::line;
use crate::caller::Viewer;
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

/// What the navigation leads to, and the role's scope that it takes.
const PLACES: [(&str, &str, Scope); 4] = [
    ("/", "Home", Scope::Read),
    ("/analytics", "Analytics", Scope::Read),
    ("/operations", "Operations", Scope::Operate),
    ("/account/tokens", "Account", Scope::Read),
];

/// A page that the navigation leads to, or one below it.
pub(super) fn site(title: &str, here: &str, viewer: &Viewer, base_url: &str, body: &Markup) -> Markup {
    frame(title, &navigation(here, viewer, base_url), body)
}

/// The ways to the main pages. Whoever shows a token and no session has no account page.
pub(super) fn navigation(here: &str, viewer: &Viewer, base_url: &str) -> Markup {
    let is_open = |(path, _, scope): &&(&str, &str, Scope)| {
        viewer.may(*scope) && (viewer.signed_in().is_some() || *path != "/account/tokens")
    };
    html! {
        nav aria-label="Main" {
            strong { "pi-tickets" }
            @for (path, name, _) in PLACES.iter().filter(is_open) {
                a href=(format!("{base_url}{path}")) aria-current=[(*path == here).then_some("page")] { (name) }
            }
            span.soft { (line(viewer.person().label())) }
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
