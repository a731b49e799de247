//! The `aws` and `sql` blocks.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use serde_json::{Map, Value, json};

use super::span::SpanContext;

/// Details of the call, and on segments of the resource the code runs on.
pub(super) fn block(cx: &SpanContext<'_>) -> Option<Value> {
    let mut aws = call(cx);
    if !cx.is_in_aws() {
        return None;
    }
    if cx.is_segment {
        aws.extend(resource(cx));
    }
    (!aws.is_empty()).then(|| aws.into())
}

/// Details of the resource alone.
pub(super) fn resource_block(cx: &SpanContext<'_>) -> Option<Value> {
    let aws = if cx.is_in_aws() { resource(cx) } else { Map::new() };
    (!aws.is_empty()).then(|| aws.into())
}

fn call(cx: &SpanContext<'_>) -> Map<String, Value> {
    let attributes = &cx.attributes;
    let mut aws = Map::new();
    let operation = match attributes.take_text(&["aws.operation"]) {
        Some(operation) => Some(operation),
        None if cx.is_aws_sdk() || cx.attributes.has("aws.remote.service") => {
            attributes.take_text(&["rpc.method"])
        }
        None => None,
    };
    let texts: [(&str, Option<&str>); 8] = [
        ("operation", operation),
        ("region", attributes.take_text(&["aws.region"])),
        ("request_id", attributes.take_text(&["aws.request_id", "aws.requestId"])),
        (
            "queue_url",
            attributes.take_text(&["aws.queue_url", "aws.queue.url", "messaging.url", "aws.sqs.queue.url"]),
        ),
        ("bucket_name", attributes.take_text(&["aws.s3.bucket"])),
        ("topic_arn", attributes.take_text(&["aws.sns.topic.arn"])),
        ("function_name", attributes.take_text(&["faas.invoked_name"])),
        ("account_id", attributes.take_text(&["aws.account_id"])),
    ];
    for (member, value) in texts {
        if let Some(value) = value {
            aws.insert(member.to_owned(), value.into());
        }
    }
    if let Some(table) = attributes.take_text(&["aws.table_name", "aws.table.name"]) {
        aws.insert("table_name".to_owned(), table.into());
    }
    match attributes.take_texts("aws.dynamodb.table_names").as_slice() {
        [] => {}
        [table] => {
            aws.entry("table_name").or_insert_with(|| Value::from(*table));
        }
        tables => {
            aws.insert("table_names".to_owned(), json!(tables));
        }
    }
    if let Some(retries) = attributes.take_integer(&["aws.xray.retries"]) {
        aws.insert("retries".to_owned(), retries.into());
    }
    aws
}

fn resource(cx: &SpanContext<'_>) -> Map<String, Value> {
    let resource = cx.resource;
    let text = |key: &str| resource.peek_text(&[key]);
    let platform = text("cloud.platform").unwrap_or_default();
    let mut aws = Map::new();
    let mut put = |member: &str, fields: Map<String, Value>| {
        if !fields.is_empty() {
            aws.insert(member.to_owned(), fields.into());
        }
    };
    if platform == "aws_ec2" || resource.has("host.id") {
        put(
            "ec2",
            named(
                cx,
                &[
                    ("instance_id", "host.id"),
                    ("availability_zone", "cloud.availability_zone"),
                    ("instance_size", "host.type"),
                    ("ami_id", "host.image.id"),
                ],
            ),
        );
    }
    if platform == "aws_ecs" {
        put(
            "ecs",
            named(
                cx,
                &[
                    ("container", "container.name"),
                    ("container_id", "container.id"),
                    ("container_arn", "aws.ecs.container.arn"),
                    ("cluster_arn", "aws.ecs.cluster.arn"),
                    ("task_arn", "aws.ecs.task.arn"),
                    ("task_family", "aws.ecs.task.family"),
                    ("launch_type", "aws.ecs.launchtype"),
                    ("availability_zone", "cloud.availability_zone"),
                ],
            ),
        );
    }
    if platform == "aws_elastic_beanstalk" && resource.has("service.instance.id") {
        let mut fields =
            named(cx, &[("environment_name", "service.namespace"), ("version_label", "service.version")]);
        let deployment = text("service.instance.id").and_then(|id| id.parse::<i64>().ok()).unwrap_or(0);
        fields.insert("deployment_id".to_owned(), deployment.into());
        put("elastic_beanstalk", fields);
    }
    if platform == "aws_eks" || resource.has("k8s.cluster.name") {
        let names =
            [("cluster_name", "k8s.cluster.name"), ("pod", "k8s.pod.name"), ("container_id", "container.id")];
        put("eks", named(cx, &names));
    }
    put("xray", sdk(cx));
    if let Some(logs) = cloudwatch_logs(cx) {
        aws.insert("cloudwatch_logs".to_owned(), logs);
    }
    if let Some(account) = text("cloud.account.id") {
        aws.insert("account_id".to_owned(), account.into());
    }
    aws
}

