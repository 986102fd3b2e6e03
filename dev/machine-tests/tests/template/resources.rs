//! The resources' own properties.

use std::collections::BTreeSet;

use machine_tests::template::{Template, texts};
use serde_json::{Value, json};

use crate::template;

#[test]
fn every_function_has_its_own_log_group_and_build_method() {
    let template = template();
    let mut groups = BTreeSet::new();
    for (name, function) in template.resources("AWS::Serverless::Function") {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(groups.insert(group.to_owned()), "{name} shares {group}");
        let properties = &template.body["Resources"][group]["Properties"];
        assert!(properties["RetentionInDays"].is_object(), "{group} is kept for ever");
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{name}");
        let folder = function["Properties"]["CodeUri"].as_str().unwrap();
        assert!(machine_tests::root().join(folder).join("Cargo.toml").is_file(), "{name}: {folder}");
    }
    let functions = std::fs::read_dir(machine_tests::root().join("functions")).unwrap();
    let folders: BTreeSet<_> = functions.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let deployed: BTreeSet<_> = template
        .resources("AWS::Serverless::Function")
        .map(|(_, function)| function["Properties"]["CodeUri"].as_str().unwrap().replace("functions/", ""))
        .chain(["runner".to_owned()])
        .collect();
    assert_eq!(deployed, folders);
}

#[test]
fn tables_are_protected() {
    let template = template();
    let tables: Vec<_> = template.resources("AWS::DynamoDB::Table").collect();
    assert_eq!(tables.len(), 5);
    for (name, table) in tables {
        let properties = &table["Properties"];
        assert_eq!(table["DeletionPolicy"], "Retain", "{name}");
        assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(properties["SSESpecification"]["SSEType"], "KMS", "{name}");
        assert_eq!(properties["DeletionProtectionEnabled"], json!({"Ref": "DeletionProtection"}), "{name}");
        assert_eq!(properties["StreamSpecification"].is_object(), name == "StateTable", "{name}");
    }
    let audit = &template.body["Resources"]["AuditTable"]["Properties"];
    assert!(audit["TimeToLiveSpecification"].is_null(), "an audit trail does not expire");
}

#[test]
fn the_buckets_are_private() {
    let template = template();
    let buckets: Vec<_> = template.resources("AWS::S3::Bucket").collect();
    assert_eq!(buckets.len(), 2);
    for (name, bucket) in buckets {
        let properties = &bucket["Properties"];
        let block = properties["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert!(block.len() == 4 && block.values().all(|flag| *flag == json!(true)), "{name}");
        assert_eq!(properties["VersioningConfiguration"]["Status"], "Enabled", "{name}");
        let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms", "{name}");
        assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
        let policy = &template.body["Resources"][format!("{name}Policy")];
        let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
        let secure = statements.iter().find(|statement| statement["Sid"] == "OnlyEncryptedConnections").unwrap();
        assert_eq!(
            (&secure["Effect"], &secure["Action"], &secure["Principal"]),
            (&json!("Deny"), &json!("s3:*"), &json!("*"))
        );
        assert_eq!(secure["Resource"].as_array().unwrap().len(), 2, "{name}: the bucket and its objects");
    }
}

#[test]
fn anchors_are_locked_and_kept() {
    let template = template();
    let properties = &template.body["Resources"]["AuditBucket"]["Properties"];
    assert_eq!(properties["ObjectLockEnabled"], true);
    let retention = &properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
    assert_eq!(*retention, json!({ "Mode": { "Ref": "AuditLockMode" }, "Days": { "Ref": "AuditRetentionDays" } }));
    assert!(properties["LifecycleConfiguration"].is_null(), "an anchor does not expire");
    let parameters = &template.body["Parameters"];
    assert_eq!(parameters["AuditRetentionDays"]["Default"], 365);
    assert_eq!(parameters["AuditLockMode"]["AllowedValues"], json!(["GOVERNANCE", "COMPLIANCE"]));
    let policy = &template.body["Resources"]["AuditBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    let denied = |sid: &str| {
        let statement = policy.as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).unwrap().clone();
        assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")), "{sid}");
        assert_eq!(statement["Resource"], json!({ "Fn::Sub": "${AuditBucket.Arn}/*" }), "{sid}");
        statement
    };
    let stay = denied("AnchorsStay");
    assert!(stay["Condition"].is_null());
    let actions = ["DeleteObject", "DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectRetention"];
    assert_eq!(texts(&stay["Action"]), actions.map(|action| format!("s3:{action}")));
    let writer = denied("OneWriter");
    assert_eq!(writer["Action"], "s3:PutObject");
    let except = json!({ "ArnNotEquals": { "aws:PrincipalArn": { "Fn::GetAtt": "AnchorFunctionRole.Arn" } } });
    assert_eq!(writer["Condition"], except);
}

#[test]
fn a_stream_has_two_readers_and_a_failing_one_holds_up_none_for_ever() {
    let template = template();
    let stream = json!({ "Fn::GetAtt": "StateTable.StreamArn" });
    let sources = template.resources("AWS::Lambda::EventSourceMapping").map(|(_, source)| &source["Properties"]);
    let readers: Vec<_> = sources.filter(|source| source["EventSourceArn"] == stream).collect();
    assert_eq!(readers.len(), 2, "DynamoDB serves no more from one shard");
    for reader in readers {
        assert!(reader["MaximumRecordAgeInSeconds"].as_u64().unwrap() <= 43_200, "the stream forgets after a day");
        assert_eq!(reader["BisectBatchOnFunctionError"], true);
        assert!(reader["DestinationConfig"]["OnFailure"]["Destination"].is_object());
        assert!(reader["FunctionResponseTypes"].is_null(), "the local engine would drop what is reported");
    }
}

