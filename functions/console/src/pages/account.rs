//! Pages about the reader: signing in, tokens, and what was refused.

use domain::Timestamp;
use domain::person::Person;
use domain::refusal::AccessRefusal;
use domain::role::{Role, Scope};
use maud::{Markup, html};
use store::ApiToken;

use super::layout::frame;
use super::parts::{line, moment};

/// What the page for signing in shows.
pub(crate) struct SignInFacts<'a> {
    /// The way to GitHub, if there is one.
    pub(crate) begin: Option<String>,
    /// The address that an OAuth app has to have registered.
    pub(crate) callback: String,
    /// Who is signed in already.
    pub(crate) who: Option<&'a str>,
}

pub(crate) fn sign_in(facts: &SignInFacts<'_>, base_url: &str) -> Markup {
    let body = html! {
        div.card {
            h1 { "Sign in" }
            @if let Some(who) = facts.who { p { "You are signed in as " strong { (line(who)) } ". " a href=(format!("{base_url}/")) { "To the tickets" } } }
            @match &facts.begin {
                Some(begin) => {
                    p { a href=(begin) { "Sign in with GitHub" } }
                    p.soft { "GitHub is asked for your addresses, organizations and teams, once. What it gives us to ask with is not kept." }
                }
                None => {
                    p.notice { "Nobody can sign in yet: no OAuth app is configured." }
                    p { "Whoever runs this service makes an OAuth app at GitHub with the callback " code { (facts.callback) }
                        ", puts its client id and secret into a secret, and names that in the parameter " code { "GithubOauthSecretArn" }
                        " and who may do what in " code { "RoleRules" } "." }
                    p.soft { "The API works meanwhile, with its bearer token." }
                }
            }
        }
    };
    frame("Sign in", &html! { "pi-tickets" }, &body)
}

/// A decision was sent by a link, and nobody is signed in.
pub(crate) fn sign_in_first(sign_in_url: &str) -> Markup {
    let body = html! {
        div.card {
            h1 { "Please sign in first" }
            p { "Nothing was decided. A link alone does not decide: it could have been forwarded." }
            p { a href=(sign_in_url) { "Sign in and come back to the link" } }
        }
    };
    frame("Please sign in first", &html! { "pi-tickets" }, &body)
}

/// What the page of tokens shows.
pub(crate) struct TokenFacts<'a> {
    pub(crate) who: &'a str,
    pub(crate) role: Role,
    pub(crate) tokens: &'a [ApiToken],
    /// The one that was made just now.
    pub(crate) made: Option<&'a str>,
    pub(crate) form_token: &'a str,
    pub(crate) sign_out_token: &'a str,
    pub(crate) now: Timestamp,
}

pub(crate) fn tokens(facts: &TokenFacts<'_>, base_url: &str) -> Markup {
    let page = format!("{base_url}/account/tokens");
    let scopes = facts.role.scopes();
    let body = html! {
        h1 { "Your account" }
        p { "You are " strong { (line(facts.who)) } ", " (facts.role.as_str()) "." }
        form method="post" action=(format!("{base_url}/account/sign-out")) {
            input type="hidden" name="token" value=(facts.sign_out_token);
            button type="submit" { "Sign out" }
        }
        @if let Some(made) = facts.made {
            div.notice role="alert" {
                p { "This is your new token. Copy it now: it is shown only this once." }
                pre { (made) }
            }
        }
        section {
            h2 { "API tokens" }
            @if facts.tokens.is_empty() { p.soft { "There are none." } }
            @else {
                div.scroll { table {
                    tr { th { "Name" } th { "Whose" } th { "Allows" } th { "Ends" } th { "Last used" } th { "" } }
                    @for token in facts.tokens { (row(token, facts, &page)) }
                } }
            }
        }
        section {
            h2 { "Make a token" }
            form method="post" action=(page) autocomplete="off" {
                input type="hidden" name="token" value=(facts.form_token);
                label for="label" { "What is it for?" }
                input id="label" name="label" required maxlength="100";
                label for="days" { "For how many days? (at most 90)" }
                input id="days" name="days" type="number" min="1" max="90" value="30" required;
                p { "It may read." }
                @for scope in scopes.iter().filter(|scope| *scope != Scope::Read) {
                    label.choice { input type="checkbox" name=(scope.as_str()) value="yes"; " It may " (scope.as_str()) " too" }
                }
                button type="submit" { "Make it" }
            }
        }
        @if scopes.has(Scope::Operate) { p { a href=(format!("{base_url}/account/refusals")) { "What was refused" } } }
    };
    frame("Your account", &html! { a href=(format!("{base_url}/")) { "← Tickets" } }, &body)
}

fn row(token: &ApiToken, facts: &TokenFacts<'_>, page: &str) -> Markup {
    html! {
        tr {
            td { (line(&token.label)) }
            td { (line(token.owner.label())) }
            td { (token.scopes) }
            td {
                @if let Some(at) = token.revoked_at { span.bad { "revoked " (moment(at)) } }
                @else if token.expires_at <= facts.now { span.waiting { "ended " (moment(token.expires_at)) } }
                @else { (moment(token.expires_at)) }
            }
            td { (token.last_used.as_deref().unwrap_or("never")) }
            td {
                @if token.revoked_at.is_none() && token.expires_at > facts.now {
                    form method="post" action=(format!("{page}/revoke")) {
                        input type="hidden" name="token" value=(facts.form_token);
                        input type="hidden" name="digest" value=(token.digest);
                        button type="submit" { "Revoke" }
                    }
                }
            }
        }
    }
}

/// What was refused on a day.
pub(crate) fn refusals(day: &str, refusals: &[AccessRefusal]) -> Markup {
    let body = html! {
        h1 { "Refused on " (day) }
        @if refusals.is_empty() { p.soft { "Nothing." } }
        @else {
            div.scroll { table {
                tr { th { "When" } th { "What" } th { "Why" } th { "Who" } }
                @for refusal in refusals {
                    tr {
                        td { (moment(refusal.at)) }
                        td { code { (line(&refusal.what)) } }
                        td { (line(&refusal.why)) @if refusal.unlisted > 0 { br; span.soft { "and " (refusal.unlisted) " more before it" } } }
                        td { (line(refusal.by.as_ref().map_or("somebody unknown", Person::label))) }
                    }
                }
            } }
        }
        p.soft { "Another day: add ?day=2026-11-22 to the address." }
    };
    frame("Refused", &html! { "pi-tickets" }, &body)
}
