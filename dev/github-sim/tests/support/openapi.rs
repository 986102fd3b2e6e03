//! GitHub's published OpenAPI description, as JSON schemas of its answers and events.

use std::path::Path;
use std::sync::OnceLock;

use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

const ROOT: &str = "https://api.github.com/openapi.json";

/// The description, ready to validate against.
pub(crate) struct Spec {
    document: Value,
    registry: Registry<'static>,
}

impl Spec {
    /// The description, read once.
    pub(crate) fn shared() -> &'static Self {
        static SPEC: OnceLock<Spec> = OnceLock::new();
        SPEC.get_or_init(Self::load)
    }

    /// Reads the npm package `@octokit/openapi` of `dev/node`.
    fn load() -> Self {
        let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node");
        let file = node.join("node_modules/@octokit/openapi/generated/api.github.com.json");
        let bytes = std::fs::read(&file).unwrap_or_else(|error| {
            panic!(
                "GitHub's OpenAPI description is missing ({}: {error}).\n\
                 Run `cargo xtask setup` (or `npm ci --ignore-scripts` in dev/node) and try again.",
                file.display()
            )
        });
        let mut document: Value = serde_json::from_slice(&bytes).unwrap();
        let version = document["openapi"].as_str().unwrap();
        assert!(version.starts_with("3.0."), "written for OpenAPI 3.0 (nullable), this is {version}");
        convert(&mut document);
        let registry = Registry::new().draft(Draft::Draft4).add(ROOT, document.clone()).unwrap().prepare().unwrap();
        Self { document, registry }
    }

    /// Problems of an answer; empty when it is as described.
    ///
    /// A status that the operation does not list must still carry GitHub's basic error.
    pub(crate) fn check_answer(&self, method: &str, template: &str, status: u16, body: &Value) -> Vec<String> {
        if (method, template, status) == ("GET", "/app/installations", 200) {
            // Described wrongly: an account there would have to be a user and an enterprise at once.
            let one = |i: &Value| self.check("/components/schemas/installation", i);
            return body.as_array().unwrap().iter().flat_map(one).collect();
        }
        let path = format!("/paths/{}/{}", escape(template), method.to_ascii_lowercase());
        if self.document.pointer(&path).is_none() {
            return vec![format!("{method} {template} is not in the description")];
        }
        let mut response = format!("{path}/responses/{status}");
        match self.document.pointer(&response) {
            None if status >= 400 => return self.check("/components/schemas/basic-error", body),
            None => return vec![format!("{status} is not described")],
            Some(found) => {
                if let Some(reference) = found["$ref"].as_str() {
                    reference.trim_start_matches('#').clone_into(&mut response);
                }
            }
        }
        let found = self.document.pointer(&response).unwrap();
        if found.get("content").is_none() {
            // No body is described: success has none, a failure is a basic error.
            return match status {
                400.. => self.check("/components/schemas/basic-error", body),
                _ if *body == json!("") => Vec::new(),
                _ => vec![format!("no body is described, this is {body}")],
            };
        }
        let schema = format!("{response}/content/application~1json/schema");
        if self.document.pointer(&schema).is_none() {
            return vec![format!("no JSON is described for {status}")];
        }
        self.check(&schema, body)
    }

    /// Problems of a webhook's payload.
    pub(crate) fn check_event(&self, name: &str, payload: &Value) -> Vec<String> {
        let key = name.replace(['_', '.'], "-");
        let path = format!("/x-webhooks/{key}/post/requestBody/content/application~1json/schema");
        if self.document.pointer(&path).is_none() {
            return vec![format!("the event {key} is not in the description")];
        }
        self.check(&path, payload)
    }

    fn check(&self, pointer: &str, instance: &Value) -> Vec<String> {
        let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({ "$ref": format!("{ROOT}#{fragment}") });
        let validator = jsonschema::options()
            .with_draft(Draft::Draft4)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            // The addresses of GitHub's own bots, `1+name[bot]@users.noreply.github.com`, break the strict rules.
            .with_format("email", |text: &str| text.contains('@'))
            .should_ignore_unknown_formats(true)
            .build(&schema)
            .unwrap();
        validator.iter_errors(instance).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }
}

/// One segment of a JSON pointer.
fn escape(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

/// OpenAPI 3.0 says `nullable: true` where JSON Schema says type `null`.
fn convert(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(convert),
        Value::Object(map) => {
            map.values_mut().for_each(convert);
            if map.get("nullable") != Some(&Value::Bool(true)) {
                return;
            }
            map.remove("nullable");
            if let Some(Value::String(kind)) = map.get("type").cloned() {
                map.insert("type".to_owned(), json!([kind, "null"]));
                if let Some(Value::Array(values)) = map.get_mut("enum") {
                    values.push(Value::Null);
                }
            } else {
                let inner = Value::Object(std::mem::take(map));
                map.insert("anyOf".to_owned(), json!([inner, { "type": "null" }]));
            }
        }
        _ => {}
    }
}

#[test]
fn nullable_becomes_null() {
    let mut schema = json!({
        "properties": {
            "a": { "type": "string", "nullable": true, "enum": ["x"] },
            "b": { "nullable": true, "oneOf": [{ "$ref": "#/x" }] },
        },
    });
    convert(&mut schema);
    let expected = json!({
        "properties": {
            "a": { "type": ["string", "null"], "enum": ["x", null] },
            "b": { "anyOf": [{ "oneOf": [{ "$ref": "#/x" }] }, { "type": "null" }] },
        },
    });
    assert_eq!(schema, expected);
}
