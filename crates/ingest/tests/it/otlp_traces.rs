//! Vectors of OTLP traces: requests in JSON or protobuf, and the documents they become.

use base::Timestamp;
use ingest::otlp::{self, Encoding, ExportTraceServiceRequest, Outcome, Refusal};
use ingest::segment_document::{self, Entity, SegmentRules};
use prost::Message as _;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_secs(1_736_949_770);

/// A span with sound ids and times; `extra` overrides.
fn span(extra: Value) -> Value {
    let mut span = json!({
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
        "name": "op", "startTimeUnixNano": "1736949760000000000", "endTimeUnixNano": 1736949760500000000u64,
    });
    span.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    span
}

pub(crate) fn attributes(pairs: Value) -> Value {
    fn any(value: &Value) -> Value {
        match value {
            Value::String(s) => json!({"stringValue": s}),
            Value::Bool(b) => json!({"boolValue": b}),
            Value::Number(n) if n.is_i64() => json!({"intValue": n.to_string()}),
            Value::Number(n) => json!({"doubleValue": n}),
            Value::Array(list) => json!({"arrayValue": {"values": list.iter().map(any).collect::<Vec<_>>()}}),
            _ => json!({}),
        }
    }
    pairs.as_object().unwrap().iter().map(|(k, v)| json!({"key": k, "value": any(v)})).collect()
}

fn request(resource: Value, spans: Vec<Value>) -> Vec<u8> {
    json!({"resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": spans}]}]})
        .to_string()
        .into_bytes()
}

fn translate(body: &[u8]) -> Result<otlp::Traces, Refusal> {
    otlp::traces(&otlp::decode::<ExportTraceServiceRequest>(Encoding::Json, body).unwrap(), NOW, &[])
}

/// The documents of one span; all of them must be acceptable segment documents.
fn documents(resource: Value, span: Value) -> Vec<Value> {
    let traces = translate(&request(resource, vec![span])).unwrap();
    for document in &traces.documents {
        let segment = segment_document::parse(document, NOW, SegmentRules::default()).unwrap();
        Entity::read(&segment.document).unwrap();
    }
    traces.documents.iter().map(|d| serde_json::from_str(d).unwrap()).collect()
}

fn document(resource: Value, kind: i32, parent: bool, pairs: Value) -> Value {
    let parent = if parent { "1111111111111111" } else { "" };
    documents(resource, span(json!({"kind": kind, "parentSpanId": parent, "attributes": attributes(pairs)})))
        .remove(0)
}

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

#[test]
fn ids_are_converted_and_folded() {
    let document = document(json!({}), SERVER, false, json!({}));
    assert_eq!(document["trace_id"], "1-5b8efff7-98038103d269b633813fc60c");
    assert_eq!(document["id"], "eee19b7ec3c1b174");
    assert_eq!(
        (&document["start_time"], &document["end_time"]),
        (&json!(1736949760.0), &json!(1736949760.5))
    );
}

#[test]
fn enums_must_be_integers_and_unknown_keys_are_ignored() {
    let text = span(json!({"kind": "SPAN_KIND_SERVER"}));
    assert!(
        otlp::decode::<ExportTraceServiceRequest>(Encoding::Json, &request(json!({}), vec![text])).is_err()
    );
    let mut snake = span(json!({"start_time_unix_nano": "1736949760000000000"}));
    snake.as_object_mut().unwrap().remove("startTimeUnixNano");
    let refusal = translate(&request(json!({}), vec![snake])).unwrap_err();
    assert!(refusal.to_string().contains("start time"), "{refusal}");
}

#[test]
fn empty_requests_are_accepted() {
    assert_eq!(
        otlp::traces(&otlp::decode(Encoding::Protobuf, b"").unwrap(), NOW, &[]).unwrap(),
        otlp::Traces::default()
    );
    assert_eq!(translate(b"{}").unwrap(), otlp::Traces::default());
    assert_eq!(Outcome::default().to_json("rejectedSpans"), json!({}));
    assert_eq!(Outcome::default().of_traces().encode_to_vec(), b"");
}

#[test]
fn protobuf_and_json_give_the_same() {
    let body = request(json!({"service.name": "shop"}), vec![span(json!({"kind": SERVER}))]);
    let decoded: ExportTraceServiceRequest = otlp::decode(Encoding::Json, &body).unwrap();
    let again = otlp::decode(Encoding::Protobuf, &decoded.encode_to_vec()).unwrap();
    assert_eq!(decoded, again);
    assert!(otlp::decode::<ExportTraceServiceRequest>(Encoding::Protobuf, b"\xff\xff").is_err());
}