#[test]
fn a_message_is_invisible_for_six_times_its_consumer() {
    let template = template();
    let resources = &template.body["Resources"];
    let mut consumed = BTreeSet::new();
    for (_, source) in template.resources("AWS::Lambda::EventSourceMapping") {
        let from = source["Properties"]["EventSourceArn"]["Fn::GetAtt"].as_str().unwrap();
        let Some(queue) = from.strip_suffix("Queue.Arn").map(|name| format!("{name}Queue")) else { continue };
        let function = source["Properties"]["FunctionName"]["Ref"].as_str().unwrap();
        let timeout = resources[function]["Properties"]["Timeout"].as_u64().unwrap();
        let properties = &resources[&queue]["Properties"];
        assert!(properties["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout, "{queue}");
        assert_eq!(texts(&source["Properties"]["FunctionResponseTypes"]), ["ReportBatchItemFailures"], "{queue}");
        assert!(properties["RedrivePolicy"]["deadLetterTargetArn"].is_object(), "{queue}");
        consumed.insert(queue);
    }
    assert_eq!(
        consumed,
        ["DeliveryQueue", "EmailQueue", "InboundQueue", "SlackQueue", "TicketQueue"].map(str::to_owned).into()
    );
    assert_eq!(resources["InboundQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"], 3);
}

fn container<'a>(template: &'a Template, task: &str) -> &'a Value {
    let containers = &template.body["Resources"][task]["Properties"]["ContainerDefinitions"];
    assert_eq!(containers.as_array().unwrap().len(), 1, "{task}");
    &containers[0]
}

#[test]
fn the_gates_sandbox_has_no_role_and_no_secret() {
    let template = template();
    let task = &template.body["Resources"]["QaTask"]["Properties"];
    assert!(task["TaskRoleArn"].is_null());
    assert!(template.body["Resources"]["AgentTask"]["Properties"]["TaskRoleArn"].is_object(), "the test sees roles");
    let runner = container(&template, "QaTask");
    assert!(runner["Secrets"].is_null());
    assert_eq!(runner["Environment"], serde_json::json!([{"Name": "PI_TICKETS_NETWORK", "Value": "surrounded"}]));
}

#[test]
fn sandboxes_are_alike_but_for_the_model() {
    let template = template();
    let (agent, qa) = (container(&template, "AgentTask"), container(&template, "QaTask"));
    for field in ["Name", "Image", "User", "ReadonlyRootFilesystem", "LinuxParameters", "MountPoints", "StopTimeout"] {
        assert_eq!(agent[field], qa[field], "{field}");
        assert!(!agent[field].is_null(), "{field}");
    }
    assert_eq!(agent["Name"], "runner");
    assert_eq!(agent["ReadonlyRootFilesystem"], true);
    let may = template.statements().into_iter().filter(|(owner, _)| *owner == "AgentTaskRole");
    let allowed: BTreeSet<String> = may
        .filter(|(_, statement)| statement["Effect"] == "Allow")
        .flat_map(|(_, statement)| texts(&statement["Action"]))
        .collect();
    let model = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "secretsmanager:GetSecretValue"];
    assert_eq!(allowed, model.map(str::to_owned).into());
}

#[test]
fn routes_are_listed_with_their_methods() {
    let template = template();
    let paths = template.body["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].as_object().unwrap();
    let routes: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| {
                let uri = &operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"];
                let function = uri.as_str().unwrap().split("${AWS::StackName}-").nth(1).unwrap();
                format!("{method} {path} {}", function.replace("/invocations", ""))
            })
        })
        .collect();
    let expected = [
        "get / console",
        "get /account/{proxy+} console",
        "get /analytics console",
        "get /api/{proxy+} console",
        "get /approvals/{link} console",
        "get /health webhook",
        "get /operations console",
        "get /workflows/{proxy+} console",
        "post /account/{proxy+} console",
        "post /api/{proxy+} console",
        "post /approvals/{link} console",
        "post /operations/{proxy+} console",
        "post /slack/interactions console",
        "post /webhooks/flux-lens webhook",
        "post /webhooks/github webhook",
        "post /workflows/{proxy+} console",
    ];
    assert_eq!(routes, expected.map(str::to_owned).into());
}

#[test]
fn what_the_local_engine_lacks_is_behind_the_condition() {
    let template = template();
    for (name, stack) in template.resources("AWS::CloudFormation::Stack") {
        assert_eq!(stack["Condition"], "IsAws", "{name}");
        let file = stack["Properties"]["TemplateURL"].as_str().unwrap();
        let nested = Template::read_file(&machine_tests::root().join(file)).unwrap();
        let declared: BTreeSet<_> = nested.body["Parameters"].as_object().unwrap().keys().cloned().collect();
        let given: BTreeSet<_> = stack["Properties"]["Parameters"].as_object().unwrap().keys().cloned().collect();
        let optional = |name: &&String| !nested.body["Parameters"][*name]["Default"].is_null();
        assert!(given.is_subset(&declared), "{name}");
        assert!(declared.difference(&given).all(|missing| optional(&missing)), "{name}");
    }
}
