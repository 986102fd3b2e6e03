//! The methods of the Web API.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace::{Call, Message, Workspace};
use crate::{CHANNEL, TOKEN, lock};

type Shared = State<Arc<Mutex<Workspace>>>;

/// Most blocks of a message. Slack's documentation, "Block Kit".
const MAX_BLOCKS: usize = 50;
/// Longest text of a section. The same.
const MAX_SECTION_TEXT: usize = 3_000;

pub(crate) fn router(workspace: Arc<Mutex<Workspace>>) -> Router {
    Router::new()
        .route("/api/users.info", get(user))
        .route("/api/{method}", post(method))
        .route("/answers/{trigger}", post(whisper))
        .route("/channel", get(channel))
        .with_state(workspace)
}

async fn method(
    State(workspace): Shared,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut workspace = lock(&workspace);
    if let Some(limited) = limited(&mut workspace, &method) {
        return limited;
    }
    let done = check_token(&headers).and_then(|()| match method.as_str() {
        "chat.postMessage" => post_message(&mut workspace, &body),
        "chat.update" => update(&mut workspace, &body),
        "views.open" => open(&mut workspace, &body),
        _ => Err("unknown_method"),
    });
    answer(&mut workspace, method, body, done)
}

fn answer(workspace: &mut Workspace, method: String, body: Value, done: Result<Value, &str>) -> Response {
    let error = done.as_ref().err().map(|error| (*error).to_owned());
    workspace.calls.push(Call { method, body, error });
    match done {
        Ok(mut value) => {
            value["ok"] = true.into();
            Json(value).into_response()
        }
        // Slack says what is wrong with status 200.
        Err(error) => Json(json!({ "ok": false, "error": error })).into_response(),
    }
}

fn limited(workspace: &mut Workspace, method: &str) -> Option<Response> {
    let (times, seconds) = workspace.limits.get_mut(method)?;
    if *times == 0 {
        return None;
    }
    *times -= 1;
    let body = Json(json!({ "ok": false, "error": "ratelimited" }));
    Some((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], body).into_response())
}

fn check_token(headers: &HeaderMap) -> Result<(), &'static str> {
    match headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        None => Err("not_authed"),
        Some(value) if value.strip_prefix("Bearer ") == Some(TOKEN) => Ok(()),
        Some(_) => Err("invalid_auth"),
    }
}

fn checked_blocks(body: &Value) -> Result<Vec<Value>, &'static str> {
    let blocks = body["blocks"].as_array().cloned().unwrap_or_default();
    let too_long =
        |block: &Value| block["text"]["text"].as_str().is_some_and(|text| text.chars().count() > MAX_SECTION_TEXT);
    if blocks.len() > MAX_BLOCKS || blocks.iter().any(|block| !block["type"].is_string() || too_long(block)) {
        return Err("invalid_blocks");
    }
    Ok(blocks)
}

fn post_message(workspace: &mut Workspace, body: &Value) -> Result<Value, &'static str> {
    if body["channel"] != CHANNEL {
        return Err("channel_not_found");
    }
    let blocks = checked_blocks(body)?;
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text");
    }
    let thread_ts = body["thread_ts"].as_str().map(str::to_owned);
    if thread_ts.as_ref().is_some_and(|thread| !workspace.messages.iter().any(|message| message.ts == *thread)) {
        return Err("thread_not_found");
    }
    let ts = format!("17956{:05}.000100", workspace.next());
    workspace.messages.push(Message { ts: ts.clone(), thread_ts, text, blocks, edits: 0 });
    Ok(json!({ "channel": CHANNEL, "ts": ts }))
}

fn update(workspace: &mut Workspace, body: &Value) -> Result<Value, &'static str> {
    if body["channel"] != CHANNEL {
        return Err("channel_not_found");
    }
    let blocks = checked_blocks(body)?;
    let message = workspace.messages.iter_mut().find(|message| body["ts"] == message.ts.as_str());
    let message = message.ok_or("message_not_found")?;
    body["text"].as_str().unwrap_or_default().clone_into(&mut message.text);
    message.blocks = blocks;
    message.edits += 1;
    Ok(json!({ "channel": CHANNEL, "ts": message.ts }))
}

fn open(workspace: &mut Workspace, body: &Value) -> Result<Value, &'static str> {
    // A trigger is good for one dialog.
    if !body["trigger_id"].as_str().is_some_and(|trigger| workspace.triggers.remove(trigger)) {
        return Err("expired_trigger_id");
    }
    let mut view = body["view"].clone();
    if view["type"] != "modal" || !view["title"]["text"].is_string() || !view["blocks"].is_array() {
        return Err("invalid_arguments");
    }
    view["id"] = format!("V{:08}", workspace.next()).into();
    workspace.views.push(view.clone());
    Ok(json!({ "view": view }))
}

#[derive(Deserialize)]
struct UserQuery {
    user: String,
}

async fn user(State(workspace): Shared, headers: HeaderMap, Query(query): Query<UserQuery>) -> Response {
    let mut workspace = lock(&workspace);
    if let Some(limited) = limited(&mut workspace, "users.info") {
        return limited;
    }
    let found = workspace.members.iter().find(|member| member.id == query.user).cloned();
    let done = check_token(&headers).and_then(|()| {
        let member = found.ok_or("user_not_found")?;
        Ok(json!({ "user": {
            "id": member.id,
            "team_id": member.team,
            "deleted": member.deleted,
            "is_bot": false,
            "is_restricted": member.guest,
            "is_email_confirmed": member.confirmed,
            "profile": { "email": member.email },
        } }))
    });
    answer(&mut workspace, "users.info".to_owned(), json!({ "user": query.user }), done)
}

/// The channel as text: every message with what it shows, and its thread below it.
async fn channel(State(workspace): Shared) -> String {
    let messages = lock(&workspace).messages.clone();
    let mut lines = Vec::new();
    for message in messages.iter().filter(|message| message.thread_ts.is_none()) {
        lines.push(format!("{} (edited {} times)", message.text, message.edits));
        let shown = message.blocks.iter().filter_map(|block| block["text"]["text"].as_str()).flat_map(str::lines);
        lines.extend(shown.map(|line| format!("    {line}")));
        let names: Vec<_> = message.buttons().into_keys().map(|name| format!("[{name}]")).collect();
        lines.push(format!("    {}", names.join(" ")));
        let replies = messages.iter().filter(|reply| reply.thread_ts.as_ref() == Some(&message.ts));
        lines.extend(replies.map(|reply| format!("    ↳ {}", reply.text)));
        lines.push(String::new());
    }
    lines.join("\n")
}

async fn whisper(State(workspace): Shared, Json(body): Json<Value>) -> StatusCode {
    lock(&workspace).whispers.push(body["text"].as_str().unwrap_or_default().to_owned());
    StatusCode::OK
}
