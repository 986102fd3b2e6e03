//! The template is deployed to the local engine as it is, with functions that do nothing.
//!
//! Needs the engine installed (`cargo xtask setup`), hence the `local_` in its name.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use machine_tests::client::Client;
use machine_tests::template::Template;
use serde_json::{Value, json};
use toolchain::engine::{Engine, EngineSettings};
use toolchain::{Component, Toolchain};
use zip::write::SimpleFileOptions;

const CLOUDFORMATION: &str = "2010-05-15";
const STACK: &str = "pi-tickets";
const LIMIT: Duration = Duration::from_mins(2);

struct World {
    client: Client,
    _engine: Engine,
    _folder: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let toolchain = Toolchain::of_this_checkout();
        assert!(
            toolchain.is_current(Component::Engine).unwrap(),
            "the engine is not installed: run `cargo xtask setup`"
        );
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(&toolchain, &EngineSettings::new(folder.path())).unwrap();
        Self { client: Client::new(&engine), _engine: engine, _folder: folder }
    }

    /// Uploads what the template names and the template itself. Answers the template's address.
    fn upload(&self) -> String {
        self.client.put_object("artifacts", b"").unwrap();
        let mut text = std::fs::read_to_string(machine_tests::root().join("template.yaml")).unwrap();
        for (_, function) in Template::read().unwrap().resources("AWS::Serverless::Function") {
            let folder = function["Properties"]["CodeUri"].as_str().unwrap();
            let key = format!("{}.zip", folder.replace('/', "-"));
            self.client.put_object(&format!("artifacts/{key}"), &archive()).unwrap();
            text = text.replace(&format!("CodeUri: {folder}\n"), &format!("CodeUri: s3://artifacts/{key}\n"));
        }
        let definition = "statemachine/ticket.asl.json";
        let machine = std::fs::read(machine_tests::root().join(definition)).unwrap();
        self.client.put_object("artifacts/ticket.asl.json", &machine).unwrap();
        text = text.replace(definition, "s3://artifacts/ticket.asl.json");
        self.client.put_object("artifacts/template.yaml", text.as_bytes()).unwrap();
        self.client.object_url("artifacts/template.yaml")
    }

    fn secret(&self, name: &str, content: &Value) -> String {
        let request = json!({"Name": name, "SecretString": content.to_string(), "ClientRequestToken": "a".repeat(32)});
        let answer = self.client.json("secretsmanager", "secretsmanager.CreateSecret", &request).unwrap();
        answer["ARN"].as_str().unwrap().to_owned()
    }

    fn create(&self, template: &str, parameters: &[(&str, &str)]) {
        let mut fields = vec![
            ("Action".to_owned(), "CreateStack"),
            ("StackName".to_owned(), STACK),
            ("TemplateURL".to_owned(), template),
            ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM"),
            ("Capabilities.member.2".to_owned(), "CAPABILITY_AUTO_EXPAND"),
        ];
        for (n, (name, value)) in parameters.iter().enumerate() {
            fields.push((format!("Parameters.member.{}.ParameterKey", n + 1), name));
            fields.push((format!("Parameters.member.{}.ParameterValue", n + 1), value));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.client.query("cloudformation", CLOUDFORMATION, &fields).unwrap();
    }

    fn wait(&self) -> String {
        let start = Instant::now();
        loop {
            let fields = [("Action", "DescribeStacks"), ("StackName", STACK)];
            let answer = self.client.query("cloudformation", CLOUDFORMATION, &fields).unwrap();
            match element(&answer, "StackStatus").unwrap() {
                "CREATE_COMPLETE" => return answer,
                "CREATE_IN_PROGRESS" => assert!(start.elapsed() < LIMIT, "still in progress"),
                other => {
                    let fields = [("Action", "DescribeStackEvents"), ("StackName", STACK)];
                    panic!("{other}: {}", self.client.query("cloudformation", CLOUDFORMATION, &fields).unwrap());
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn secret_value(&self, arn: &str) -> Value {
        let request = json!({ "SecretId": arn });
        let answer = self.client.json("secretsmanager", "secretsmanager.GetSecretValue", &request).unwrap();
        serde_json::from_str(answer["SecretString"].as_str().unwrap()).unwrap()
    }
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    Some(xml.split_once(&format!("<{name}>"))?.1.split_once('<')?.0)
}

/// The value of an output.
fn output<'a>(xml: &'a str, key: &str) -> &'a str {
    let member = xml.split("<member>").find(|member| element(member, "OutputKey") == Some(key));
    element(member.unwrap_or_else(|| panic!("no output {key}")), "OutputValue").unwrap()
}

fn archive() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("bootstrap", options).unwrap();
    archive.write_all(b"#!/bin/sh\nexit 1\n").unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn the_template_is_deployed_to_the_local_engine() {
    let world = World::start();
    let template = world.upload();
    let github = world.secret("github", &json!({"kind": "token", "token": "t"}));
    let flux_lens = world.secret("flux-lens", &json!({"token": "t"}));
    let model = world.secret("model", &json!({"api_key": "k"}));
    world.create(
        &template,
        &[
            ("Environment", "local"),
            ("DeletionProtection", "false"),
            ("PublicBaseUrl", "http://127.0.0.1:1/base"),
            ("FluxLensBaseUrl", "http://127.0.0.1:2"),
            ("FluxLensTokenSecretArn", &flux_lens),
            ("GithubApiUrl", "http://127.0.0.1:3/api"),
            ("GithubCredentialsSecretArn", &github),
            ("ModelProvider", "anthropic"),
            ("ModelBaseUrl", "http://127.0.0.1:4"),
            ("ModelSecretArn", &model),
            ("Approvers", "ann@example.com,bob@example.com"),
            ("ApiTokenEmail", "ann@example.com"),
            ("CreateMailIdentity", "true"),
        ],
    );
    let stack = world.wait();

    assert_eq!(output(&stack, "FluxLensWebhookUrl"), "http://127.0.0.1:1/base/webhooks/flux-lens");
    let keys = world.secret_value(output(&stack, "FluxLensWebhookSecretArn"));
    let key = keys["keys"][0].as_str().unwrap().strip_prefix("whsec_").unwrap();
    assert!(key.len() == 44 && key.chars().all(|c| c.is_ascii_alphanumeric()), "whole groups of Base64");
    assert_eq!(world.secret_value(output(&stack, "GithubWebhookSecretArn"))["keys"].as_array().unwrap().len(), 1);
    let token = world.secret_value(output(&stack, "ApiTokenSecretArn"));
    assert_eq!(token["email"], "ann@example.com");
    assert!(token["token"].as_str().unwrap().len() >= 48);

    let request = json!({"stateMachineArn": output(&stack, "StateMachineArn")});
    let machine = world.client.json("states", "AWSStepFunctions.DescribeStateMachine", &request).unwrap();
    let definition = machine["definition"].as_str().unwrap();
    assert!(!definition.contains("${") && definition.contains("pi-tickets-agent"), "substitutions were made");

    for family in ["pi-tickets-agent", "pi-tickets-qa"] {
        let request = json!({ "taskDefinition": family });
        let target = "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition";
        let task = world.client.json("ecs", target, &request).unwrap();
        let has_role = task["taskDefinition"]["taskRoleArn"].as_str().is_some_and(|role| !role.is_empty());
        assert_eq!(has_role, family.ends_with("agent"), "{family}");
    }
}
