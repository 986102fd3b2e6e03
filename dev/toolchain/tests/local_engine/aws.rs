//! The few calls that the tests make, without an SDK. The engine does not check root's
//! signatures, only its key.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use serde_json::{Value, json};
use toolchain::engine::Engine;
use zip::write::SimpleFileOptions;

use crate::life_line::LifeLine;

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into()
}

fn authorization(key: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

/// One call of a service that speaks JSON, as root.
pub(crate) fn call(engine: &Engine, service: &str, target: &str, input: &Value) -> Value {
    let key = engine.root().access_key_id.as_str();
    let mut answer = agent()
        .post(engine.url())
        .header("authorization", authorization(key, service))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .send(input.to_string())
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    assert_eq!(answer.status(), 200, "{target}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The status of DynamoDB's ListTables for a caller with `key`.
pub(crate) fn list_tables(engine: &Engine, key: &str) -> u16 {
    agent()
        .post(engine.url())
        .header("authorization", authorization(key, "dynamodb"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .send("{}")
        .unwrap()
        .status()
        .as_u16()
}

/// Creates a role without permissions that `service` may take, and returns its ARN.
pub(crate) fn create_role(engine: &Engine, service: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]});
    let mut answer = agent()
        .post(engine.url())
        .header("authorization", authorization(&engine.root().access_key_id, "iam"))
        .send_form([
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", "role"),
            ("AssumeRolePolicyDocument", &trust.to_string()),
        ])
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.body_mut().read_to_string().unwrap());
    format!("arn:aws:iam::{}:role/role", engine.account_id())
}

/// Creates a function that holds the life line and never answers, and invokes it.
pub(crate) fn start_function(engine: &Engine, line: &LifeLine) {
    let root = engine.root().access_key_id.as_str();
    let role = create_role(engine, "lambda.amazonaws.com");
    let script = format!("#!/bin/sh\nexec 3>'{}'\necho started >&3\nexec sleep 600\n", line.path().display());
    let function = json!({
        "FunctionName": "sleeper", "Runtime": "provided.al2023", "Handler": "bootstrap",
        "Role": role, "Timeout": 60,
        "Code": {"ZipFile": base64::prelude::BASE64_STANDARD.encode(archive(&script))},
    });
    let functions = format!("{}/2015-03-31/functions", engine.url());
    let mut created = agent()
        .post(&functions)
        .header("authorization", authorization(root, "lambda"))
        .send(function.to_string())
        .unwrap();
    let answer = created.body_mut().read_to_string().unwrap();
    assert_eq!(created.status(), 201, "{answer}");

    let invoked = agent()
        .post(format!("{functions}/sleeper/invocations"))
        .header("authorization", authorization(root, "lambda"))
        .header("x-amz-invocation-type", "Event")
        .send("{}")
        .unwrap();
    assert_eq!(invoked.status(), 202);
}

fn archive(bootstrap: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("bootstrap", options).unwrap();
    archive.write_all(bootstrap.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}
