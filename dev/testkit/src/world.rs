//! Tables and a bucket that no other test knows.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};
use machine_tests::template::Template;
use serde_json::{Value, json};
use store::{Anchors, ConsoleTable, Gates, Objects, Slots, Store, Tokens};

use crate::engine::{Shared, shared};

/// The names of a world's resources.
#[derive(Debug, Clone)]
pub struct Names {
    /// Workflows, tickets, deliveries, slots, outbox.
    pub state: String,
    /// The audit trail.
    pub audit: String,
    /// Gates and links.
    pub gates: String,
    /// Task tokens.
    pub tokens: String,
    /// Sessions and API tokens.
    pub console: String,
    /// The bucket.
    pub bucket: String,
}

/// Tables and a bucket, and what reads and writes them with all permissions.
pub struct World {
    /// Region, root credentials and endpoint of the engine.
    pub aws: SdkConfig,
    /// The resources' names.
    pub names: Names,
    /// Workflows and their audit trail.
    pub store: Store,
    /// Gates and links.
    pub gates: Gates,
    /// Task tokens.
    pub tokens: Tokens,
    /// Sessions and API tokens.
    pub console: ConsoleTable,
    /// Slots.
    pub slots: Slots,
    /// The bucket.
    pub objects: Objects,
    dynamodb: aws_sdk_dynamodb::Client,
    states: aws_sdk_sfn::Client,
    queues: aws_sdk_sqs::Client,
    pub(crate) engine: Arc<Shared>,
}

impl World {
    /// Makes a world.
    pub async fn start() -> Self {
        let engine = shared();
        let aws = config(&engine).await;
        let names = make(&engine, &unique("world"));
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
        Self {
            store: Store::new(dynamodb.clone(), &names.state, &names.audit),
            gates: Gates::new(dynamodb.clone(), &names.gates),
            tokens: Tokens::new(dynamodb.clone(), &names.tokens),
            console: ConsoleTable::new(dynamodb.clone(), &names.console),
            slots: Slots::new(dynamodb.clone(), &names.state),
            dynamodb,
            states: aws_sdk_sfn::Client::new(&aws),
            queues: aws_sdk_sqs::Client::new(&aws),
            objects: Objects::new(Objects::client(&aws), &names.bucket),
            aws,
            names,
            engine,
        }
    }

    /// The same account at an address where nothing answers.
    pub fn unreachable(&self) -> SdkConfig {
        let retries = aws_config::retry::RetryConfig::disabled();
        self.aws.to_builder().endpoint_url("http://127.0.0.1:1").retry_config(retries).build()
    }

    /// Step Functions.
    pub fn states(&self) -> aws_sdk_sfn::Client {
        self.states.clone()
    }

    /// SQS.
    pub fn queues(&self) -> aws_sdk_sqs::Client {
        self.queues.clone()
    }

    /// Every row of a table.
    pub async fn rows(&self, table: &str) -> Vec<HashMap<String, AttributeValue>> {
        let pages = self.dynamodb.scan().table_name(table).consistent_read(true).into_paginator();
        pages.items().send().try_collect().await.unwrap()
    }

    /// Every row of every table as one text, to look for what must not be there, or to see that nothing changed.
    /// Left out is which secrets each function holds: every start of one notes that again; and what the console refused,
    /// which changes nothing else. Sessions are no part of what workflows do.
    pub async fn everything(&self) -> String {
        let Names { state, audit, gates, tokens, .. } = &self.names;
        let mut lines = Vec::new();
        for table in [state, audit, gates, tokens] {
            for row in self.rows(table).await {
                let line = text(&AttributeValue::M(row));
                if !["KNOWN#", "ACCESS#"].iter().any(|own| line.contains(&format!("\"pk\": \"S(\\\"{own}"))) {
                    lines.push(format!("{table}: {line}"));
                }
            }
        }
        lines.sort();
        lines.join("\n")
    }

    /// A queue. Answers its address.
    pub async fn queue(&self) -> String {
        self.queues().create_queue().queue_name(unique("queue")).send().await.unwrap().queue_url.unwrap()
    }

