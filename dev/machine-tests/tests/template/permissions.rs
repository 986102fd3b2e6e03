//! Who may do what. A statement that is not foreseen here fails a test, so that it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use machine_tests::template::{Template, list, texts};
use serde_json::Value;

use crate::template;

/// Actions that know no resource, so that `*` is all that can be written.
const WITHOUT_RESOURCE: [&str; 12] = [
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "ecs:ListTasks",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sts:GetServiceBearerToken",
];

struct Grant {
    owner: String,
    actions: Vec<String>,
    /// Each resource as the JSON that names it.
    resources: Vec<String>,
    deny: bool,
}

fn grants(template: &Template) -> Vec<Grant> {
    let grants: Vec<Grant> = template
        .statements()
        .into_iter()
        .map(|(owner, statement)| Grant {
            owner: owner.to_owned(),
            actions: texts(&statement["Action"]),
            resources: list(&statement["Resource"]).iter().map(in_aws).collect(),
            deny: statement["Effect"] == "Deny",
        })
        .collect();
    assert!(grants.len() > 40, "the template's statements were not found");
    assert!(grants.iter().all(|grant| !grant.actions.is_empty() && !grant.resources.is_empty()));
    grants
}

/// What a resource is in AWS, where it differs from the local engine.
fn in_aws(resource: &Value) -> String {
    match resource.get("Fn::If") {
        Some(branches) if branches[0] == "IsAws" => branches[1].to_string(),
        _ => resource.as_str().map_or_else(|| resource.to_string(), str::to_owned),
    }
}