#[test]
fn bad_spans_are_rejected_alone() {
    let zero = span(json!({"spanId": "0000000000000000"}));
    let spans = vec![span(json!({})), zero.clone(), span(json!({"spanId": "eee19b7ec3c1b175"}))];
    let traces = translate(&request(json!({}), spans)).unwrap();
    assert_eq!((traces.documents.len(), traces.rejected_spans), (2, 1));
    assert_eq!(traces.error_message.as_deref(), Some("invalid span id"));
    let refusal = translate(&request(json!({}), vec![zero.clone(), zero])).unwrap_err();
    assert_eq!(refusal, Refusal::AllRejected("invalid span id (+1 more)".to_owned()));
    let outcome = Outcome { rejected: 1, error_message: Some("x".to_owned()) };
    assert_eq!(
        outcome.to_json("rejectedSpans"),
        json!({"partialSuccess": {"errorMessage": "x", "rejectedSpans": "1"}})
    );
}

#[test]
fn whole_requests_are_refused_beyond_the_limits() {
    let many = (0..10_001).map(|_| json!({})).collect();
    assert_eq!(
        translate(&request(json!({}), many)).unwrap_err(),
        Refusal::TooManyItems { count: 10_001, what: "spans", most: 10_000 }
    );
    let large = json!({"k": "v".repeat(17_000)});
    assert_eq!(translate(&request(large, vec![span(json!({}))])).unwrap_err(), Refusal::ContextTooLarge);
    let day = 86_400_000_000_000u64;
    let old = 1736949760000000000u64 - 2 * day;
    let old = span(json!({"startTimeUnixNano": old.to_string(), "endTimeUnixNano": old.to_string()}));
    assert_eq!(
        translate(&request(json!({}), vec![span(json!({})), old])).unwrap_err(),
        Refusal::TooFarApart("spans")
    );
}

#[test]
fn a_server_span_is_a_segment_named_by_its_service() {
    let document =
        document(json!({"service.name": "shop", "service.version": "7"}), SERVER, false, json!({}));
    assert_eq!(document["name"], "shop");
    assert_eq!(document.get("namespace"), None);
    assert_eq!(document.get("type"), None);
    assert_eq!(document["service"]["version"], "7");
    assert_eq!(document["metadata"]["default"]["otel.resource.service.name"], "shop");
}

#[test]
fn a_client_span_is_a_remote_subsegment_flagged_by_its_status() {
    let pairs = json!({"server.address": "api.x", "http.response.status_code": 503});
    let document_503 = document(json!({}), CLIENT, true, pairs);
    assert_eq!(document_503["type"], "subsegment");
    assert_eq!(document_503["name"], "api.x");
    assert_eq!(document_503["namespace"], "remote");
    assert_eq!(document_503["fault"], true);
    let document_429 = document(json!({}), CLIENT, true, json!({"http.response.status_code": 429}));
    assert_eq!((&document_429["error"], &document_429["throttle"]), (&json!(true), &json!(true)));
    assert_eq!(document_429.get("fault"), None);
}

#[test]
fn a_failed_span_without_events_has_one_exception() {
    let failed = span(json!({"kind": 1, "status": {"code": 2, "message": "boom"}}));
    let document = documents(json!({}), failed.clone()).remove(0);
    assert_eq!(document["fault"], true);
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    assert_eq!(exceptions.len(), 1);
    assert_eq!(exceptions[0]["message"], "boom");
    assert_eq!(documents(json!({}), failed).remove(0), document, "a repeated request makes the same ids");
}

#[test]
fn exception_events_keep_stack_and_causes() {
    let event = json!({"name": "exception", "attributes": attributes(json!({
        "exception.type": "E", "exception.message": "m",
        "exception.stacktrace": "E: m\n\tat a.B.c(B.java:1)\nCaused by: F: n\n\tat d.E.f(E.java:2)",
    }))});
    let document = documents(
        json!({"telemetry.sdk.language": "java"}),
        span(json!({"kind": SERVER, "events": [event]})),
    )
    .remove(0);
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    assert_eq!((&exceptions[0]["type"], &exceptions[0]["stack"][0]["line"]), (&json!("E"), &json!(1)));
    assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
    assert_eq!(exceptions[1]["message"], "n");
    assert_eq!(document.get("fault"), None);
}

