use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

fn body() -> Value {
    json!({
        "event": "ticket.created",
        "ticket": {
            "id": "1234", "version": 3, "updated_at": "2026-11-22T10:00:00Z",
            "title": "Sessions end too early", "description": "After 30 seconds.", "url": "https://lens.example/t/1234",
            "priority": "high", "labels": ["bug"],
            "reporter": {"id": "u-1", "email": "ann@acme.example"},
            "assignee": {"id": "u-2", "email": "bob@acme.example"},
            "repository": "acme/shop", "base_branch": "develop",
        }
    })
}

fn with(pointer: &str, value: Value) -> Result<TicketEvent, InvalidEvent> {
    let mut body = body();
    *body.pointer_mut(pointer).unwrap() = value;
    parse_event(body.to_string().as_bytes())
}

fn refusal(pointer: &str, value: Value) -> String {
    let error = with(pointer, value).unwrap_err();
    let field = error.field().unwrap_or_default().to_owned();
    let text = error.to_string();
    assert!(text.contains(&field), "{text}");
    text
}

#[test]
fn a_whole_event_is_read() {
    let event = parse_event(body().to_string().as_bytes()).unwrap();
    insta::assert_json_snapshot!(event, @r#"
    {
      "kind": "created",
      "ticket": {
        "key": {
          "source": "flux-lens",
          "id": "1234"
        },
        "version": 3,
        "updated_at": "2026-11-22T10:00:00Z",
        "title": "Sessions end too early",
        "description": "After 30 seconds.",
        "url": "https://lens.example/t/1234",
        "priority": "high",
        "labels": [
          "bug"
        ],
        "reporter": {
          "name": "ann@acme.example",
          "email": "ann@acme.example",
          "tracker_id": "u-1"
        },
        "assignee": {
          "name": "bob@acme.example",
          "email": "bob@acme.example",
          "tracker_id": "u-2"
        },
        "repository": "acme/shop",
        "base_branch": "develop"
      }
    }
    "#);
}

#[test]
fn what_may_be_missing_has_a_default() {
    let mut body = body();
    let ticket = body["ticket"].as_object_mut().unwrap();
    for field in ["description", "priority", "labels", "base_branch"] {
        ticket.remove(field);
    }
    ticket.insert("assignee".to_owned(), Value::Null);
    ticket.insert("something_new".to_owned(), json!({"of": "theirs"}));
    let ticket = parse_event(body.to_string().as_bytes()).unwrap().ticket;
    assert_eq!((ticket.description.as_str(), ticket.priority, ticket.labels.len()), ("", Priority::Normal, 0));
    assert_eq!((ticket.base_branch.as_str(), ticket.assignee), ("main", None));
}

#[test]
fn every_missing_field_is_named() {
    for field in ["id", "version", "updated_at", "title", "url", "reporter", "repository"] {
        for null in [true, false] {
            let mut body = body();
            let ticket = body["ticket"].as_object_mut().unwrap();
            ticket.remove(field);
            if null {
                ticket.insert(field.to_owned(), Value::Null);
            }
            let error = parse_event(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("the field `ticket.{field}` is missing"));
        }
    }
    let error = parse_event(br#"{"event": "ticket.created"}"#).unwrap_err();
    assert_eq!(error.field(), Some("ticket"));
    assert_eq!(parse_event(b"{}").unwrap_err().field(), Some("event"));
}

#[test]
fn unusable_values_are_refused_with_their_field() {
    assert_snapshot!(refusal("/ticket/version", json!("3")), @r#"the field `ticket.version` is invalid: invalid type: string "3", expected u64 at line 1 column 61"#);
    assert_snapshot!(refusal("/ticket/priority", json!("urgent")), @"the field `ticket.priority` is invalid: unknown variant `urgent`, expected one of `high`, `normal`, `low` at line 1 column 218");
    assert_snapshot!(refusal("/ticket/labels", json!(["a", 1])), @"the field `ticket.labels[1]` is invalid: invalid type: integer `1`, expected a string at line 1 column 232");
    assert_snapshot!(refusal("/ticket/repository", json!("acme")), @"the field `ticket.repository` must be `owner/name` of letters, digits, `-`, `_` and `.`, such as `acme/shop`");
    assert_snapshot!(refusal("/ticket/repository", json!("../x")), @"the field `ticket.repository` must be `owner/name` of letters, digits, `-`, `_` and `.`, such as `acme/shop`");
    assert_snapshot!(refusal("/ticket/title", json!(" \n")), @"the field `ticket.title` is empty");
    assert_snapshot!(refusal("/ticket/title", json!("x".repeat(MAX_TITLE_BYTES + 1))), @"the field `ticket.title` has 1001 bytes; at most 1000 are allowed");
    assert_snapshot!(refusal("/ticket/url", json!("javascript:alert(1)")), @"the field `ticket.url` must be an http or https address of at most 2000 bytes");
    assert_snapshot!(refusal("/ticket/id", json!("../1")), @"the field `ticket.id` must have 1 to 200 letters, digits, `-`, `_`, `.` or `:`");
    assert_snapshot!(refusal("/ticket/id", json!("..")), @"the field `ticket.id` must have 1 to 200 letters, digits, `-`, `_`, `.` or `:`");
    assert_snapshot!(refusal("/ticket/reporter", json!({"email": "ann@acme.example"})), @"the field `ticket.reporter.id` is missing");
    assert_snapshot!(refusal("/ticket/reporter", json!({"id": "u-1"})), @"the field `ticket.reporter.email` is missing");
    assert_snapshot!(refusal("/ticket/assignee", json!({"id": "u", "email": "a@b\r\nBcc: c@d"})), @"the field `ticket.assignee.email` is not an e-mail address");
    for bad in ["", "-x", "a..b", "a b", "HEAD", "refs/heads/", "a.lock", "x~1", "@{1}"] {
        assert_eq!(
            refusal("/ticket/base_branch", json!(bad)),
            "the field `ticket.base_branch` is not a name that a branch can have"
        );
    }
    assert_snapshot!(refusal("/ticket", json!([])), @"the field `ticket` is invalid: invalid length 0, expected a ticket at line 1 column 37");
}

#[test]
fn an_unknown_event_is_told_what_is_known_whatever_its_form() {
    let error = parse_event(br#"{"event": "comment.created", "ticket": 7}"#).unwrap_err();
    assert_snapshot!(error, @"the event `comment.created` is not known; known are ticket.created, ticket.updated, ticket.cancelled");
    assert_eq!(error.field(), Some("event"));
}

#[test]
fn what_is_not_json_is_said_to_be_so() {
    for text in ["", "{", "{\"event\": \"ticket.created\"", "{} trailing", "\u{feff}{}"] {
        assert!(matches!(parse_event(text.as_bytes()), Err(InvalidEvent::NotJson(_))), "{text:?}");
    }
    assert!(matches!(parse_event(&[0xff, 0xfe]), Err(InvalidEvent::NotJson(_))));
    assert_eq!(parse_event(b"3").unwrap_err().field(), Some("(the whole body)"));
}

#[test]
fn a_title_of_several_lines_becomes_one() {
    let event = with("/ticket/title", json!("  Log\u{1b}[31m in\r\n\tfails ")).unwrap();
    assert_eq!(event.ticket.title, "Log [31m in fails");
}