    /// What a queue has now, taken from it.
    pub async fn messages(&self, queue: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let call = self.queues().receive_message().queue_url(queue).max_number_of_messages(10);
            let messages = call.wait_time_seconds(0).send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            all.extend(messages.iter().map(|message| serde_json::from_str::<Value>(message.body().unwrap()).unwrap()));
        }
    }

    /// A secret. Answers its ARN.
    pub fn secret(&self, value: &Value) -> String {
        let secret = json!({ "Name": unique("secret"), "SecretString": value.to_string() });
        let made = self.engine.client.json("secretsmanager", "secretsmanager.CreateSecret", &secret).unwrap();
        made["ARN"].as_str().unwrap().to_owned()
    }

    /// A bucket of anchors: nobody deletes a version of an object in it before a day has passed. Answers its name.
    pub async fn audit_bucket(&self) -> String {
        let (s3, name) = (Objects::client(&self.aws), unique("audit"));
        s3.create_bucket().bucket(&name).object_lock_enabled_for_bucket(true).send().await.unwrap();
        let retention = DefaultRetention::builder().mode(ObjectLockRetentionMode::Compliance).days(1).build();
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .rule(ObjectLockRule::builder().default_retention(retention).build());
        let configure = s3.put_object_lock_configuration().bucket(&name).object_lock_configuration(lock.build());
        configure.send().await.unwrap();
        name
    }

    /// Anchors in such a bucket.
    pub fn anchors(&self, bucket: &str) -> Anchors {
        Anchors::new(Objects::client(&self.aws), bucket)
    }

    /// A role that S3 objects of this world can be read and written with. Answers its ARN.
    pub fn bucket_role(&self) -> String {
        self.role("lambda.amazonaws.com", "s3:*", &format!("arn:aws:s3:::{}/*", self.names.bucket))
    }

    /// A role that `service` may take and that may do `action` on `resource`. Answers its ARN.
    pub(crate) fn role(&self, service: &str, action: &str, resource: &str) -> String {
        let name = unique("role");
        let arn = self.engine.client.create_role(&name, service).unwrap();
        let statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let fields =
            [("Action", "PutRolePolicy"), ("RoleName", &name), ("PolicyName", "only"), ("PolicyDocument", &policy)];
        self.engine.client.query("iam", "2010-05-08", &fields).unwrap();
        arn
    }

    /// An ECS cluster. Answers its name.
    pub fn cluster(&self) -> String {
        let name = unique("cluster");
        let target = "AmazonEC2ContainerServiceV20141113.CreateCluster";
        self.engine.client.json("ecs", target, &json!({ "clusterName": name })).unwrap();
        name
    }
}

/// The same text for the same value.
fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, field)| (name, text(field))).collect();
            format!("{fields:?}")
        }
        AttributeValue::L(items) => format!("{:?}", items.iter().map(text).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

/// A name that nothing else on the process's engine has.
pub(crate) fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

async fn config(engine: &Shared) -> SdkConfig {
    let root = engine.engine.root();
    let credentials = Credentials::new(&root.access_key_id, &root.secret_access_key, None, None, "engine root");
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(engine.engine.region()))
        .endpoint_url(engine.engine.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .load()
        .await
}

/// The template's tables. Only their text is parsed: the whole template takes longer than all of a world's tables.
fn tables() -> &'static Template {
    static TABLES: LazyLock<Template> = LazyLock::new(|| {
        let text = std::fs::read_to_string(machine_tests::root().join("template.yaml")).unwrap();
        let mut in_table = true;
        let section = text.lines().skip_while(|line| *line != "Resources:");
        let wanted = section.take_while(|line| *line != "Outputs:").filter(|line| {
            if let Some(name) = line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#'])) {
                in_table = name.ends_with("Table:");
            }
            in_table
        });
        Template::parse(&wanted.collect::<Vec<_>>().join("\n")).unwrap()
    });
    &TABLES
}

/// Makes the tables as the template describes them, and a bucket.
fn make(engine: &Shared, prefix: &str) -> Names {
    let template = tables();
    let table = |logical: &str| {
        let name = format!("{prefix}-{logical}");
        let mut request = json!({ "TableName": name });
        let properties = &template.body["Resources"][logical]["Properties"];
        // CloudFormation and CreateTable have the same names for what matters here.
        for field in ["BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
            if let Some(value) = properties.get(field) {
                request[field] = value.clone();
            }
        }
        engine.client.json("dynamodb", "DynamoDB_20120810.CreateTable", &request).unwrap();
        name
    };
    let bucket = format!("{prefix}-bucket");
    engine.client.put_object(&bucket, b"").unwrap();
    Names {
        state: table("StateTable"),
        audit: table("AuditTable"),
        gates: table("GatesTable"),
        tokens: table("TokensTable"),
        console: table("ConsoleTable"),
        bucket,
    }
}
