//! Every route, asked by everybody: who passes, who is refused, and that a refusal is written down and changes nothing.

use std::collections::BTreeSet;

use domain::Digest;
use domain::role::{Role, Scope, Scopes};
use jiff::SignedDuration;

use super::Call;
use crate::testing::{Memory, Story, TOKEN, now};

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: it has other checks, which have other tests.
    Nothing,
    /// A scope, by session or token.
    Any(Scope),
    /// A scope, by a session.
    Session(Scope),
    /// A scope, by a token.
    Token(Scope),
}

/// Method, path, what it needs, and the status for who passes: a POST without its form goes no further than 400.
const ROUTES: [(&str, &str, Needs, u16); 47] = [
    ("GET", "/", Needs::Any(Scope::Read), 200),
    ("GET", "/analytics", Needs::Any(Scope::Read), 200),
    ("GET", "/workflows/{id}", Needs::Any(Scope::Read), 200),
    ("GET", "/workflows/{id}/audit", Needs::Any(Scope::Read), 200),
    // Nothing was changed yet.
    ("GET", "/workflows/{id}/diff", Needs::Any(Scope::Read), 404),
    ("GET", "/workflows/{id}/logs", Needs::Any(Scope::Read), 200),
    ("GET", "/workflows/{id}/gate", Needs::Session(Scope::Decide), 200),
    ("POST", "/workflows/{id}/gate", Needs::Session(Scope::Decide), 400),
    ("GET", "/workflows/{id}/gate/edit", Needs::Session(Scope::Decide), 200),
    ("POST", "/workflows/{id}/gate/edit", Needs::Session(Scope::Decide), 400),
    ("POST", "/workflows/{id}/gate/time", Needs::Session(Scope::Decide), 400),
    ("POST", "/workflows/{id}/gate/hand-on", Needs::Session(Scope::Decide), 400),
    ("POST", "/workflows/{id}/cancel", Needs::Session(Scope::Operate), 400),
    ("POST", "/workflows/{id}/retry", Needs::Session(Scope::Operate), 400),
    ("GET", "/operations", Needs::Any(Scope::Operate), 200),
    ("POST", "/operations/pause", Needs::Session(Scope::Operate), 400),
    ("POST", "/operations/dead-letters", Needs::Session(Scope::Operate), 400),
    ("GET", "/account/sign-in", Needs::Nothing, 200),
    ("GET", "/account/sign-in/github", Needs::Nothing, 303),
    ("GET", "/account/sign-in/callback", Needs::Nothing, 400),
    ("POST", "/account/sign-out", Needs::Session(Scope::Read), 400),
    ("GET", "/account/tokens", Needs::Session(Scope::Read), 200),
    ("POST", "/account/tokens", Needs::Session(Scope::Read), 400),
    ("POST", "/account/tokens/revoke", Needs::Session(Scope::Read), 400),
    ("GET", "/account/refusals", Needs::Any(Scope::Operate), 200),
    ("GET", "/approvals/{link}", Needs::Nothing, 200),
    ("POST", "/approvals/{link}", Needs::Nothing, 400),
    ("GET", "/api/workflows", Needs::Any(Scope::Read), 200),
    ("GET", "/api/workflows/{id}", Needs::Any(Scope::Read), 200),
    ("GET", "/api/workflows/{id}/timeline", Needs::Any(Scope::Read), 200),
    ("GET", "/api/workflows/{id}/audit", Needs::Any(Scope::Read), 200),
    ("GET", "/api/workflows/{id}/logs", Needs::Any(Scope::Read), 200),
    ("GET", "/api/workflows/{id}/diff", Needs::Any(Scope::Read), 404),
    ("GET", "/api/workflows/{id}/spec", Needs::Any(Scope::Read), 200),
    ("POST", "/api/workflows/{id}/cancel", Needs::Token(Scope::Operate), 202),
    // It has not ended.
    ("POST", "/api/workflows/{id}/retry", Needs::Token(Scope::Operate), 409),
    ("GET", "/api/approvals/pending", Needs::Any(Scope::Read), 200),
    ("POST", "/api/approvals/{id}/decide", Needs::Token(Scope::Decide), 415),
    ("POST", "/api/approvals/{id}/edit", Needs::Token(Scope::Decide), 415),
    ("POST", "/api/approvals/{id}/extend", Needs::Token(Scope::Decide), 415),
    ("POST", "/api/approvals/{id}/hand-on", Needs::Token(Scope::Decide), 415),
    ("GET", "/api/metrics", Needs::Any(Scope::Read), 200),
    // Its callers are Slack's, by a signature; this deployment has no Slack.
    ("POST", "/slack/interactions", Needs::Nothing, 404),
    ("GET", "/api/analytics", Needs::Any(Scope::Read), 200),
    ("GET", "/api/openapi.json", Needs::Nothing, 200),
    // Where nothing is, nothing is told.
    ("GET", "/somewhere", Needs::Nothing, 404),
    ("GET", "/api/somewhere", Needs::Nothing, 404),
];

