//! The API's description, and what the API does where it says nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::matrix::routes;
use super::{Answer, Call};
use crate::testing::{Memory, Story, TOKEN};

const PROBLEM: &str = "application/problem+json";

fn memory() -> Memory {
    Memory::with([Story::begin("FL-1", "Keep sessions").planned()])
}

async fn described() -> Value {
    Call::get("/api/openapi.json").to(&memory()).await.json()
}

#[tokio::test]
async fn the_router_and_the_description_have_the_same_routes() {
    let description = described().await;
    let mut found = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            found.insert((method.to_uppercase(), path.clone()));
        }
    }
    let api = routes().into_iter().filter(|(_, path)| path.starts_with("/api/"));
    let api: BTreeSet<_> = api.map(|(method, path)| (method.to_owned(), path)).collect();
    assert_eq!(found, api);
}

#[tokio::test]
async fn every_operation_is_described_in_full() {
    let description = described().await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"), "{description}");
    assert_eq!(description["servers"][0]["url"], "https://pi.example/live");
    let schemes = &description["components"]["securitySchemes"];
    assert_eq!(
        (&schemes["token"]["scheme"], &schemes["session"]["name"]),
        (&json!("bearer"), &json!("__Secure-pi_session"))
    );
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let text = |name: &str| operation[name].as_str().unwrap_or_default();
            assert!(!text("summary").is_empty() && !text("operationId").is_empty(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            if method == "post" {
                assert_eq!(operation["security"], json!([{"token": []}]), "{path}: changes take a token");
                for status in ["409", "413", "415", "422"] {
                    assert!(responses.contains_key(status), "{path}: {status}");
                }
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let schema = &response["content"][PROBLEM]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
            for parameter in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                let names = operation["parameters"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap());
                assert!(names.into_iter().any(|name| name == parameter), "{method} {path}: {parameter}");
            }
        }
    }
}

/// Every `$ref` leads somewhere.
#[tokio::test]
async fn the_description_holds_together() {
    fn refs<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| refs(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }
    let description = described().await;
    let mut found = Vec::new();
    refs(&description, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(description.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

fn is_problem(answer: &Answer, status: u16) {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, PROBLEM), "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(status)));
    assert!(!body["detail"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn whatever_is_wrong_is_a_problem() {
    let memory = memory();
    let id = memory.0.lock().unwrap().stories.keys().next().unwrap().clone();
    let cancel = format!("/api/workflows/{id}/cancel");
    let call = async |call: Call| call.with_token().to(&memory).await;
    is_problem(&call(Call::get("/api/nothing")).await, 404);
    is_problem(&call(Call::get("/api")).await, 404);
    is_problem(&call(Call::get("/api/workflows/%ff")).await, 404);
    is_problem(&call(Call::get("/api/workflows?limit=x")).await, 400);
    is_problem(&Call::get("/api/workflows").to(&memory).await, 401);
    is_problem(&call(Call::form(&cancel, &[("reason", "x")])).await, 415);
    let large = json!({"reason": "x".repeat(200_000)});
    is_problem(&call(Call::json(&cancel, &large)).await, 413);
    let long = json!({"reason": "x".repeat(3_000)});
    is_problem(&call(Call::json(&cancel, &long)).await, 400);
    // The last would do for a reader that takes a list for an object.
    for text in ["{\"reason\": ", "{}x", "[\"why\"]"] {
        let Call(request, _) = Call::json(&cancel, &json!({}));
        is_problem(&call(Call(request, axum::body::Body::from(text))).await, 400);
    }
    assert!(memory.0.lock().unwrap().cancels.is_empty());
}

#[tokio::test]
async fn what_is_not_done_here_names_what_is() {
    let memory = memory();
    for (method, path, allow) in [
        ("POST", "/api/workflows", "GET,HEAD"),
        ("DELETE", "/api/metrics", "GET,HEAD"),
        ("PATCH", "/api/workflows/x/cancel", "POST"),
        ("GET", "/api/approvals/x/decide", "POST"),
    ] {
        let request = axum::http::Request::builder().method(method).uri(path);
        let answer = Call(request, axum::body::Body::empty()).bearer(TOKEN).to(&memory).await;
        is_problem(&answer, 405);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let page = axum::http::Request::builder().method("PUT").uri("/analytics");
    let page = Call(page, axum::body::Body::empty()).to(&memory).await;
    assert_eq!((page.status.as_u16(), page.header("allow")), (405, "GET,HEAD"));
    assert!(page.header("content-type").starts_with("text/html"));
}

/// A body is not even looked at before who sends it.
#[tokio::test]
async fn who_asks_comes_before_what_is_asked() {
    let memory = memory();
    let cancel = "/api/workflows/wf-00000000000000000000-1/cancel";
    for call in [Call::form(cancel, &[]), Call::json(cancel, &json!({"reason": "x".repeat(200_000)}))] {
        is_problem(&call.to(&memory).await, 401);
    }
}
