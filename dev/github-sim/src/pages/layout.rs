//! The frame of every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::names::RepoName;
use crate::view::encode;

const STYLE: &str = include_str!("style.css");

/// A page without a repository.
pub(super) fn plain(title: &str, body: &Markup) -> Markup {
    frame(title, &html! {}, body)
}

/// A page of a repository, with its tabs.
pub(super) fn repo(title: &str, name: &RepoName, open_pulls: usize, body: &Markup) -> Markup {
    let crumbs = html! {
        a href={ "/" (encode(&name.owner)) } { (name.owner) }
        span .slash { "/" }
        a href={ "/" (name.to_string()) } { strong { (name.name) } }
        nav {
            a href={ "/" (name.to_string()) } { "Code" }
            a href={ "/" (name.to_string()) "/pulls" } { "Pull requests" span .count { (open_pulls) } }
        }
    };
    frame(title, &crumbs, body)
}

fn frame(title: &str, crumbs: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · GitHub simulator" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { a .home href="/" { "GitHub simulator" } (crumbs) }
                main { (body) }
                footer { "A local stand-in for GitHub. Nothing here leaves this machine." }
            }
        }
    }
}