#[derive(Debug, Clone, Copy)]
enum Who {
    Nobody,
    Session(Role),
    Token(&'static [Scope]),
    Deployment,
    /// Credentials that do not count, and why.
    Bad(&'static str),
}

const EVERYBODY: [Who; 18] = [
    Who::Nobody,
    Who::Session(Role::Viewer),
    Who::Session(Role::Approver),
    Who::Session(Role::Admin),
    Who::Token(&[Scope::Read]),
    Who::Token(&[Scope::Read, Scope::Decide]),
    Who::Token(&[Scope::Read, Scope::Operate]),
    Who::Deployment,
    Who::Bad("idle session"),
    Who::Bad("old session"),
    Who::Bad("ended session"),
    Who::Bad("forged session"),
    Who::Bad("replaced session"),
    Who::Bad("expired token"),
    Who::Bad("revoked token"),
    Who::Bad("unknown token"),
    Who::Bad("mistyped token"),
    Who::Bad("bad token and good session"),
];

fn bad(call: Call, kind: &str, memory: &Memory) -> Call {
    let admin = |change: fn(&mut store::Session)| memory.session_with("ann", Role::Admin, change);
    let token = |change: fn(&mut store::ApiToken)| memory.token_with("ann", Scopes::all(), change);
    match kind {
        "idle session" => call.session(&admin(|session| session.last_seen = now() - SignedDuration::from_hours(2))),
        "old session" => call.session(&admin(|session| session.signed_in_at = now() - SignedDuration::from_hours(12))),
        "ended session" => {
            let cookie = admin(|_| {});
            memory.0.lock().unwrap().sessions.clear();
            call.session(&cookie)
        }
        "forged session" => {
            let cookie = admin(|_| {});
            let (rest, _) = cookie.rsplit_once('.').unwrap();
            call.session(&format!("{rest}.{}", "0".repeat(64)))
        }
        "replaced session" => call.session(&admin(|session| {
            let next = Digest::of("the next one");
            session.previous = Some(std::mem::replace(&mut session.current, next));
            session.rotated_at = now() - SignedDuration::from_secs(60);
        })),
        "expired token" => call.bearer(&token(|token| token.expires_at = now())),
        "revoked token" => call.bearer(&token(|token| token.revoked_at = Some(now()))),
        "unknown token" => {
            let text = token(|_| {});
            memory.0.lock().unwrap().tokens.clear();
            call.bearer(&text)
        }
        "mistyped token" => call.bearer(&token(|_| {})[1..]),
        "bad token and good session" => call.session(&admin(|_| {})).bearer(&format!("{TOKEN}x")),
        other => panic!("{other}"),
    }
}

/// The status that somebody gets who is not let in, as far as the role and the sort of credentials say.
fn refused(who: Who, needs: Needs, is_page_visit: bool) -> Option<u16> {
    let (scopes, by_session) = match who {
        Who::Nobody | Who::Bad(_) if needs == Needs::Nothing => return None,
        Who::Nobody | Who::Bad(_) => return Some(if is_page_visit { 303 } else { 401 }),
        Who::Session(Role::Viewer) => (vec![Scope::Read], true),
        Who::Session(Role::Approver) => (vec![Scope::Read, Scope::Decide], true),
        Who::Session(Role::Admin) => (Scope::ALL.to_vec(), true),
        Who::Token(scopes) => (scopes.to_vec(), false),
        Who::Deployment => (Scope::ALL.to_vec(), false),
    };
    let passes = match needs {
        Needs::Nothing => true,
        Needs::Any(scope) => scopes.contains(&scope),
        Needs::Session(scope) => by_session && scopes.contains(&scope),
        Needs::Token(scope) => !by_session && scopes.contains(&scope),
    };
    (!passes).then_some(403)
}

#[tokio::test]
async fn every_cell_of_who_and_what() {
    for (method, route, needs, passed) in ROUTES {
        for who in EVERYBODY {
            let memory = Memory::with([Story::begin("FL-1", "Keep sessions").planned()]);
            let story = memory.0.lock().unwrap().stories.values().next().unwrap().clone();
            let path = route
                .replace("/approvals/{id}", &format!("/approvals/{}", story.gate.unwrap().id))
                .replace("{id}", story.workflow.id.as_str())
                .replace("{link}", &memory.link_for("ann", 1));
            let call = if method == "GET" { Call::get(&path) } else { Call::form(&path, &[]) };
            let call = match who {
                Who::Nobody => call,
                Who::Session(role) => call.session(&memory.session_for("ann", role)),
                Who::Token(scopes) => call.bearer(&memory.token_with("ann", scopes.iter().copied().collect(), |_| {})),
                Who::Deployment => call.with_token(),
                Who::Bad(kind) => bad(call, kind, &memory),
            };
            let answer = call.to(&memory).await;
            let is_page_visit = method == "GET" && !route.starts_with("/api/");
            let expected = refused(who, needs, is_page_visit);
            let cell = format!("{method} {route} by {who:?}: {}", answer.body);
            assert_eq!(answer.status, expected.unwrap_or(passed), "{cell}");
            let rows = memory.0.lock().unwrap();
            if expected.is_some() {
                assert!(rows.decisions.is_empty() && rows.cancels.is_empty() && rows.operations.is_empty(), "{cell}");
                // Who only comes to a page and shows nothing is not refused, but shown where to sign in.
                let silent = matches!(who, Who::Nobody) && is_page_visit;
                assert_eq!(rows.refusals.len(), usize::from(!silent), "{cell}");
                let written = format!("{:?}", rows.refusals);
                assert!(!written.contains(TOKEN) && !written.contains("pit_"), "{written}");
            }
        }
    }
}

/// The router's routes, by method and path.
pub(super) fn routes() -> BTreeSet<(&'static str, String)> {
    let source = include_str!("../routes.rs").split("#[cfg(test)]").next().unwrap();
    let (api, pages) = source.split_once("let api = Router::new()").unwrap().1.split_once(".fallback").unwrap();
    let mut found = BTreeSet::new();
    for (prefix, text) in [("/api", api), ("", pages)] {
        for route in text.split(".route(\"").skip(1) {
            let (path, rest) = route.split_once('"').unwrap();
            let line = rest.split('\n').next().unwrap();
            for (word, method) in [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE")] {
                if line.contains(word) {
                    found.insert((method, format!("{prefix}{path}")));
                }
            }
        }
    }
    assert!(found.len() > 20, "the routes were not found");
    found
}

/// Whoever adds a route adds a row.
#[test]
fn every_route_has_its_row() {
    let rows = ROUTES.iter().filter(|(_, path, ..)| !path.ends_with("/somewhere"));
    let rows: BTreeSet<_> = rows.map(|(method, path, ..)| (*method, (*path).to_owned())).collect();
    assert_eq!(routes(), rows);
}

/// A route that API Gateway does not know is reached by nobody, however well it works here.
#[test]
fn api_gateway_leads_to_every_route() {
    let template = machine_tests::template::Template::read().unwrap();
    let paths = template.body["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].as_object().unwrap();
    let leads = |method: &str, route: &str| {
        paths.iter().any(|(path, methods)| {
            let covers = match path.strip_suffix("{proxy+}") {
                Some(start) => route.len() > start.len() && route.starts_with(start),
                None => path == route,
            };
            let operation = &methods[method.to_ascii_lowercase()];
            let function = &operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"];
            covers && function.as_str().is_some_and(|uri| uri.contains("-console/"))
        })
    };
    let lost: Vec<_> = routes().into_iter().filter(|(method, route)| !leads(method, route)).collect();
    assert!(lost.is_empty(), "template.yaml has no route for {lost:?}");
    assert!(!leads("GET", "/somewhere") && !leads("POST", "/analytics"), "the test tells them apart");
}