#[test]
fn aws_sdk_spans() {
    let pairs = json!({
        "rpc.system": "aws-api", "aws.remote.service": "AWS::DynamoDB", "rpc.method": "GetItem",
        "aws.dynamodb.table_names": ["carts"],
    });
    let document = document(json!({}), CLIENT, true, pairs);
    assert_eq!((&document["name"], &document["namespace"]), (&json!("DynamoDB"), &json!("aws")));
    assert_eq!(document["aws"], json!({"operation": "GetItem", "table_name": "carts"}));
}

#[test]
fn database_spans() {
    let pairs = json!({
        "db.system": "postgresql", "db.name": "ebdb", "db.connection_string": "jdbc:postgresql://h:5432",
        "db.statement": "select ?",
    });
    let document = document(json!({}), CLIENT, true, pairs);
    assert_eq!(document["name"], "ebdb@h");
    assert_eq!(
        document["sql"],
        json!({"url": "op", "connection_string": "jdbc:postgresql://h:5432/ebdb", "database_type": "postgresql",
            "sanitized_query": "select ?"})
    );
}

#[test]
fn urls_are_put_together() {
    let pairs = json!({
        "url.scheme": "https", "server.address": "s", "server.port": 443, "url.path": "/a", "url.query": "q=1",
    });
    assert_eq!(document(json!({}), SERVER, false, pairs)["http"]["request"]["url"], "https://s/a?q=1");
    let pairs = json!({"http.scheme": "http", "net.peer.name": "p", "net.peer.port": 8080});
    assert_eq!(document(json!({}), CLIENT, true, pairs)["http"]["request"]["url"], "http://p:8080/");
}

#[test]
fn annotations_and_metadata() {
    let pairs = json!({
        "aws.xray.annotations": ["tier", "x.y", "a b"], "tier": "gold", "x.y": 3, "a b": true, "other": 1,
        "aws.xray.metadata.ns": "{\"k\":[1]}", "aws.xray.metadata.default": "{\"d\":2}", "aws.xray.metadata.bad": "{",
    });
    let document = document(json!({}), 1, true, pairs);
    assert_eq!(document["annotations"], json!({"tier": "gold", "x.y": 3, "a_b": true}));
    assert_eq!(
        document["metadata"],
        json!({"ns": {"k": [1]}, "default": {"other": 1, "d": 2, "aws.xray.metadata.bad": "{"}})
    );
}

#[test]
fn names_are_made_legal() {
    let named = |name: &str| documents(json!({}), span(json!({"name": name}))).remove(0)["name"].clone();
    assert_eq!(named("GET /a?b"), "GET /ab");
    assert_eq!(named("???"), "span");
    assert_eq!(named(&"n".repeat(300)), "n".repeat(200));
}

#[test]
fn origins_come_from_the_resource() {
    let resource =
        json!({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "fargate", "container.name": "c"});
    let document_ecs = document(resource, SERVER, false, json!({}));
    assert_eq!(document_ecs["origin"], "AWS::ECS::Fargate");
    assert_eq!(document_ecs["aws"]["ecs"], json!({"container": "c", "launch_type": "fargate"}));
    let elsewhere = json!({"cloud.provider": "gcp", "cloud.platform": "aws_ec2", "host.id": "i"});
    let document = document(elsewhere, SERVER, false, json!({}));
    assert_eq!((document.get("origin"), document.get("aws")), (None, None));
}

#[test]
fn a_consuming_local_root_is_a_segment_and_a_subsegment() {
    let link = json!({"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b1aa"});
    let pairs =
        json!({"aws.span.kind": "LOCAL_ROOT", "aws.local.service": "worker", "aws.remote.service": "queue"});
    let consumer = span(json!({
        "kind": 5, "parentSpanId": "1111111111111111", "links": [link], "attributes": attributes(pairs),
    }));
    let documents = documents(json!({}), consumer);
    let [service, call] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!((&service["name"], &service["parent_id"]), (&json!("worker"), &json!("1111111111111111")));
    assert_eq!(service["links"][0]["trace_id"], "1-5b8efff7-98038103d269b633813fc60d");
    assert_eq!(service.get("type"), None);
    assert_eq!(call.get("links"), None);
    assert_eq!((&call["id"], &call["parent_id"]), (&json!("eee19b7ec3c1b174"), &service["id"]));
    assert_eq!((&call["name"], &call["namespace"]), (&json!("queue"), &json!("remote")));
}

#[test]
fn content_types() {
    assert_eq!(Encoding::from_content_type("application/json; charset=utf-8"), Some(Encoding::Json));
    assert_eq!(Encoding::from_content_type("application/x-protobuf"), Some(Encoding::Protobuf));
    assert_eq!(Encoding::from_content_type("text/plain"), None);
}