/// The owners of an allowed action on a resource whose name contains `resource`.
fn who(action: &str, resource: &str) -> BTreeSet<String> {
    let grants = grants(&template());
    let found = grants.iter().filter(|grant| {
        !grant.deny
            && grant.actions.iter().any(|allowed| allowed == action)
            && grant.resources.iter().any(|named| named.contains(resource))
    });
    found.map(|grant| grant.owner.clone()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn no_statement_allows_every_action_or_every_resource() {
    for grant in grants(&template()).iter().filter(|grant| !grant.deny) {
        for action in &grant.actions {
            assert!(!action.contains('*'), "{} may {action}", grant.owner);
            let everything = grant.resources.iter().any(|resource| resource == "*");
            assert!(
                !everything || WITHOUT_RESOURCE.contains(&action.as_str()),
                "{} may {action} on everything",
                grant.owner
            );
        }
    }
}

#[test]
fn two_functions_may_spend_task_tokens() {
    let two = set(&["ApprovalsFunction", "WorkflowFunction"]);
    assert_eq!(who("states:SendTaskSuccess", "stateMachine:"), two);
    assert_eq!(who("states:SendTaskFailure", "stateMachine:"), two);
    for action in ["GetItem", "PutItem", "DeleteItem"] {
        assert_eq!(who(&format!("dynamodb:{action}"), "TokensTable"), two, "{action}");
    }
}

#[test]
fn gates_are_written_by_approvals_alone() {
    let writers = set(&["ApprovalLinksFunction", "ApprovalsFunction"]);
    assert_eq!(who("dynamodb:PutItem", "GatesTable"), writers);
    assert_eq!(who("dynamodb:UpdateItem", "GatesTable"), set(&["ApprovalsFunction"]));
    assert_eq!(who("dynamodb:DeleteItem", "GatesTable"), set(&["ApprovalsFunction"]));
    let template = template();
    let link = template.statements().into_iter().find(|(owner, statement)| {
        *owner == "ApprovalLinksFunction" && texts(&statement["Action"]).contains(&"dynamodb:PutItem".to_owned())
    });
    let keys = &link.unwrap().1["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(texts(keys), ["LINK#*"]);
}

#[test]
fn expenses_are_written_by_who_calls_models() {
    let template = template();
    let writers = template.statements().into_iter().filter(|(_, statement)| {
        texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            .contains(&"SPENT#*".to_owned())
    });
    let writers: BTreeSet<String> = writers.map(|(owner, _)| owner.to_owned()).collect();
    assert_eq!(writers, set(&["PlannerFunction", "WorkflowFunction"]));
}

#[test]
fn sessions_and_api_tokens_are_the_consoles_alone() {
    for action in ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"] {
        assert_eq!(who(&format!("dynamodb:{action}"), "ConsoleTable"), set(&["ConsoleFunction"]), "{action}");
    }
}

#[test]
fn nobody_changes_the_audit_trail_and_whoever_adds_to_it_is_told_so() {
    let writers = who("dynamodb:PutItem", "AuditTable");
    assert!(writers.contains("WorkflowFunction"));
    let denied: BTreeSet<String> = grants(&template())
        .into_iter()
        .filter(|grant| grant.deny && grant.resources.iter().any(|resource| resource.contains("AuditTable")))
        .filter(|grant| grant.actions == ["dynamodb:UpdateItem", "dynamodb:DeleteItem"])
        .map(|grant| grant.owner)
        .collect();
    assert_eq!(writers, denied);
    for action in ["dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"] {
        assert_eq!(who(action, "AuditTable"), set(&[]), "{action}");
    }
}

#[test]
fn anchors_have_one_writer_and_nobody_who_takes_them_away() {
    let anchor = set(&["AnchorFunction"]);
    assert_eq!(who("s3:PutObject", "AuditBucket"), anchor);
    assert_eq!(who("s3:GetObject", "AuditBucket"), anchor);
    assert_eq!(who("s3:GetObjectVersion", "AuditBucket"), set(&["ConsoleFunction"]));
    assert_eq!(who("s3:ListBucketVersions", "AuditBucket"), set(&["ConsoleFunction"]));
    for action in ["DeleteObject", "DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectRetention"] {
        assert_eq!(who(&format!("s3:{action}"), "AuditBucket"), set(&[]), "{action}");
    }
    let grants = grants(&template());
    let own = grants.iter().filter(|grant| grant.owner == "AnchorFunction");
    let own: Vec<_> = own.flat_map(|grant| &grant.resources).collect();
    assert!(
        own.iter().all(|resource| !resource.contains("Table.Arn") && !resource.contains("{Bucket.Arn}")),
        "{own:?}"
    );
}

#[test]
fn every_secret_has_its_readers() {
    let read = |secret| who("secretsmanager:GetSecretValue", secret);
    assert_eq!(read("GithubCredentialsSecretArn"), set(&["GithubAuthReadFunction", "GithubAuthWriteFunction"]));
    assert_eq!(read("ModelSecretArn"), set(&["AgentTaskRole", "PlannerFunction"]));
    assert_eq!(read("FluxLensTokenSecretArn"), set(&["NotifierFunction"]));
    assert_eq!(read("FluxLensWebhookSecret"), set(&["WebhookFunction"]));
    assert_eq!(read("GithubWebhookSecret"), set(&["WebhookFunction"]));
    assert_eq!(read("ApiTokenSecret"), set(&["ConsoleFunction"]));
    assert_eq!(read("SigningKeySecret"), set(&["ConsoleFunction"]));
    assert_eq!(read("GithubOauthSecretArn"), set(&["ConsoleFunction"]));
    assert_eq!(read("SlackTokenSecretArn"), set(&["ConsoleFunction", "NotifierFunction"]));
    // Whoever can sign as Slack can decide in anybody's name; `notifier` cannot decide.
    assert_eq!(read("SlackSigningSecretArn"), set(&["ConsoleFunction"]));
    let template = template();
    for name in ["FluxLensKeySeed", "GithubKeySeed"] {
        assert!(template.body["Resources"][name].is_object());
        assert_eq!(read(name), set(&[]), "{name}");
    }
}

#[test]
fn every_function_has_its_callers() {
    let call = |function| who("lambda:InvokeFunction", function);
    assert_eq!(call("GithubAuthWriteFunction"), set(&["PublisherFunction"]));
    assert_eq!(call("GithubAuthReadFunction"), set(&["IntakeFunction", "PlannerFunction", "WorkflowFunction"]));
    assert_eq!(call("ApprovalLinksFunction"), set(&["NotifierFunction"]));
    assert_eq!(call("AnchorFunction"), set(&[]));
    assert_eq!(
        call("ApprovalsFunction"),
        set(&["ConsoleFunction", "IntakeFunction", "StateMachine", "SweeperFunction", "WorkflowFunction"])
    );
    assert_eq!(
        call("WorkflowFunction"),
        set(&["ConsoleFunction", "IntakeFunction", "StateMachine", "SweeperFunction"])
    );
    assert_eq!(call("PlannerFunction"), set(&["StateMachine"]));
    assert_eq!(call("PublisherFunction"), set(&["StateMachine"]));
}

#[test]
fn the_edge_has_one_queue_two_secrets_and_nothing_else() {
    let grants = grants(&template());
    let mut may: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| grant.owner == "WebhookFunction") {
        assert!(!grant.deny);
        for action in &grant.actions {
            may.entry(action).or_default().extend(grant.resources.iter().map(String::as_str));
        }
    }
    assert_eq!(may.keys().copied().collect::<Vec<_>>(), ["secretsmanager:GetSecretValue", "sqs:SendMessage"]);
    assert_eq!(may["sqs:SendMessage"], [r#"{"Fn::GetAtt":"InboundQueue.Arn"}"#]);
}

#[test]
fn sandbox_addresses_are_signed_by_a_role_that_reaches_only_what_a_sandbox_exchanges() {
    assert_eq!(who("sts:AssumeRole", "BundleRole"), set(&["WorkflowFunction"]));
    let template = template();
    let role = template.statements().into_iter().filter(|(owner, _)| *owner == "BundleRole");
    let written: Vec<String> = role
        .filter(|(_, statement)| texts(&statement["Action"]).contains(&"s3:PutObject".to_owned()))
        .flat_map(|(_, statement)| list(&statement["Resource"]))
        .map(|resource| resource["Fn::Sub"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(written, ["${Bucket.Arn}/runs/*/agent/*", "${Bucket.Arn}/runs/*/qa/*"], "never `verified`");
}

#[test]
fn no_policy_of_sams_own_is_taken_over() {
    for (name, function) in template().resources("AWS::Serverless::Function") {
        let policies = function["Properties"]["Policies"].as_array().unwrap();
        assert!(policies.iter().all(|policy| policy["Statement"].is_array()), "{name}");
        let events = function["Properties"]["Events"].as_object().into_iter().flatten();
        for (event, source) in events {
            let kind = source["Type"].as_str().unwrap();
            assert!(
                ["Schedule", "EventBridgeRule", "CloudWatchLogs"].contains(&kind),
                "{name}.{event}: SAM's policy for {kind} reaches every queue or stream of the account"
            );
        }
    }
}