/// The resource attributes that are there, under X-Ray's names.
fn named(cx: &SpanContext<'_>, names: &[(&str, &str)]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|(member, key)| Some(((*member).to_owned(), cx.resource.peek_text(&[key])?.into())))
        .collect()
}

fn sdk(cx: &SpanContext<'_>) -> Map<String, Value> {
    let text = |key: &str| cx.resource.peek_text(&[key]);
    let mut fields = Map::new();
    if let Some(name) = text("telemetry.sdk.name") {
        let sdk = match text("telemetry.sdk.language") {
            Some(language) => format!("{name} for {language}"),
            None => name.to_owned(),
        };
        fields.insert("sdk".to_owned(), sdk.into());
        if let Some(version) = text("telemetry.sdk.version") {
            fields.insert("sdk_version".to_owned(), version.into());
        }
        fields.insert("auto_instrumentation".to_owned(), cx.resource.has("telemetry.auto.version").into());
    }
    fields
}

fn cloudwatch_logs(cx: &SpanContext<'_>) -> Option<Value> {
    let list = |key: &str| -> Vec<String> {
        match cx.resource.peek(key) {
            Some(Any::StringValue(text)) => {
                text.split('&').filter(|s| !s.is_empty()).map(str::to_owned).collect()
            }
            Some(Any::ArrayValue(list)) => list
                .values
                .iter()
                .filter_map(|v| match &v.value {
                    Some(Any::StringValue(text)) if !text.is_empty() => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    };
    let arns = list("aws.log.group.arns");
    let groups: Vec<Value> = if arns.is_empty() {
        list("aws.log.group.names").into_iter().map(|name| json!({"log_group": name})).collect()
    } else {
        arns.into_iter()
            .map(|arn| match arn.split(':').nth(6) {
                Some(name) => json!({"arn": arn, "log_group": name}),
                None => json!({"arn": arn}),
            })
            .collect()
    };
    (!groups.is_empty()).then(|| groups.into())
}

/// Present for the relational databases the exporter knows.
pub(super) fn sql(cx: &SpanContext<'_>) -> Option<Value> {
    let attributes = &cx.attributes;
    let system = attributes.peek_text(&["db.system", "db.system.name"])?;
    if !SQL_SYSTEMS.contains(&system) {
        return None;
    }
    attributes.take_text(&["db.system", "db.system.name"]);
    let mut connection = attributes.take_text(&["db.connection_string"]).unwrap_or("localhost").to_owned();
    if let Some(name) = attributes.take_text(&["db.name"]) {
        connection = format!("{connection}/{name}");
    }
    let mut sql = Map::new();
    sql.insert("url".to_owned(), cx.span.name.as_str().into());
    sql.insert("connection_string".to_owned(), connection.into());
    sql.insert("database_type".to_owned(), system.into());
    let user = attributes.take_text(&["db.user"]);
    let query = attributes.take_text(&["db.statement", "db.query.text"]);
    for (member, value) in [("user", user), ("sanitized_query", query)] {
        if let Some(value) = value {
            sql.insert(member.to_owned(), value.into());
        }
    }
    Some(sql.into())
}

const SQL_SYSTEMS: [&str; 14] = [
    "db2",
    "derby",
    "hive",
    "mariadb",
    "mssql",
    "mysql",
    "oracle",
    "postgresql",
    "sqlite",
    "teradata",
    "other_sql",
    "microsoft.sql_server",
    "oracle.db",
    "ibm.db2",
];
